"""The programme: its words (events, members, money, points) and its books (the store)."""
