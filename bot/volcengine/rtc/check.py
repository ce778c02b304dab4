"""Proving the way to RTC, step by step: the name, TLS, the signature for each app, the clock."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import httpx

from bot.recording.reading import Priority, TaskNotFound, TaskReadError, Urgency
from bot.recording.task_ref import RtcApp, TaskRef
from bot.runtime.certificates import reason_and_advice
from bot.runtime.checks import CheckResult
from bot.runtime.proxy import place_of
from bot.volcengine.api.client import clock_in_words
from bot.volcengine.rtc.reader import RtcTaskReader

# A signature is good for 900 s (vendor's page); a clock that is this far off will be there soon.
_CLOCK_LIMIT = timedelta(seconds=900)
_CLOCK_TOLERANCE = timedelta(seconds=30)
_MADE_UP = "rectask-check"
_TIME_LIMIT = 5.0


async def diagnose(
    endpoint: str, *, rtc: RtcTaskReader, apps: Sequence[RtcApp], proxy: str | None = None
) -> AsyncIterator[CheckResult]:
    """The findings in order; it ends early where a later step could only fail for the same reason."""
    if proxy is not None:
        said = f"RTC is reached through the proxy {place_of(proxy)}, which the environment names."
        yield CheckResult("proxy", is_well=True, said=said)
    else:
        async for finding in _reach(endpoint):
            yield finding
            if not finding.is_well:
                return
    for app in apps:
        yield await _ask_for_nothing(rtc, app)
    if rtc.clock_ahead is not None:
        yield _judge_clock(rtc.clock_ahead)


async def _reach(endpoint: str) -> AsyncIterator[CheckResult]:
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    yield await _resolve(host, port)
    yield await _handshake(host, port, is_tls=parts.scheme == "https")


async def _resolve(host: str, port: int) -> CheckResult:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return CheckResult(
            "name",
            is_well=False,
            said=f"{host} cannot be resolved.",
            advice="Check RECTASK_RTC_ENDPOINT and this machine's DNS.",
        )
    addresses = sorted({str(address[4][0]) for address in found})
    return CheckResult("name", is_well=True, said=f"{host} is {', '.join(addresses)}.")


async def _handshake(host: str, port: int, *, is_tls: bool) -> CheckResult:
    context = httpx.create_ssl_context() if is_tls else None
    try:
        async with asyncio.timeout(_TIME_LIMIT):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as failure:
        reason, advice = reason_and_advice(failure)
        return CheckResult(
            "connection", is_well=False, said=f"No secure connection to {host}: {reason}.", advice=advice
        )
    except (OSError, TimeoutError):
        return CheckResult(
            "connection",
            is_well=False,
            said=f"{host}:{port} does not take a connection within {_TIME_LIMIT:g} s.",
            advice="Check the firewall; a proxy is named in HTTPS_PROXY.",
        )
    tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    writer.close()
    said = f"{tls.version()}, the certificate fits." if tls else "Open; without TLS, as it is on this machine."
    return CheckResult("connection", is_well=True, said=said)


async def _ask_for_nothing(rtc: RtcTaskReader, app: RtcApp) -> CheckResult:
    """Ask for a made-up task: "not found" means that key, signature and policies were accepted."""
    step = f"signature, {app.name}"
    try:
        await rtc.ask(TaskRef(app, _MADE_UP, _MADE_UP), urgency=Urgency(Priority.PERSON))
    except TaskNotFound:
        pass
    except TaskReadError as failure:
        return CheckResult(step, is_well=False, said=f"{failure.happened} {failure.meaning}", advice=failure.advice)
    return CheckResult(step, is_well=True, said="RTC accepts key and signature.")


def _judge_clock(ahead: timedelta) -> CheckResult:
    said = clock_in_words(ahead) + "."
    if abs(ahead) <= _CLOCK_TOLERANCE:
        return CheckResult("clock", is_well=True, said=said)
    advice = f"Let NTP keep this machine's clock: past {_CLOCK_LIMIT.total_seconds():.0f} s RTC refuses every request."
    return CheckResult("clock", is_well=abs(ahead) < _CLOCK_LIMIT, said=said, advice=advice)
