"""Airtable: records that changed in; records created, updated and upserted in tens out."""
