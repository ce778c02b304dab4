"""Delivers queued notices: at least once, and almost always once."""
