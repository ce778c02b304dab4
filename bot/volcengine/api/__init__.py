"""Requests to Volcengine: signed, sent once, and their answers read."""
