"""One replica of the loops, as a process that may be killed or stopped at any moment."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from bot.app.config.load import load_settings
from bot.app.log_setup import configure_logs
from bot.app.wiring.lookup import open_bot
from bot.app.wiring.notices import LoopConfig, open_watching, stores_of
from bot.slack.connection.workspace import TokenHealth
from bot.slack.delivery.dm_messenger import open_messenger
from bot.storage.database import open_database


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is told: where everything is, and its habits (seconds, a second)."""

    environ: dict[str, str]
    lease: float
    interval: float
    messages_per_second: float
    log: str

    @property
    def habits(self) -> LoopConfig:
        lease = timedelta(seconds=self.lease)
        return LoopConfig(
            interval=timedelta(seconds=self.interval),
            retention=timedelta(days=30),
            look_lease=lease,
            delivery_lease=lease,
            messages_per_second=self.messages_per_second,
        )


async def work(order: Order, *, on_begun: Callable[[], None]) -> None:
    """Until it is ended from outside."""
    settings = load_settings(environ=order.environ, env_file=Path(os.devnull), for_slack=True)
    assert settings.slack_bot_token is not None
    async with (
        open_bot(settings) as bot,
        open_database(settings.database_url.get_secret_value()) as database,
        open_messenger(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            health=TokenHealth(),
            clock=bot.clock,
        ) as messenger,
        open_watching(
            stores_of(database),
            bot.reader,
            messenger,
            habits=order.habits,
            clock=bot.clock,
            on_settled=lambda _person: None,
        ),
    ):
        on_begun()
        await asyncio.Event().wait()


def run(order: Order, begun: Connection) -> None:
    """The process; it says through the connection that it is at work."""
    with Path(order.log).open("a", encoding="utf-8") as log:
        configure_logs(level="info", as_json=True, secrets=(), stream=log)
        asyncio.run(work(order, on_begun=lambda: begun.send_bytes(b"at work")))
