"""Which organisation this bot belongs to, and whether Slack takes its token."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from slack_sdk.errors import SlackApiError

log = structlog.get_logger()

# Slack's words for a token that no longer works (docs.slack.dev, common errors, read November 2026).
TOKEN_IS_DEAD = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required"}
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The home of the bot: a workspace, and the organisation (Enterprise Grid) that it is part of, if any."""

    team_id: str
    enterprise_id: str | None
    bot_user_id: str
    bot_id: str | None


class TokenHealth:
    """Whether Slack takes the bot's token, as far as its last answer tells; said once in the log when it changes."""

    def __init__(self) -> None:
        self.is_well = True

    def note(self, error: str | None) -> None:
        """Take in the outcome of a call: Slack's error code, or None where it went well."""
        is_well = error not in TOKEN_IS_DEAD
        if is_well != self.is_well:
            self.is_well = is_well
            if is_well:
                log.info("slack_token.recovered")
            else:
                log.error("slack_token.refused", error=error)


def error_of(failure: SlackApiError) -> str:
    """Slack's error code, such as "channel_not_found"; "unknown" where its answer has none."""
    data = failure.response.data if hasattr(failure.response, "data") else failure.response
    return str(data.get("error", "unknown")) if isinstance(data, Mapping) else "unknown"
