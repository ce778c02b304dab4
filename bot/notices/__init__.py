"""Telling people: who subscribed to what, the looks at watched tasks, and the delivery of what is to be told."""
