"""Proving the way to Slack, step by step: the bot's token, its scopes, the groups of the rules, the socket."""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.runtime.certificates import reason_and_advice
from bot.runtime.checks import CheckResult
from bot.runtime.proxy import failure_at_proxy
from bot.slack.answers import AnswerIncomplete, AuthTest
from bot.slack.authorization.group_members import GroupNotThere, Members
from bot.slack.connection.auth import UNREACHABLE, TokenRefused, check_app_token
from bot.slack.connection.client import date_of
from bot.slack.connection.clock import ADVICE, agrees, in_words, seconds_ahead
from bot.slack.connection.socket_pace import LIMITS
from bot.slack.errors import error_of

_REINSTALL = "Install the app again with the manifest that `rectask manifest` prints; scopes change only by installing."
_OF_FAREWELL = {
    "link_disabled": "Switch Socket Mode on, on the app's page, Socket Mode.",
    "too_many_websockets": "More than ten connections of this app are open. Stop the replicas that nobody needs.",
}
# Seconds; saying goodbye comes on top.
_SOCKET_WITHIN = 12.0
_TRY_AGAIN = "Check the network and firewall on the way to {url}; a proxy is named in HTTPS_PROXY."


async def diagnose_slack(
    slack: AsyncWebClient, *, app_token: str | None, scopes: Collection[str], groups: Collection[str] = ()
) -> AsyncIterator[CheckResult]:
    """The findings in order; it ends early where a later step could only fail for the same reason.

    `groups` are those that rules name.
    """
    try:
        answer = await slack.auth_test()
        whose = AuthTest.read(answer)
    except SlackApiError as failure:
        yield CheckResult(
            "slack token",
            is_well=False,
            said=f"Slack refuses SLACK_BOT_TOKEN: {error_of(failure)}.",
            advice="Take the Bot User OAuth Token from the app's page, Install App.",
        )
        return
    except UNREACHABLE as failure:
        yield _unreachable("slack token", slack, failure)
        return
    yield CheckResult(
        "slack token", is_well=True, said=f"Workspace {answer.get('team')}, bot user {answer.get('user')}."
    )
    if (ahead := seconds_ahead(date_of(answer))) is not None:
        yield _judge_clock(ahead)
    yield _judge_scopes(str(answer.headers.get("x-oauth-scopes", "")), scopes)
    members = Members(slack, is_org_wide=whose.is_enterprise_install)
    for group in sorted(groups):
        yield await _prove_group(slack, members, group)
    if app_token is not None:
        yield await _prove_socket(slack, app_token)


def _judge_clock(ahead: float) -> CheckResult:
    is_well = agrees(ahead)
    return CheckResult("slack clock", is_well, in_words(ahead), advice=None if is_well else ADVICE)


def _judge_scopes(granted: str, needed: Collection[str]) -> CheckResult:
    has = {scope.strip() for scope in granted.split(",")}
    if missing := [scope for scope in needed if scope not in has]:
        return CheckResult(
            "slack scopes", is_well=False, said=f"The app lacks {', '.join(missing)}.", advice=_REINSTALL
        )
    return CheckResult("slack scopes", is_well=True, said="All that are needed.")


async def _prove_group(slack: AsyncWebClient, members: Members, group: str) -> CheckResult:
    """As `serve` asks for it: with a rule for a group that cannot be read, nobody gets in by that rule."""
    step = "slack group"
    try:
        found = await members.of(group)
    except GroupNotThere:
        said = f"Slack has no user group {group} in a workspace that has the app."
        return CheckResult(
            step, is_well=False, said=said, advice="Correct the id under [[allow]] in the configuration file."
        )
    except SlackApiError as failure:
        said = f"Slack does not say who is in the user group {group}: {error_of(failure)}."
        return CheckResult(step, is_well=False, said=said, advice=_REINSTALL)
    except UNREACHABLE as failure:
        return _unreachable(step, slack, failure)
    return CheckResult(
        step, is_well=True, said=f"{group} has {len(found)} {'member' if len(found) == 1 else 'members'}."
    )


async def _prove_socket(slack: AsyncWebClient, app_token: str) -> CheckResult:
    """Ask for a socket, connect it, and hear Slack say hello, as `serve` does."""
    step = "slack socket"
    try:
        async with asyncio.timeout(_SOCKET_WITHIN):
            first = await _first_message(slack, await check_app_token(slack, app_token))
    except TokenRefused as refusal:
        advice = "Generate an app-level token with connections:write, on the app's page, Basic Information."
        return CheckResult(step, is_well=False, said=str(refusal), advice=advice)
    except (*UNREACHABLE, TypeError, ValueError) as failure:
        return _unreachable(step, slack, failure)
    if first.get("type") != "hello":
        reason = str(first.get("reason"))
        advice = _OF_FAREWELL.get(reason, "Try again in a minute.")
        return CheckResult(step, is_well=False, said=f"Slack ends the connection at once: {reason}.", advice=advice)
    return CheckResult(step, is_well=True, said="Slack says hello over it.")


async def _first_message(slack: AsyncWebClient, url: str) -> dict[str, Any]:
    """Of a socket that is closed again. Raises as UNREACHABLE says, TypeError and ValueError."""
    assert slack.session is not None
    closing = aiohttp.ClientWSTimeout(ws_close=LIMITS.close)
    async with slack.session.ws_connect(url, proxy=slack.proxy, timeout=closing) as socket:
        message = await socket.receive_json()
    if not isinstance(message, dict):
        raise TypeError("Slack's first message is no object")
    return message


def _unreachable(step: str, slack: AsyncWebClient, failure: BaseException) -> CheckResult:
    said, advice = _what_failed(failure, slack)
    return CheckResult(step, is_well=False, said=said, advice=advice)


def _what_failed(failure: BaseException, slack: AsyncWebClient) -> tuple[str, str]:
    """What happened and what to do: the proxy and the certificate are told apart from Slack."""
    if (at_proxy := failure_at_proxy(failure, slack.proxy)) is not None:
        return f"Slack was not asked. {at_proxy}", "Check the proxy in HTTPS_PROXY: its address, its user and password."
    if isinstance(failure, aiohttp.ClientSSLError):
        reason, advice = reason_and_advice(failure)
        return f"No secure connection to Slack: {reason}.", advice
    if isinstance(failure, AnswerIncomplete):
        return f"{failure}.", "Try again. If it stays, SLACK_API_URL or a proxy may lead elsewhere than to Slack."
    what = "took too long" if isinstance(failure, TimeoutError | aiohttp.ServerTimeoutError) else "could not be reached"
    return f"Slack {what} ({type(failure).__name__}).", _TRY_AGAIN.format(url=slack.base_url)
