"""No key, token or signature in any log, error or output: everything is run, and everything is searched."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import structlog

from bot.app.cli import main
from bot.app.log_setup import configure_logs
from bot.app.wiring.lookup import open_bot
from bot.playground.volcengine.faults import FAULTS
from bot.playground.volcengine.gateway import ERRORS, Account
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.playground.volcengine.scenes import SCENES
from bot.recording.reading import TaskReadError
from bot.volcengine.api.signing import Credentials, Signer
from bot.volcengine.api.transport import Timeouts
from testing.factories import ask, environ_for, no_time, open_brief_bot, settings_from

ACCOUNT = Account("AKSECRETACCESSKEY0000", "c2VjcmV0LWtleS1vZi10aGlzLXRlc3Q=", session_token="STSsecrettoken+/==")
# What every request without a body has as its x-content-sha256.
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LEAKS = re.compile(
    "|".join(
        [
            *map(re.escape, (ACCOUNT.access_key, ACCOUNT.secret_key, ACCOUNT.session_token or "")),
            f"(?!{EMPTY_HASH})[0-9a-f]{{64}}",
        ]
    )
)
ROOMS = [
    *SCENES,
    *FAULTS,
    *(f"error-{code}" for code in ERRORS),
    "error-in-200",
    "skewed",
    "dropped",
    "quoting",
    "nosuch",
]
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
            async with open_bot(settings, patience=Timeouts(0.3, 0.3, 2), sleep=no_time) as bot:
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


async def test_a_good_answer_that_quotes_the_request_is_shown_without_its_keys() -> None:
    async with open_fake_rtc(FakeRtc(ACCOUNT, limit=None)) as fake, open_brief_bot(fake) as bot:
        reading = await ask(bot, "quoting")
    assert "Signature=[secret]" in reading.raw
    assert not LEAKS.search(reading.raw)


@pytest.mark.parametrize("form", ["plain", "escaped"])
def test_keys_are_concealed_in_an_answer_and_hashes_in_file_names_are_not(form: str) -> None:
    signer = Signer(
        Credentials(ACCOUNT.access_key, ACCOUNT.secret_key, ACCOUNT.session_token),
        region="cn-north-1",
        service="rtc",
        clock=lambda: datetime.now(UTC),
    )
    own, hashed = "a" * 64, "b" * 64
    answer = json.dumps({"keys": [ACCOUNT.access_key, ACCOUNT.secret_key, own], "ObjectKey": f"{hashed}.mp4"})
    if form == "escaped":
        answer = answer.replace("AK", "\\u0041K").replace("c2V", "\\u00632V").replace("aaa", "\\u0061aa")
    said = json.loads(signer.redact_in(answer, authorization=f"HMAC-SHA256 Credential=…, Signature={own}"))
    assert said == {"keys": ["[secret]"] * 3, "ObjectKey": f"{hashed}.mp4"}


ODD_SECRETS = ['quo"ted', "back\\slash", "bo\"th\\'", "with/and?&=%", "ümlaut", "new\nline"]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("secret", ODD_SECRETS)
def test_the_log_masks_a_secret_whatever_signs_it_has(secret: str, as_json: bool) -> None:
    stream = io.StringIO()
    configure_logs(level="info", as_json=as_json, secrets=[secret], stream=stream)
    log = structlog.get_logger()
    try:
        log.info("said", plain=f"it is {secret}!", nested={"a": [secret, (secret,)], secret: 1}, raw=secret.encode())
        log.info("shown", of=Path(secret), failure=ValueError(secret), error=repr(secret))
        log.info("sent", to=f"https://x/?key={quote(secret, safe='')}", form=urlencode({"key": secret}))
        logging.getLogger("some.library").warning("%r and %s", secret, secret)
        for failure in (ValueError(secret), KeyError(secret), OSError(2, "no file", secret)):
            log.error("raised", exc_info=failure)
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
    logged = stream.getvalue()
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    assert not [form for form in {*forms, quote(secret, safe="")} if form in logged]
    assert logged.count("[secret]") >= 14


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
