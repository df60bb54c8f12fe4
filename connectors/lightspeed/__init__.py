"""Lightspeed Retail (X-Series): tills whose sales and customers are polled, with doorbells."""
