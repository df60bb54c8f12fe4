"""WhatsApp: what people say to the business number, and what the hub says to them."""
