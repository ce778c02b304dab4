"""Whether Slack accepts the bot's tokens, and whose they are."""

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.answers import AuthTest, SocketAddress
from bot.slack.connection.workspace import Workspace
from bot.slack.errors import TOKEN_IS_DEAD, error_of

# Slack could not be asked, or could not answer; another time it may.
UNREACHABLE = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)


class TokenRefused(Exception):
    """Slack does not take a token; trying again will not help."""


async def authenticate(slack: AsyncWebClient) -> Workspace:
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


async def check_app_token(slack: AsyncWebClient, app_token: str) -> str:
    """The address of a socket that nobody has to use; an unknown token would make Socket Mode try for ever.

    Raises as `authenticate` does.
    """
    try:
        return SocketAddress.read(await slack.apps_connections_open(app_token=app_token)).url
    except SlackApiError as failure:
        if error_of(failure) in TOKEN_IS_DEAD | {"not_allowed_token_type", "missing_scope"}:
            raise TokenRefused(f"Slack refuses SLACK_APP_TOKEN: {error_of(failure)}.") from failure
        raise
