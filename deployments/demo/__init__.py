"""The demo: a day in the life of a small chain of aromatherapy shops."""
