"""Square: payments, refunds, orders and customers come in, loyalty points and rewards go out."""
