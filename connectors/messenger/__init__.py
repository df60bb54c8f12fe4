"""Messenger: what people say to the Page, and what the hub says to them."""
