"""Bolt, and the door to it for requests over HTTP; `socket_door` is the other one."""

import logging
import time
from collections.abc import Awaitable, Callable

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.admission import ReadBody, Refused
from bot.slack.answers import AuthTest, SocketAddress
from bot.slack.guard import check_signature, read_signature
from bot.slack.meter import UNMETERED, SlackMeter, kind_of
from bot.slack.metered import PATIENCE, MeteredSlack, Patience
from bot.slack.origins import drop_foreign_url, not_redirected
from bot.slack.repeats import mark
from bot.slack.slack_clock import SlackClock
from bot.slack.workspace import TOKEN_IS_DEAD, Workspace, error_of

log = structlog.get_logger()

# Bolt's own records hold bodies and suggestions for the developer; what matters of them is said by the listeners.
_LOGGER = "slack_bolt.rectask"
_CONNECTS_WITHIN = 5.0
# The longest of all limits; each call has its own.
_ANYTHING_WITHIN = PATIENCE.upload


# Slack could not be asked, or could not answer; another time it may.
UNREACHABLE = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)


class TokenRefused(Exception):
    """Slack does not take a token; trying again will not help."""


def make_slack(
    *,
    token: str,
    base_url: str,
    session: aiohttp.ClientSession,
    meter: SlackMeter = UNMETERED,
    patience: Patience = PATIENCE,
    clock: SlackClock | None = None,
) -> AsyncWebClient:
    """The client for Slack's Web API, each call of which ends within `patience`; `clock` is told each answer's date."""
    logger = _quiet_logger()
    return MeteredSlack(
        meter, token=token, base_url=base_url, session=session, logger=logger, patience=patience, clock=clock
    )


def open_session() -> aiohttp.ClientSession:
    """Connections to Slack. Whoever has none soon knows that nothing was sent."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_ANYTHING_WITHIN, connect=_CONNECTS_WITHIN),
        trace_configs=[not_redirected()],
    )


async def greet(slack: AsyncWebClient) -> Workspace:
    """Whose bot this is. Raises TokenRefused, or what says that Slack is out of reach."""
    try:
        whose = AuthTest.read(await slack.auth_test())
    except SlackApiError as failure:
        if error_of(failure) in TOKEN_IS_DEAD:
            raise TokenRefused(f"Slack refuses SLACK_BOT_TOKEN: {error_of(failure)}.") from failure
        raise
    return Workspace(
        team_id=whose.team_id,
        enterprise_id=whose.enterprise_id,
        bot_user_id=whose.user_id,
        bot_id=whose.bot_id,
        is_org_wide=whose.is_enterprise_install,
    )


async def prove_app_token(slack: AsyncWebClient, app_token: str) -> str:
    """The address of a socket that nobody has to use; an unknown token would make Socket Mode try for ever.

    Raises as `greet` does.
    """
    try:
        return SocketAddress.read(await slack.apps_connections_open(app_token=app_token)).url
    except SlackApiError as failure:
        if error_of(failure) in TOKEN_IS_DEAD | {"not_allowed_token_type", "missing_scope"}:
            raise TokenRefused(f"Slack refuses SLACK_APP_TOKEN: {error_of(failure)}.") from failure
        raise


def make_bolt(slack: AsyncWebClient, workspace: Workspace) -> AsyncApp:
    """Bolt without what is done elsewhere: the signature (guard), authorisation (`greet`)."""
    greeted = AuthorizeResult(
        enterprise_id=workspace.enterprise_id,
        team_id=workspace.team_id,
        bot_user_id=workspace.bot_user_id,
        bot_id=workspace.bot_id,
        bot_token=slack.token,
    )
    return AsyncApp(
        # Without a name Bolt looks through the stack for one.
        name="rectask",
        client=slack,
        authorize=_Greeted(greeted),  # type: ignore[arg-type]  # Bolt takes one as it is; its types do not say so
        signing_secret="",
        request_verification_enabled=False,
        # For workflow steps and assistants, which this is none of; each would look at every request.
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        logger=_quiet_logger(),
    )


class _Greeted(AsyncAuthorize):
    """What `greet` found out is true for every request: one token, one workspace or organisation."""

    def __init__(self, result: AuthorizeResult) -> None:
        self._result = result

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        actor_enterprise_id: str | None = None,
        actor_team_id: str | None = None,
        actor_user_id: str | None = None,
    ) -> AuthorizeResult | None:
        del context, enterprise_id, team_id, user_id, actor_enterprise_id, actor_team_id, actor_user_id
        return self._result


def http_door(
    bolt: AsyncApp,
    *,
    signing_secret: str,
    now: Callable[[], float] = time.time,
    timer: Callable[[], float] = time.monotonic,
    meter: SlackMeter = UNMETERED,
) -> Callable[[web.BaseRequest, ReadBody], Awaitable[web.StreamResponse]]:
    """The handler of POST /slack/events, which raises Refused."""

    async def handle(request: web.BaseRequest, read: ReadBody) -> web.StreamResponse:
        received_at = timer()
        signed = read_signature(request.headers, now=now)
        body = await read()
        check_signature(signed, body, secret=signing_secret)
        payload = _payload_of(body)
        mark(payload.body, door="http", name=signed.signature)
        drop_foreign_url(payload.body, api_url=bolt.client.base_url)
        answer = await to_aiohttp_response(await bolt.async_dispatch(payload))
        meter.acknowledged(kind_of(payload.body), timer() - received_at)
        return answer

    return handle


def _payload_of(body: bytes) -> AsyncBoltRequest:
    """By what it looks like: headers are not signed, and gateways change them. Raises Refused."""
    try:
        text = body.decode()
        content_type = "application/json" if text.startswith("{") else "application/x-www-form-urlencoded"
        payload = AsyncBoltRequest(body=text, headers={"content-type": content_type})
    except (ValueError, RecursionError, TypeError, AttributeError):  # what Bolt makes of odd bodies
        raise Refused(400, "unreadable") from None
    if not isinstance(payload.body, dict):
        raise Refused(400, "unreadable")
    return payload


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger(_LOGGER)
    logger.setLevel(logging.CRITICAL)
    return logger
