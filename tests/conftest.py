"""What the tests are given."""

import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
import structlog

from bot.app.config.settings import NAMES
from bot.app.wiring.lookup import Bot
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from testing.databases import (
    other,
    pair,
    postgres_database,
    postgres_template,
    postgres_url,
    sqlite_template,
    sqlite_url,
    stores,
    url,
)
from testing.factories import SetClock, open_brief_bot
from testing.postgres import postgres
from testing.redis_server import redis_server

# One server for all: a fixture that several conftests import would be made anew for each.
__all__ = [
    "other",
    "pair",
    "postgres",
    "postgres_database",
    "postgres_template",
    "postgres_url",
    "redis_server",
    "sqlite_template",
    "sqlite_url",
    "stores",
    "url",
]

# The tests' databases need not outlive the machine: in memory, where there is enough of it.
_MEMORY = Path("/dev/shm")  # noqa: S108  # only folders with names of their own are made in it
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 * 2**30:
    os.environ["TMPDIR"] = str(_MEMORY)
    tempfile.tempdir = None  # so that it is looked for anew

# A set of one certificate, whatever the machine names: to read the authorities of the whole world takes each client
# some 50 ms. It vouches for nobody, and its key was thrown away.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "certificates" / "unused_authority.pem")

# A machine that does other things besides is slow at times, which no test is about.
hypothesis.settings.register_profile("everyday", deadline=None, max_examples=40)
hypothesis.settings.register_profile("long", deadline=None, max_examples=400)
hypothesis.settings.load_profile("everyday")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the sizes that docs/reliability.md reports (make soak)")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long"):
        hypothesis.settings.load_profile("long")


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether a test is to run in the size that is reported, and not in that of every day."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What runs the asynchronous tests: one loop for all, for databases that stay open."""
    return "asyncio"


@pytest.fixture
def set_clock() -> SetClock:
    return SetClock(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))


@pytest.fixture
async def fake_rtc() -> AsyncIterator[FakeRtc]:
    async with open_fake_rtc(FakeRtc()) as fake:
        yield fake


@pytest.fixture
async def bot(fake_rtc: FakeRtc) -> AsyncIterator[Bot]:
    async with open_brief_bot(fake_rtc) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """What a command line sets up for its process does not outlive its test."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = [handler for handler in root.handlers if handler in handlers]


@pytest.fixture
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """The events that are logged during the test."""
    with structlog.testing.capture_logs() as events:
        yield events


@pytest.fixture
def use_environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Mapping[str, str]], None]:
    """Make this the process's environment, as far as Rectask is concerned, in a folder without a `.env`."""

    def use(environ: Mapping[str, str]) -> None:
        monkeypatch.chdir(tmp_path)
        certificates = {"SSL_CERT_FILE"} if environ else set()  # the cheap ones, unless nothing at all is to be set
        for name in NAMES - certificates:
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

    return use
