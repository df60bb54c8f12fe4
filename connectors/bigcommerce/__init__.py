"""BigCommerce: a shop whose orders and customers are polled when its webhooks ring."""
