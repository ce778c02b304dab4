"""Slack's side: what people type and press, and the cards they are answered with."""
