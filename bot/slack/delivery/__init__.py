"""Direct messages to people who subscribed."""
