"""How replicas tell each other that somebody's profile changed, for Slack sends each event to one of them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol


class ProfileChanges(Protocol):
    """Kept in the database. Every method raises DatabaseUnavailable."""

    async def note(self, user_ids: Collection[str]) -> None:
        """These people's profiles changed just now."""
        ...

    async def recent(self, *, within: timedelta) -> Mapping[str, datetime]:
        """Whose profile changed within that time, and when it did last, by the database's clock."""
        ...

    async def forget(self, *, older_than: timedelta) -> None:
        """Delete what everybody has heard."""
        ...
