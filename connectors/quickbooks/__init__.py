"""QuickBooks Online: sales receipts into the accounts, sales and customers out of them."""
