"""Looks at watched tasks when they are due, until there is something to tell."""
