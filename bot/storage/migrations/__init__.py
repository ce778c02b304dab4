"""The migrations. To add one: CONTRIBUTING.md."""
