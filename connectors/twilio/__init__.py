"""Twilio: text messages out, replies and delivery reports in."""
