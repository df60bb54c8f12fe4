"""SMTP: e-mails through any mail server."""
