"""Long runs with real processes: what docs/reliability.md reports. `make soak` runs them all."""
