"""Slack's payloads: who sent what from where, the command's text, the values of buttons."""
