"""WooCommerce: customers, orders and refunds of a shop come in, coupons and meta fields go out."""
