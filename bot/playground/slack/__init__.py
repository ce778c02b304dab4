"""The stand-in for Slack: its Web API, Socket Mode, events and the page where people type and press."""
