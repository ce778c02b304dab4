"""The connection to Slack: Web API client, authentication, Bolt, and both ways in (HTTP and Socket Mode)."""
