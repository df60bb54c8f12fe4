"""The hub's side of a private Zapier app: subscriptions, samples, actions, the test of a key."""
