"""LINE: what people say to the official account, and what the hub says to them."""
