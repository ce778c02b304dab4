"""Which organisation this bot belongs to, and whether Slack takes its token."""

from dataclasses import dataclass

import structlog

from bot.slack.errors import TOKEN_IS_DEAD

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Workspace:
    """The home of the bot: a workspace, and the organisation (Enterprise Grid) that it is part of, if any.

    `is_org_wide`: the app was installed for the organisation, so that its token is of no single workspace.
    """

    team_id: str
    enterprise_id: str | None
    bot_user_id: str
    bot_id: str | None
    is_org_wide: bool = False


class TokenHealth:
    """Whether Slack takes the bot's token, and lets it write to people, as far as its last answers tell.

    What changes is said once in the log.
    """

    def __init__(self) -> None:
        self.is_well = True
        self._is_reached = True
        self._forbidden: set[str] = set()

    @property
    def is_permitted(self) -> bool:
        """False while nobody is written to because the app lacks a scope, or a setting forbids it."""
        return not self._forbidden

    def note(self, error: str | None) -> None:
        """Take in the outcome of a call: Slack's error code, or None where it went well."""
        if not self._is_reached:
            self._is_reached = True
            log.info("slack.reached_again")
        is_well = error not in TOKEN_IS_DEAD
        if is_well != self.is_well:
            self.is_well = is_well
            if is_well:
                log.info("slack_token.recovered")
            else:
                log.error("slack_token.refused", error=error)

    def note_unreachable(self) -> None:
        """Slack has not answered; that tells nothing of the token."""
        if self._is_reached:
            self._is_reached = False
            log.warning("slack.unreachable")

    def note_forbidden(self, what: str, error: str) -> None:
        """Slack takes the token and does not let the app do this."""
        if not self._forbidden:
            log.error("slack_permissions.refused", doing=what, error=error)
        self._forbidden.add(what)

    def note_permitted(self, *what: str) -> None:
        """Slack has let the app do this."""
        if self._forbidden and not self._forbidden.difference(what):
            log.info("slack_permissions.recovered")
        self._forbidden.difference_update(what)
