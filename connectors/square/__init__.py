"""Square: payments, refunds and customers of tills and shops come in as webhooks."""
