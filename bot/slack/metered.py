"""Slack's client, with a meter that is told what came of each call."""

import asyncio
import logging
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.meter import SlackMeter, outcome_of


class MeteredSlack(AsyncWebClient):
    """Every method goes through `api_call`, the socket's too.

    It repeats nothing: a lost answer may have been carried out.
    """

    def __init__(
        self, meter: SlackMeter, *, token: str, base_url: str, session: aiohttp.ClientSession, logger: logging.Logger
    ) -> None:
        super().__init__(token=token, base_url=base_url, session=session, retry_handlers=[], logger=logger)
        self._meter = meter

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
        """As its parent does."""
        try:
            answer = await super().api_call(
                api_method,
                http_verb=http_verb,
                files=files,
                data=data,
                params=params,
                json=json,
                headers=headers,
                auth=auth,
            )
        except asyncio.CancelledError:
            # Whoever called it has waited for long enough.
            self._meter.called(api_method, "unreachable")
            raise
        except Exception as failure:
            self._meter.called(api_method, outcome_of(failure))
            raise
        self._meter.called(api_method, "ok")
        return answer
