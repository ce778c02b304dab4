"""What the storage tests are given: the same databases as the contract tests."""

from tests.contracts.databases import (
    anyio_backend,
    other,
    pair,
    postgres_database,
    postgres_url,
    sqlite_template,
    sqlite_url,
    stores,
    url,
)
from tests.contracts.postgres import postgres

__all__ = [
    "anyio_backend",
    "other",
    "pair",
    "postgres",
    "postgres_database",
    "postgres_url",
    "sqlite_template",
    "sqlite_url",
    "stores",
    "url",
]
