"""What there is in the stand-in for Slack, and what its people see of it."""

from collections import deque

from bot.playground.slack.people import SlackPeople
from bot.playground.slack.world import Call, Channel, Json, Message, Person, View


class SlackSeen(SlackPeople):
    """The workspace as it is at the moment."""

    @property
    def people(self) -> dict[str, Person]:
        return self.world.people

    @property
    def channels(self) -> dict[str, Channel]:
        return self.world.channels

    @property
    def groups(self) -> dict[str, list[str]]:
        """The user groups, and who is in them."""
        return self.world.groups

    @property
    def messages(self) -> list[Message]:
        return self.world.archive.all

    @property
    def calls(self) -> deque[Call]:
        """The bot's requests to the Web API, the oldest first."""
        return self.world.calls

    @property
    def complaints(self) -> list[str]:
        """Unknown methods and arguments, and what is allowed but never right."""
        return self.world.complaints

    @property
    def refusals(self) -> list[Json]:
        """Messages and views that broke a rule: source, error, errors."""
        return self.world.refusals

    @property
    def scopes(self) -> set[str]:
        """The granted ones."""
        return self.world.scopes

    @scopes.setter
    def scopes(self, scopes: set[str]) -> None:
        self.world.scopes = scopes

    @property
    def events(self) -> set[str]:
        """The types of events that the app subscribes to."""
        return self.world.events

    @events.setter
    def events(self, events: set[str]) -> None:
        self.world.events = events

    def visible_to(self, user: str, *, channel: str | None = None) -> list[Message]:
        """What the person sees, the oldest first."""
        return [m for m in self.messages if channel in (None, m.channel) and self.world.can_see(user, m)]

    def message_for(self, user: str, *, channel: str | None = None) -> Message:
        """The newest that the person sees; raises LookupError."""
        seen = self.visible_to(user, channel=channel)
        if not seen:
            raise LookupError(f"{user} sees no message.")
        return seen[-1]

    def view_for(self, user: str) -> View:
        """The person's uppermost modal; raises LookupError."""
        modals = self.world.modals_of(user)
        if not modals:
            raise LookupError(f"{user} has no modal open.")
        return modals[-1]

    def home_for(self, user: str) -> View | None:
        return self.world.home_of(user)
