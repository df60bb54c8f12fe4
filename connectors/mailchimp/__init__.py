"""Mailchimp: members of an audience, their fields and tags."""
