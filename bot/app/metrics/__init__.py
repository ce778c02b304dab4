"""What the bot tells Prometheus of itself at /metrics."""
