"""Zoho CRM: contacts, leads and won deals in; contacts, leads, tags and notes out."""
