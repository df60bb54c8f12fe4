"""Google Sheets: rows at the end of a worksheet, each once."""
