"""Settings: from the environment, `.env` and `rectask.toml`."""
