"""The address that a payload brings for its answer: used patiently, for a lost answer leaves somebody waiting."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.background import Ending
from bot.slack.errors import NOT_SENT, pause_of
from bot.slack.limits import LIMITS, URL_LASTS, URL_USES, Limits
from bot.slack.meter import RESPONSE_URL, UNMETERED, SlackMeter, outcome_of_status

_OK, _RATE_LIMITED, _SERVER_FAILED = 200, 429, 500


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of one: with `is_over` no other will help; `may_stand` where Slack may have shown the message.

    `pause` is what Slack asks for.
    """

    is_taken: bool = False
    is_over: bool = False
    may_stand: bool = False
    pause: float | None = None
    reason: str = ""


class ResponseUrl:
    """One such address, for half an hour and five messages. It never raises."""

    def __init__(
        self,
        url: str,
        *,
        session: aiohttp.ClientSession,
        limits: Limits = LIMITS,
        meter: SlackMeter = UNMETERED,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._session = session
        self._limits = limits
        self._meter = meter
        self._pause = pause
        self._timer = timer
        self._until = timer() + URL_LASTS
        self._uses_left = URL_USES
        self.last_reason = ""

    def lasts(self, seconds: float) -> bool:
        """Whether it can be used now, and in so many seconds."""
        return self._uses_left > 0 and self._timer() + seconds < self._until

    async def send(
        self, message: Mapping[str, Any], *, may_repeat: bool, patience: float = math.inf, tries: int | None = None
    ) -> bool:
        """Whether Slack has taken the message.

        It is sent again while that may help: after a pause that Slack asks for if that is no longer than `patience`,
        after an answer that was lost only with `may_repeat`, for then it may be seen twice.
        """
        pauses = [*self._limits.pauses][: None if tries is None else tries - 1]
        for pause in [*pauses, None]:
            if not self.lasts(0):
                return False
            attempt = await self._try(message)
            if attempt.is_taken:
                return True
            self.last_reason = attempt.reason
            wait = attempt.pause if attempt.pause is not None else pause
            is_hopeless = attempt.is_over or (attempt.may_stand and not may_repeat)
            if is_hopeless or pause is None or wait is None or wait > patience or not self.lasts(wait):
                return False
            try:
                await self._pause(wait)
            except Ending:
                return False
        return False

    async def _try(self, message: Mapping[str, Any]) -> _Attempt:
        try:
            async with asyncio.timeout(self._limits.tell):
                webhook = AsyncWebhookClient(self._url, session=self._session, retry_handlers=[])
                answer = await webhook.send_dict(dict(message))
        except Exception as failure:  # noqa: BLE001  # slack_sdk lets more escape than its own errors
            self._meter.called(RESPONSE_URL, "unreachable")
            attempt = _Attempt(may_stand=not isinstance(failure, NOT_SENT), reason=type(failure).__name__)
        else:
            self._meter.called(RESPONSE_URL, outcome_of_status(answer.status_code))
            attempt = _read(answer.status_code, answer.headers, str(answer.body))
        self._uses_left -= attempt.is_taken or attempt.may_stand
        return attempt


def _read(status: int, headers: Mapping[str, str], body: str) -> _Attempt:
    reason = f"HTTP {status}"
    if status == _OK and body.lstrip().startswith("<"):
        return _Attempt(may_stand=True, reason="a page of HTML")  # of a gateway on the way; Slack says "ok"
    if status == _OK:
        return _Attempt(is_taken=True)
    if status == _RATE_LIMITED:
        pause = pause_of(headers)
        return _Attempt(pause=None if pause is None else pause.total_seconds(), reason=reason)
    return _Attempt(is_over=status < _SERVER_FAILED, may_stand=status >= _SERVER_FAILED, reason=reason)
