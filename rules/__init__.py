"""Rules decide what an event is worth. Pure: no I/O, no clock, no database."""
