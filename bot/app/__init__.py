"""The process: its commands, settings, HTTP server and metrics, and how the other rooms are put together."""
