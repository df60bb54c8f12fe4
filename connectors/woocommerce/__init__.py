"""WooCommerce: customers, orders and refunds of a shop come in as webhooks."""
