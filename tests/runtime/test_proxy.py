"""A proxy between Rectask and RTC: what is told when the request ends there, and that RTC is not blamed."""

import errno

import aiohttp
import pytest

from bot.app.wiring.lookup import open_bot
from bot.playground.volcengine.rtc import FakeRtc
from bot.recording.reading import Priority, TaskReadError, TaskUnavailable, Urgency
from bot.recording.task_ref import TaskRef
from bot.runtime.proxy import unusable_proxies
from bot.volcengine.api.transport import PATIENCE
from bot.volcengine.api.transport_errors import of_transport
from bot.volcengine.rtc.reader import RTC as RTC_SERVICE
from testing.factories import environ_for, no_time, settings_from
from testing.refusing_proxy import proxy_that_answers

RTC = "https://rtc.invalid"
SLACK = "https://slack.com/api/"


async def failure_through(proxy: str, fake_rtc: FakeRtc, monkeypatch: pytest.MonkeyPatch) -> TaskReadError:
    for name in ("no_proxy", "NO_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    settings = settings_from(environ_for(fake_rtc, RECTASK_RTC_ENDPOINT=RTC))
    async with open_bot(settings, sleep=no_time) as bot:
        with pytest.raises(TaskUnavailable) as failed:
            await bot.reader.read(TaskRef(bot.apps[0], "Room1", "Task1"), urgency=Urgency(Priority.PERSON))
    return failed.value


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("407 Proxy Authentication Required", "user name and password"),
        ("403 Forbidden", "allow rtc.invalid"),
        ("502 Bad Gateway", "cannot reach rtc.invalid"),
        ("503 Service Unavailable", "cannot reach rtc.invalid"),
        ("504 Gateway Timeout", "cannot reach rtc.invalid"),
        ("418 I'm a teapot", "HTTPS_PROXY"),
    ],
)
async def test_what_the_proxy_answers_is_told_as_the_proxys(
    fake_rtc: FakeRtc, monkeypatch: pytest.MonkeyPatch, status: str, advice: str
) -> None:
    async with proxy_that_answers(status) as proxy:
        failure = await failure_through(proxy, fake_rtc, monkeypatch)
    place = proxy.rpartition("@")[2]
    assert failure.happened == f"The proxy {place} answered {status}."
    assert "was not asked" in failure.meaning
    assert advice in failure.advice
    assert "hidden" not in failure.happened + failure.meaning + failure.advice


@pytest.mark.parametrize(
    ("proxy", "happened"),
    [
        ("http://127.0.0.1:1", "The proxy 127.0.0.1:1 cannot be reached"),
        ("http://proxy.invalid:3128", "The proxy proxy.invalid:3128 cannot be resolved."),
    ],
)
async def test_a_proxy_that_is_not_there(
    fake_rtc: FakeRtc, monkeypatch: pytest.MonkeyPatch, proxy: str, happened: str
) -> None:
    failure = await failure_through(proxy, fake_rtc, monkeypatch)
    assert failure.happened.startswith(happened)
    assert "HTTPS_PROXY" in failure.advice


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_machine_without_file_descriptors_does_not_blame_rtc(number: int) -> None:
    failure = aiohttp.ClientPayloadError("no connection")
    failure.__cause__ = OSError(number, "Too many open files")
    words = of_transport(failure, peer=RTC_SERVICE, endpoint=RTC, patience=PATIENCE)
    assert words.happened == "This machine has no file descriptors left for another connection."
    assert "ulimit -n" in words.advice


@pytest.mark.parametrize(
    ("environ", "wrong"),
    [
        ({"HTTPS_PROXY": "proxy:3128"}, {"HTTPS_PROXY": "does not begin with http://"}),
        ({"https_proxy": "proxy:3128"}, {"https_proxy": "does not begin with http://"}),
        ({"ALL_PROXY": "socks5://proxy:1080"}, {"ALL_PROXY": "cannot use a socks5 proxy"}),
        ({"HTTPS_PROXY": '"http://proxy:3128"'}, {"HTTPS_PROXY": "quotation marks or spaces"}),
        ({"HTTPS_PROXY": "http://proxy:port"}, {"HTTPS_PROXY": "not an address of the form"}),
        ({"HTTPS_PROXY": "http://"}, {"HTTPS_PROXY": "not an address of the form"}),
        ({"HTTP_PROXY": "proxy:3128"}, {"HTTP_PROXY": "does not begin with http://"}),
        # Not used: another variable comes first.
        ({"ALL_PROXY": "socks5://proxy:1080", "HTTPS_PROXY": "http://proxy:3128"}, {}),
        ({"HTTPS_PROXY": "http://user:password@proxy:3128"}, {}),
        ({"HTTPS_PROXY": "https://proxy"}, {}),
        ({"HTTPS_PROXY": ""}, {}),
        ({}, {}),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(environ: dict[str, str], wrong: dict[str, str]) -> None:
    found = {name: problem for name, problem, _ in unusable_proxies(environ, rtc=RTC, slack=SLACK)}
    assert list(found) == list(wrong)
    assert all(wrong[name] in problem for name, problem in found.items())


def test_a_proxy_that_no_proxy_passes_by_is_not_looked_at() -> None:
    environ = {"HTTPS_PROXY": "proxy:3128", "NO_PROXY": "rtc.invalid"}
    assert not list(unusable_proxies(environ, rtc=RTC, slack=None))
    assert list(unusable_proxies(environ, rtc=RTC, slack=SLACK))
