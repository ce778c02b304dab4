"""Cards: one message each, text and blocks, within Slack's limits."""
