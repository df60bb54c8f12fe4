"""Pipedrive: persons, won deals and done activities in; persons, deals, activities, notes out."""
