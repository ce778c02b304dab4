"""The script in Redis by which replicas share one pace: what it is, where it keeps that, and what it answers."""

import importlib.resources
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field


class Told(BaseModel):
    """What the script answers; `wait` in microseconds, `share` in millionths."""

    model_config = ConfigDict(strict=True, frozen=True)

    is_granted: Annotated[int, Field(ge=0, le=1)]
    wait: Annotated[int, Field(ge=0)]
    replicas: Annotated[int, Field(ge=0, le=1000)]
    share: Annotated[int, Field(ge=0, le=1_000_000)]

    @classmethod
    def read(cls, reply: object) -> Self:
        """Raises ValidationError for what the script never answers."""
        values = reply if isinstance(reply, list) else []
        return cls.model_validate(dict(zip(cls.model_fields, values, strict=False)))


def pace_key(prefix: str) -> str:
    """The hash in which all replicas of one account have their pace."""
    return f"{prefix}pace"


def pace_script() -> str:
    """What Redis runs."""
    return importlib.resources.files(__package__).joinpath("reserve.lua").read_text(encoding="utf-8")
