"""The world of the tests: stand-ins over real HTTP, settings that point at them, a clock that is moved by hand."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path

from bot.app.config.load import load_settings
from bot.app.config.settings import Settings
from bot.app.wiring.lookup import Bot, open_bot
from bot.playground.volcengine.rtc import FakeRtc
from bot.recording.reading import Priority, Reading, Urgency
from bot.recording.task_ref import TaskRef
from bot.volcengine.api.transport import Timeouts

NO_FILE = Path("/nonexistent/.env")
BRIEF = Timeouts(connect=0.5, attempt=0.5, total=5.0)


class SetClock:
    """A wall clock that is moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


def environ_for(fake: FakeRtc, **more: str) -> dict[str, str]:
    """The environment in which everything points at this stand-in."""
    token = {"VOLCENGINE_SESSION_TOKEN": fake.account.session_token} if fake.account.session_token else {}
    return {
        "RECTASK_RTC_ENDPOINT": fake.url,
        "RECTASK_APP_ID": fake.account.app_ids[0],
        "VOLC_ACCESSKEY": fake.account.access_key,
        "VOLC_SECRETKEY": fake.account.secret_key,
        **token,
        **more,
    }


def settings_from(environ: Mapping[str, str]) -> Settings:
    return load_settings(environ=environ, env_file=NO_FILE)


async def no_time(_seconds: float) -> None:
    """A pause that takes no time."""


def open_brief_bot(fake: FakeRtc, **more: str) -> AbstractAsyncContextManager[Bot]:
    """The whole bot against the stand-in, soon out of patience, and without pauses between attempts."""
    return open_bot(settings_from(environ_for(fake, **more)), patience=BRIEF, sleep=no_time)


async def ask(bot: Bot, room: str, task: str = "Task1", *, fresh: bool = False) -> Reading:
    """What a person's look-up does."""
    return await bot.reader.read(TaskRef(bot.apps[0], room, task), urgency=Urgency(Priority.PERSON), fresh=fresh)
