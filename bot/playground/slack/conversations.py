"""The methods of the Web API about conversations: opening them, asking what they are, reading them back."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.playground.slack.handles import Desk
from bot.playground.slack.memory import World
from bot.playground.slack.messages import is_true, message_payload
from bot.playground.slack.world import T_HOME, T_OTHER, Channel, Json, Message, Person, Refused

HISTORY_AT_ONCE, HISTORY_MAY_HAVE = 100, 999
REPLIES_MAY_HAVE = 1_000
_MOMENT = re.compile(r"\d{1,10}(\.\d{1,6})?")
_CURSOR = "next_ts:"


def conversations_open(desk: Desk, given: Json) -> Json:
    if "channel" in given:
        channel = desk.world.channels.get(given["channel"])
        if channel is None or not channel.is_im:
            raise Refused("channel_not_found")
    else:
        person = _named_person(desk.world, str(given.get("users") or ""))
        channel = desk.world.dm_with(person.id)
    whole = {"is_im": True, "user": channel.members[0]} if is_true(given.get("return_im")) else {}
    return {"channel": {"id": channel.id, **whole}}


def _named_person(world: World, users: str) -> Person:
    if not users:
        raise Refused("users_list_not_supplied")
    if "," in users:
        world.complain("conversations.open: direct messages with several people are not played here")
        raise Refused("stand_in_unknown_argument")
    person = world.person(users)
    if person.deleted:
        raise Refused("user_disabled")
    if not _may_meet(world, person):
        raise Refused("invalid_user_combination")
    return person


def conversations_info(desk: Desk, given: Json) -> Json:
    """Of direct messages it says less (the examples on the method's page)."""
    channel = _readable(desk.world, given["channel"], "read")
    if channel.is_im:
        kind: Json = {"is_im": True, "is_org_shared": False, "user": channel.members[0]}
    else:
        kind = _shared_channel(channel)
    return {"channel": {"id": channel.id, "context_team_id": T_HOME, **kind}}


def _shared_channel(channel: Channel) -> Json:
    flags: Json = {
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_member": channel.has_bot,
        "is_shared": channel.is_ext_shared or channel.is_org_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": channel.is_org_shared,
        "is_pending_ext_shared": channel.is_pending_ext_shared,
        "pending_shared": [T_OTHER] if channel.is_pending_ext_shared else [],
    }
    if channel.is_ext_shared:
        flags |= {"shared_team_ids": [T_HOME, T_OTHER], "connected_team_ids": [T_OTHER]}
    return flags


@dataclass(frozen=True, slots=True)
class Range:
    """Which messages are asked for: after `oldest`, before `latest`, or at them; and from which cursor on, how many."""

    oldest: float
    latest: float
    is_inclusive: bool
    cursor: float | None
    limit: int

    def holds(self, message: Message) -> bool:
        at = float(message.ts)
        return self.oldest < at < self.latest or (self.is_inclusive and at in (self.oldest, self.latest))


def history(desk: Desk, given: Json) -> Json:
    """The newest first; of a range with an `oldest` only, the pages begin at the oldest.

    "If oldest is provided but not latest then the messages returned are those closest to oldest, allowing you to page
    forward" (channels.history, which this method has replaced).
    """
    channel = _readable(desk.world, given["channel"], "history")
    asked = _range_of(given, HISTORY_AT_ONCE, HISTORY_MAY_HAVE)
    kept = [
        message
        for message in desk.world.archive.of(channel.id)
        if message.ephemeral_to is None and (message.thread_ts is None or message.is_broadcast) and asked.holds(message)
    ]
    is_forward = "oldest" in given and "latest" not in given
    page, cursor = _page_of(kept if is_forward else kept[::-1], asked, is_forward=is_forward)
    return _answer(page[::-1] if is_forward else page, cursor, given) | {"pin_count": 0}


def replies(desk: Desk, given: Json) -> Json:
    """The parent first, whatever the range is, then its replies from the oldest on."""
    channel = _readable(desk.world, given["channel"], "history")
    named = desk.world.archive.find(channel.id, str(given["ts"]))
    parent = (desk.world.archive.parent_of(named) or named) if named else None
    if parent is None or parent.ephemeral_to:
        raise Refused("thread_not_found")
    asked = _range_of(given, REPLIES_MAY_HAVE, REPLIES_MAY_HAVE)
    kept = [parent, *(reply for reply in parent.replies if reply.ephemeral_to is None and asked.holds(reply))]
    return _answer(*_page_of(kept, asked, is_forward=True), given)


def _page_of(kept: Sequence[Message], asked: Range, *, is_forward: bool) -> tuple[list[Message], str | None]:
    """One page of those that are left, in their order, and the cursor of the next one."""
    left = kept
    if asked.cursor is not None:
        after = asked.cursor
        left = [m for m in kept if (float(m.ts) > after if is_forward else float(m.ts) < after)]
    page = list(left[: asked.limit])
    return page, _cursor_at(page[-1]) if len(left) > len(page) else None


def _answer(page: list[Message], cursor: str | None, given: Json) -> Json:
    with_metadata = is_true(given.get("include_all_metadata"))
    answer: Json = {
        "messages": [message_payload(message, with_metadata=with_metadata) for message in page],
        "has_more": cursor is not None,
    }
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _range_of(given: Json, usual: int, most: int) -> Range:
    return Range(
        oldest=_moment(given.get("oldest", "0"), "invalid_ts_oldest"),
        latest=_moment(given.get("latest", "9" * 10), "invalid_ts_latest"),
        is_inclusive=is_true(given.get("inclusive")),
        cursor=_cursor_in(given["cursor"]) if given.get("cursor") else None,
        limit=_limit_in(given.get("limit", usual), most),
    )


def _moment(said: object, error: str) -> float:
    if not _MOMENT.fullmatch(str(said)):
        raise Refused(error)
    return float(str(said))


def _limit_in(said: object, most: int) -> int:
    if not re.fullmatch(r"\d{1,6}", str(said)) or not 1 <= int(str(said)) <= most:
        raise Refused("invalid_limit")
    return int(str(said))


def _cursor_at(message: Message) -> str:
    return base64.b64encode(f"{_CURSOR}{message.ts}".encode()).decode()


def _cursor_in(said: object) -> float:
    try:
        inside = base64.b64decode(str(said), validate=True).decode()
        return _moment(inside.removeprefix(_CURSOR), "invalid_cursor")
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("invalid_cursor") from None


def writable(world: World, channel_id: str) -> Channel:
    """Where a message may go; a person's id stands for the direct messages with them. Raises Refused.

    Somebody who was deactivated is written to like anybody else (slackapi/python-slack-sdk#1156).
    """
    person = world.people.get(channel_id)
    if person and not _may_meet(world, person):
        raise Refused("channel_not_found")
    channel = world.dm_with(person.id) if person else world.channels.get(channel_id)
    if channel is None:
        raise Refused("channel_not_found")
    if not channel.has_bot:
        raise Refused("not_in_channel")
    if channel.is_archived:
        raise Refused("is_archived")
    if channel.is_im and not world.messages_tab:
        raise Refused("messages_tab_disabled")
    return channel


def _may_meet(world: World, person: Person) -> bool:
    """Somebody of another organisation can be written to only while they share a channel with the bot."""
    return not person.is_stranger or any(
        person.id in channel.members and channel.has_bot and not channel.is_im for channel in world.channels.values()
    )


def _readable(world: World, channel_id: str, what: str) -> Channel:
    channel = world.channels.get(channel_id)
    if channel is None or (channel.is_private and not channel.has_bot):
        raise Refused("channel_not_found")
    kind = "im" if channel.is_im else "groups" if channel.is_private else "channels"
    check_scope(world, f"{kind}:{what}")
    if what == "history" and not channel.has_bot:
        raise Refused("not_in_channel")
    return channel


def check_scope(world: World, scope: str) -> None:
    if scope not in world.scopes:
        raise Refused("missing_scope", needed=scope, provided=",".join(sorted(world.scopes)))
