"""What every connector shares: HTTP, errors, budgets, signatures, redaction, registry."""
