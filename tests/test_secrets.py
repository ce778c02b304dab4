"""No key, token or signature in any log, error or output: everything is run, and everything is searched."""

import asyncio
import io
import logging
import re
from collections.abc import Callable, Iterator, Mapping

import pytest
import structlog

from bot.app import open_bot
from bot.cli import main
from bot.logs import configure_logs
from bot.playground.fake_rtc import FakeRtc, open_fake_rtc
from bot.playground.faults import FAULTS
from bot.playground.gateway import ERRORS, Account
from bot.playground.scenes import SCENES
from bot.recording.reading import TaskReadError
from bot.volcengine.transport import Patience
from tests.world import ask, environ_for, no_time, settings_from

ACCOUNT = Account("AKSECRETACCESSKEY0000", "c2VjcmV0LWtleS1vZi10aGlzLXRlc3Q=", session_token="STSsecrettoken+/==")
LEAKS = re.compile(
    "|".join([*map(re.escape, (ACCOUNT.access_key, ACCOUNT.secret_key, ACCOUNT.session_token or "")), "[0-9a-f]{64}"])
)
ROOMS = [*SCENES, *FAULTS, *(f"error-{code}" for code in ERRORS), "error-in-200", "skewed", "dropped", "nosuch"]
WRONG_KEYS = [
    {},
    {"VOLC_ACCESSKEY": ACCOUNT.access_key[::-1]},
    {"VOLC_SECRETKEY": ACCOUNT.secret_key[::-1]},
    {"VOLCENGINE_SESSION_TOKEN": "STSother"},
    {"RECTASK_RTC_ENDPOINT": "http://127.0.0.1:1"},
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, at the most talkative level, without the mask that is there in case of a leak."""
    stream = io.StringIO()
    configure_logs(level="debug", as_json=False, secrets=(), stream=stream)
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.DEBUG)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


async def test_nothing_leaks_from_any_answer_or_failure(log: io.StringIO) -> None:
    said: list[str] = []
    async with open_fake_rtc(FakeRtc(ACCOUNT, limit=None)) as fake:
        for wrong in WRONG_KEYS:
            settings = settings_from(environ_for(fake, **wrong))
            async with open_bot(settings, patience=Patience(0.3, 0.3, 2), sleep=no_time) as bot:
                for room in ROOMS if not wrong else ["Room1"]:
                    try:
                        said.append(repr(await ask(bot, room)))
                    except TaskReadError as failure:
                        said += [repr(failure), failure.happened, failure.meaning, failure.advice]
                        said += [repr(failure.__cause__), repr(failure.__context__)]
    seen = "\n".join(said) + log.getvalue()
    assert "attempt.failed" in seen
    assert "[signature]" in seen
    assert not LEAKS.search(seen)


@pytest.mark.parametrize("wrong", WRONG_KEYS)
async def test_nothing_leaks_from_the_command_line(
    wrong: dict[str, str],
    use_environ: Callable[[Mapping[str, str]], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with open_fake_rtc(FakeRtc(ACCOUNT)) as fake:
        use_environ(environ_for(fake, RECTASK_LOG_LEVEL="debug", **wrong))
        for argv in (["show", "Room1", "t"], ["show", "html", "t", "--json"], ["check"]):
            await asyncio.to_thread(main, argv)
    printed = capfd.readouterr()
    assert printed.out
    assert not LEAKS.search(printed.out + printed.err)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_log_masks_what_got_into_it_all_the_same(as_json: bool) -> None:
    stream = io.StringIO()
    configure_logs(level="info", as_json=as_json, secrets=["SKx==", ""], stream=stream)
    try:
        structlog.get_logger().info("key.leaked", key="SKx==")
        logging.getLogger("some.library").warning("the key is %s", "SKx==")
        structlog.get_logger().error("key.raised", exc_info=ValueError("SKx=="))
        structlog.get_logger().debug("key.whispered")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
    logged = stream.getvalue()
    assert "SKx==" not in logged
    assert logged.count("[secret]") >= 3
    assert "whispered" not in logged
    assert ('"event": "key.leaked"' in logged) == as_json
