"""Smile.io: a shop's loyalty programme: members, points and rewards."""
