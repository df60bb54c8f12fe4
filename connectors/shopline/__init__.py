"""SHOPLINE: customers, orders and refunds of a shop; member points, tags and coupons back."""
