"""What the storage tests are given: the same databases as the contract tests."""

from tests.contracts.conftest import stores
from tests.contracts.databases import postgres_database, postgres_url, sqlite_template, sqlite_url, url
from tests.contracts.postgres import postgres

__all__ = ["postgres", "postgres_database", "postgres_url", "sqlite_template", "sqlite_url", "stores", "url"]
