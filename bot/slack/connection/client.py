"""The Web API client: how long each call may take, and how its outcome is counted."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.answers import AnswerIncomplete, data_of
from bot.slack.connection.clock import SlackClock
from bot.slack.connection.origins import not_redirected
from bot.slack.meter import UNMETERED, SlackMeter, outcome_of

# What escapes slack_sdk over answers that are JSON and no object, or no text at all.
_ODD = (AttributeError, LookupError, RecursionError, ValueError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that one call may take, from its connection to the last byte of its answer."""

    call: float = 10.0
    upload: float = 60.0


PATIENCE = Timeouts()


class MeteredSlack(AsyncWebClient):
    """Every method goes through `api_call`, the socket's too.

    It repeats nothing: a lost answer may have been carried out. What takes too long is a TimeoutError.
    """

    def __init__(
        self,
        meter: SlackMeter,
        *,
        token: str,
        base_url: str,
        session: aiohttp.ClientSession,
        logger: logging.Logger,
        patience: Timeouts = PATIENCE,
        clock: SlackClock | None = None,
    ) -> None:
        super().__init__(token=token, base_url=base_url, session=session, retry_handlers=[], logger=logger)
        self._meter = meter
        self._patience = patience
        self._clock = clock

    async def api_call(
        self,
        api_method: str,
        *,
        http_verb: str = "POST",
        files: dict[str, Any] | None = None,
        data: dict[str, Any] | aiohttp.FormData | None = None,
        params: dict[str, Any] | None = None,
        json: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        auth: dict[str, Any] | None = None,
    ) -> AsyncSlackResponse:
        """As its parent does. Raises TimeoutError, and AnswerIncomplete for what is no answer of Slack's."""
        call = super().api_call(
            api_method,
            http_verb=http_verb,
            files=files,
            data=data,
            params=params,
            json=json,
            headers=headers,
            auth=auth,
        )
        limit = self._patience.call if files is None else self._patience.upload
        try:
            answer = await self._dated(_answered(api_method, call, limit))
        except asyncio.CancelledError:
            # Whoever called it has waited for long enough.
            self._meter.called(api_method, "unreachable")
            raise
        except Exception as failure:
            self._meter.called(api_method, outcome_of(failure))
            raise
        self._meter.called(api_method, "ok")
        return answer

    async def _dated(self, answered: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        try:
            answer = await answered
        except SlackApiError as failure:
            self._note_date(failure.response)
            raise
        self._note_date(answer)
        return answer

    def _note_date(self, answer: object) -> None:
        if self._clock is not None:
            self._clock.note(date_of(answer))


def date_of(answer: object) -> str | None:
    """What Slack's answer says of the time."""
    headers = getattr(answer, "headers", None)
    return headers.get("Date") if isinstance(headers, Mapping) else None


async def _answered(method: str, call: Awaitable[AsyncSlackResponse], limit: float) -> AsyncSlackResponse:
    try:
        async with asyncio.timeout(limit):
            answer = await call
    except SlackApiError as failure:
        told = data_of(failure.response)
        if told and "error" not in told:
            raise AnswerIncomplete(method, "It says neither ok nor an error") from failure
        raise
    except _ODD as failure:
        raise AnswerIncomplete(method, f"It cannot be read ({type(failure).__name__})") from failure
    if data_of(answer).get("ok") is not True:
        raise AnswerIncomplete(method, "It is no object that says ok")
    return answer


# Bolt's own records hold bodies and suggestions for the developer; what matters of them is said by the listeners.
_LOGGER = "slack_bolt.rectask"


_CONNECTS_WITHIN = 5.0


# The longest of all limits; each call has its own.
_ANYTHING_WITHIN = PATIENCE.upload


def make_slack(
    *,
    token: str,
    base_url: str,
    session: aiohttp.ClientSession,
    meter: SlackMeter = UNMETERED,
    patience: Timeouts = PATIENCE,
    clock: SlackClock | None = None,
) -> AsyncWebClient:
    """The client for Slack's Web API, each call of which ends within `patience`; `clock` is told each answer's date."""
    logger = quiet_logger()
    return MeteredSlack(
        meter, token=token, base_url=base_url, session=session, logger=logger, patience=patience, clock=clock
    )


def open_session() -> aiohttp.ClientSession:
    """Connections to Slack. Whoever has none soon knows that nothing was sent."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_ANYTHING_WITHIN, connect=_CONNECTS_WITHIN),
        trace_configs=[not_redirected()],
    )


def quiet_logger() -> logging.Logger:
    logger = logging.getLogger(_LOGGER)
    logger.setLevel(logging.CRITICAL)
    return logger
