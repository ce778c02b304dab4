"""Who can be written to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be written to: the ids of their workspace and of themselves."""

    team_id: str
    user_id: str
