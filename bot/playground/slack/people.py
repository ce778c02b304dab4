"""What people do in Slack, and what they then see of the bot's answer."""

import html
import re
from dataclasses import replace

from bot.playground.slack.blocks import find_element
from bot.playground.slack.delivery import Delivery, Doors, Outcome
from bot.playground.slack.handles import Handles
from bot.playground.slack.memory import World
from bot.playground.slack.messages import ANSWER_FIELDS, post, read_content, read_view, view_payload
from bot.playground.slack.payloads import (
    action_of,
    chosen_in,
    command_form,
    event_payload,
    home_opened,
    interaction,
    press_in_message,
    press_in_view,
    said_events,
    tokens_revoked,
    user_change,
)
from bot.playground.slack.views import push_view
from bot.playground.slack.world import C_ONCALL, U_ANA, Channel, Json, Message, Person, Refused, View

# A person's name that was chosen from the list is a mention; its signs are not escaped.
_NAMED = re.compile(r"&lt;(@[UW]\w+)&gt;")


class SlackPeople:
    """The people's hands. Whatever they do ends in an Outcome; what they cannot do raises LookupError."""

    def __init__(self, world: World, handles: Handles, doors: Doors) -> None:
        self.world = world
        self.url = ""
        # Whether interactions name the workspace with the app instead of the presser's: see slack_payloads.interaction.
        self.names_installed_team = False
        self._handles = handles
        self._doors = doors

    async def command(
        self, text: str, *, user: str = U_ANA, channel: str | None = C_ONCALL, command: str = "/rectask"
    ) -> Outcome:
        """The person types the command there; None is their direct messages with the bot."""
        person, there = self._person(user), self._channel(channel or self.world.dm_with(user).id, user)
        form = command_form(
            person,
            there,
            command=command,
            text=text,
            trigger_id=self._handles.new_trigger(user),
            url=self.url + self._handles.new_response_path(there.id, user),
        )
        self.world.note("to bot", "command", f"{person.name} in {there.name}: {command} {text}")
        outcome = await self._doors.deliver(Delivery("slash_commands", form))
        return self._show_ack(outcome, there.id, user)

    async def say(self, text: str, *, user: str = U_ANA, channel: str | None = C_ONCALL) -> Outcome:
        """The person writes that there. The bot hears of it where it is in the channel and subscribes to messages."""
        person, there = self._person(user), self._channel(channel or self.world.dm_with(user).id, user)
        written = _NAMED.sub(r"<\1>", html.escape(text, quote=False))
        message = self.world.post(Message(self.world.next_ts(), there.id, user, written, []))
        heard = Outcome(acked=True, seconds=0.0)
        if not (there.has_bot or there.is_im):
            return heard
        for event in said_events(message, person, there):
            if event["type"] in self.world.events:
                heard = await self.send_event(event)
        return heard

    def _show_ack(self, outcome: Outcome, channel: str, user: str) -> Outcome:
        """What a command's ack says becomes a message."""
        if not outcome.acked or outcome.error or outcome.body is None:
            return outcome
        body = outcome.body if isinstance(outcome.body, dict) else {"text": outcome.body}
        if unknown := body.keys() - ANSWER_FIELDS:
            self.world.complain(f"ack: unknown argument {', '.join(sorted(unknown))}")
            return replace(outcome, error="invalid_command_response")
        try:
            content = read_content(self.world, "ack", body)
        except Refused:
            return replace(outcome, error="invalid_command_response")
        to_all = body.get("response_type") == "in_channel"
        post(self.world, channel, content, ephemeral_to=None if to_all else user, body=body)
        return outcome

    async def press(
        self,
        target: Message | View,
        action_id: str,
        *,
        user: str = U_ANA,
        value: str | None = None,
        selected: object = None,
        block_id: str | None = None,
    ) -> Outcome:
        """The person presses or chooses something in a message or view that they see.

        `value` replaces a button's own (as who tampers with it would), `selected` is an option's value, or an id.
        """
        person = self._person(user)
        blocks = target.blocks if isinstance(target, Message) else target.content["blocks"]
        block, element = find_element(blocks, action_id, block_id)
        action = action_of(block, element, at=self.world.next_ts(), value=value, chosen=selected)
        base = self._interaction("block_actions", person)
        if isinstance(target, Message):
            payload = self._press_in_message(base, target, action, user)
        else:
            self._check_open(target, user)
            if element["type"] != "button":
                self._fill_in(target, block, element, chosen_in(element, value if selected is None else selected))
            payload = press_in_view(base, target, action)
        self.world.note("to bot", "press", f"{person.name}: {action_id}")
        return await self.interact(payload)

    def _press_in_message(self, base: Json, message: Message, action: Json, user: str) -> Json:
        if not self.world.archive.holds(message) or not self.world.can_see(user, message):
            raise LookupError(f"{user} does not see that message.")
        path = self._handles.new_response_path(message.channel, user, original=message)
        channel = self.world.channels[message.channel]
        return press_in_message(base, message, channel, action, url=self.url + path)

    async def interact(self, payload: Json) -> Outcome:
        """Delivers an interaction as it is, also one that no button of the stand-in would send."""
        outcome = await self._doors.deliver(Delivery("interactive", payload))
        if outcome.body and outcome.acked and payload.get("type") == "block_actions":
            self.world.complain("an ack of a press says something: nobody will see that")
        return outcome

    async def submit_view(self, view: View, *, user: str = U_ANA, values: Json | None = None) -> Outcome:
        """The person submits the modal.

        `values` is {block_id: {action_id: what was typed or chosen}}; a field's whole state, with its type, will do.
        """
        person = self._person(user)
        self._check_open(view, user)
        self._fill_in_all(view, values or {})
        payload = self._interaction("view_submission", person) | {"view": view_payload(view), "response_urls": []}
        outcome = await self.interact(payload)
        if not outcome.acked or outcome.error:
            return outcome
        try:
            self._follow_up(view, outcome.body if isinstance(outcome.body, dict) else {})
        except Refused as refusal:
            return replace(outcome, error=refusal.error)
        return outcome

    def _follow_up(self, view: View, answer: Json) -> None:
        """What the ack of a submission asks for."""
        what = answer.get("response_action")
        if what == "update":
            self.world.change_view(view, read_view(self.world, "ack", answer.get("view"), type="modal"))
        elif what == "push":
            push_view(self.world, view.user, read_view(self.world, "ack", answer.get("view"), type="modal"))
        elif what == "clear":
            self.world.close_views(*self.world.modals_of(view.user))
        elif what is None:
            self.world.close_views(view)
        elif what != "errors":
            raise Refused("invalid_response_action")

    async def close_view(self, view: View, *, user: str = U_ANA, is_cleared: bool = False) -> Outcome:
        """The person closes the modal (`is_cleared`: all of them); the bot hears of it where the view asks for that."""
        person = self._person(user)
        self._check_open(view, user)
        payload = self._interaction("view_closed", person, with_trigger=False)
        payload |= {"view": view_payload(view), "is_cleared": is_cleared}
        self.world.close_views(*(self.world.modals_of(user) if is_cleared else [view]))
        if not view.content.get("notify_on_close"):
            return Outcome(acked=True, seconds=0.0)
        return await self.interact(payload)

    async def open_home(self, *, user: str = U_ANA, tab: str = "home") -> Outcome:
        """The person looks at a tab of the bot's: home, or messages, which is their direct messages with it."""
        return await self.send_event(home_opened(self.world, self._person(user), tab=tab))

    async def deactivate(self, user: str) -> Outcome:
        """An administrator deactivates the person, who is in no channel from then on; what was written stays."""
        person = self._person(user)
        person.deleted = True
        for channel in self.world.channels.values():
            if user in channel.members and not channel.is_im:
                channel.members.remove(user)
        return await self._change(person)

    async def reactivate(self, user: str) -> Outcome:
        """Takes the deactivation back; the channels stay lost."""
        self.world.people[user].deleted = False
        return await self._change(self.world.people[user])

    async def make_guest(self, user: str, *, is_guest: bool = True) -> Outcome:
        """An administrator makes the person a guest, or a member again."""
        person = self._person(user)
        person.is_restricted = is_guest
        return await self._change(person)

    async def _change(self, person: Person) -> Outcome:
        self.world.touch()
        return await self.send_event(user_change(self.world, person))

    async def revoke_tokens(self) -> Outcome:
        """Somebody revokes the bot's token; the bot is told of it."""
        self.world.token_error = "token_revoked"  # noqa: S105 the name of an error
        return await self.send_event(tokens_revoked(self.world))

    async def uninstall(self, *, tokens_first: bool = False) -> tuple[Outcome, Outcome]:
        """Somebody removes the app from the workspace; of its two events either may come first."""
        self.world.token_error = "account_inactive"  # noqa: S105 the name of an error
        events = [{"type": "app_uninstalled", "event_ts": self.world.next_ts()}, tokens_revoked(self.world)]
        first, second = reversed(events) if tokens_first else events
        return await self.send_event(first), await self.send_event(second)

    async def send_event(self, event: Json, *, event_id: str | None = None) -> Outcome:
        """Delivers the event, again while it is not acknowledged; the same `event_id` makes a duplicate.

        What the app does not subscribe to is not sent.
        """
        if event["type"] not in self.world.events:
            return Outcome(acked=False, seconds=0.0, error="not_subscribed")
        self.world.note("to bot", "event", str(event.get("type")))
        named = event_id or self.world.next_id("Ev")
        return await self._doors.deliver_event(event_payload(event, event_id=named, at=self.world.clock()))

    def _interaction(self, kind: str, person: Person, *, with_trigger: bool = True) -> Json:
        trigger_id = self._handles.new_trigger(person.id) if with_trigger else None
        return interaction(kind, person, trigger_id=trigger_id, names_installed_team=self.names_installed_team)

    def _person(self, user: str) -> Person:
        person = self.world.people.get(user)
        if person is None or person.deleted:
            raise LookupError(f"There is no {user} who could do anything.")
        return person

    def _channel(self, channel_id: str, user: str) -> Channel:
        channel = self.world.channels.get(channel_id)
        if channel is None or user not in channel.members:
            raise LookupError(f"{user} is in no channel {channel_id}.")
        return channel

    def _check_open(self, view: View, user: str) -> None:
        if self.world.views.get(view.id) is not view or view.user != user:
            raise LookupError(f"{user} has no view {view.id} open.")

    def _fill_in(self, view: View, block: Json, element: Json, chosen: Json) -> None:
        state = view.values.setdefault(block["block_id"], {})
        state[element["action_id"]] = {"type": element["type"], **chosen}
        self.world.touch()

    def _fill_in_all(self, view: View, values: Json) -> None:
        for block_id, fields in values.items():
            for action_id, chosen in fields.items():
                block, element = find_element(view.content["blocks"], action_id, block_id)
                is_whole = isinstance(chosen, dict) and chosen.get("type") == element["type"]
                self._fill_in(view, block, element, chosen if is_whole else chosen_in(element, chosen))
