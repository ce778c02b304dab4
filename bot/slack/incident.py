"""The short id that a person is shown and the log has the details under."""

import secrets


def new_incident() -> str:
    """Eight characters that are easy to read out."""
    return secrets.token_hex(4)
