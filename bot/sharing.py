"""What replicas share by way of Redis: one pace for one account's limit, and the answers."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from bot.keys import own_credentials
from bot.lookup.cache import Shared
from bot.lookup.local_slots import OwnSlots
from bot.lookup.meter import LookupMeter
from bot.lookup.pacing import Slots
from bot.runtime.supervision import Supervisor
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Sharing:
    """Where this process's slots come from, and the memory of answers behind its own, if there is one."""

    slots: Slots
    answers: Shared | None = None


@asynccontextmanager
async def open_sharing(
    settings: Settings, *, clock: Callable[[], datetime], meter: LookupMeter, supervisor: Supervisor
) -> AsyncIterator[Sharing]:
    """Alone where no Redis is set; a Redis that is out of reach does not keep it from opening."""
    if settings.redis_url is None:
        yield Sharing(OwnSlots(settings.qps))
        return
    # The driver is an extra, and takes its time to import.
    from bot.lookup.redis.answers import SharedAnswers  # noqa: PLC0415
    from bot.lookup.redis.connection import open_redis  # noqa: PLC0415
    from bot.lookup.redis.sealing import Seal  # noqa: PLC0415
    from bot.lookup.redis.slots import SharedSlots  # noqa: PLC0415

    async with (
        open_redis(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix) as link,
        SharedSlots(
            link,
            limit=settings.qps,
            replicas=settings.replicas,
            # A new one at each start: what the process before it left behind is not this one's.
            replica=secrets.token_hex(8),
            meter=meter,
            supervisor=supervisor,
        ) as slots,
    ):
        seal = Seal.from_secret(own_credentials(settings).secret_key)
        yield Sharing(slots, SharedAnswers(link, seal=seal, clock=clock))
