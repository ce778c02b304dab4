"""How a message comes to stand in a channel, by whichever way the bot sent it: checked, given its ids, posted."""

import re
import secrets
from dataclasses import dataclass, field

from bot.playground.slack.blocks import (
    BLOCKS_ADVISED,
    TEXT_ADVISED,
    TEXT_MAY_HAVE,
    as_json,
    check_blocks,
    check_view,
    with_ids,
)
from bot.playground.slack.memory import World
from bot.playground.slack.metadata import read_metadata
from bot.playground.slack.world import A_APP, B_BOT, DOMAINS, T_HOME, U_BOT, Json, Message, Refused, View

# What an ack or a response URL may be told; other ones of the real Slack's are not played here.
ANSWER_FIELDS = {
    *("text", "blocks", "response_type", "replace_original", "delete_original"),
    *("thread_ts", "unfurl_links", "unfurl_media", "metadata", "mrkdwn"),
}
_TS = re.compile(r"\d{10}\.\d{6}")


@dataclass(frozen=True, slots=True)
class Content:
    """The words and blocks of a message, in order and with their ids; `warnings` are what Slack adds to its answer."""

    text: str
    blocks: list[Json]
    metadata: Json | None = None
    warnings: list[str] = field(default_factory=list)


def read_content(world: World, source: str, body: Json) -> Content:
    """What `body` (text, blocks, metadata) says; raises Refused, and notes that, where Slack would not take it."""
    text, blocks = body.get("text") or "", body.get("blocks") or []
    try:
        _check_text(text, is_alone=not blocks)
        check_blocks(blocks)
        metadata, warnings = read_metadata(world, source, body.get("metadata"))
    except Refused as refusal:
        _note_refusal(world, source, refusal)
        raise
    if len(text) > TEXT_ADVISED:
        world.complain(f"{source}: text has {len(text)} characters, {TEXT_ADVISED} are advised")
    if (size := len(as_json(blocks).encode())) > BLOCKS_ADVISED:
        world.complain(f"{source}: blocks have {size} bytes, more than {BLOCKS_ADVISED} come too near to the limit")
    return Content(text, with_ids(blocks, new_id), metadata, warnings)


def read_view(world: World, source: str, view: object, *, type: str | None = None) -> Json:  # noqa: A002 Slack's name
    """The view with its ids; raises Refused, and notes that, where Slack would not take it."""
    try:
        check_view(view, type=type)
    except Refused as refusal:
        _note_refusal(world, source, refusal)
        raise
    assert isinstance(view, dict)
    return {**view, "blocks": with_ids(view["blocks"], new_id)}


def post(world: World, channel: str, content: Content, *, ephemeral_to: str | None, body: Json) -> Message:
    """Puts a message of the bot into the channel; the details (thread, unfurling) are the body's. Raises Refused."""
    thread_ts = _thread_of(world, channel, body.get("thread_ts"))
    return world.post(
        Message(
            world.next_ts(),
            channel,
            U_BOT,
            content.text,
            content.blocks,
            ephemeral_to=ephemeral_to,
            metadata=content.metadata,
            thread_ts=thread_ts,
            is_broadcast=thread_ts is not None and is_true(body.get("reply_broadcast")),
            unfurl_links=body.get("unfurl_links"),
            unfurl_media=body.get("unfurl_media"),
        )
    )


def _thread_of(world: World, channel: str, wanted: object) -> str | None:
    """The `ts` of the thread's parent.

    A parent that is not there is no error: the reply is posted to the channel, and only its missing thread_ts tells
    (slack-go/slack#1571).
    """
    if wanted in (None, ""):
        return None
    if not _TS.fullmatch(str(wanted)):
        raise Refused("invalid_thread_ts")  # its name is reported by people who met it; the method's page has none
    parent = world.archive.find(channel, str(wanted))
    if parent is None or parent.ephemeral_to:
        world.note("stand-in", "thread", f"{wanted} is not there: posted to the channel")
        return None
    if parent.thread_ts:
        world.complain(f"thread_ts {wanted} is a reply's; its parent's is meant")
    return parent.thread_ts or parent.ts


def message_payload(message: Message, *, with_metadata: bool = False) -> Json:
    """The message as Slack returns it."""
    payload: Json = {"type": "message", "ts": message.ts, "user": message.user, "text": message.text, "team": T_HOME}
    if message.is_bot:
        payload |= {"bot_id": B_BOT, "app_id": A_APP}
    if message.blocks:
        payload["blocks"] = message.blocks
    if message.edited:
        payload["edited"] = {"user": message.user, "ts": message.ts}
    if message.metadata and with_metadata:
        payload["metadata"] = message.metadata
    return payload | _thread_payload(message)


def _thread_payload(message: Message) -> Json:
    if message.thread_ts:
        subtype = {"subtype": "thread_broadcast"} if message.is_broadcast else {}
        return {"thread_ts": message.thread_ts, "parent_user_id": U_BOT, **subtype}
    if not message.replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in message.replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(message.replies),
        "reply_users_count": len(users),
        "latest_reply": message.replies[-1].ts,
        "reply_users": users,
        "is_locked": False,
        "subscribed": False,
    }


def view_payload(view: View) -> Json:
    """The view as Slack returns it."""
    empty = {"private_metadata": "", "callback_id": "", "external_id": "", "title": None, "close": None, "submit": None}
    return {
        **empty,
        "clear_on_close": False,
        "notify_on_close": False,
        **view.content,
        "id": view.id,
        "team_id": T_HOME,
        "app_id": A_APP,
        "app_installed_team_id": T_HOME,
        "bot_id": B_BOT,
        "hash": view.hash,
        "previous_view_id": view.previous_id,
        "root_view_id": view.previous_id or view.id,
        "state": {"values": view.values},
    }


def permalink(message: Message) -> str:
    address = f"https://{DOMAINS[T_HOME]}.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    return f"{address}?thread_ts={message.thread_ts}&cid={message.channel}" if message.thread_ts else address


def is_true(value: object) -> bool:
    """Forms say 1, JSON says true."""
    return value in (True, "1", "true", "True")


def new_id() -> str:
    return secrets.token_urlsafe(4)


def _check_text(text: object, *, is_alone: bool) -> None:
    if not text and is_alone:
        raise Refused("no_text")
    if not isinstance(text, str) or len(text) > TEXT_MAY_HAVE:
        raise Refused("msg_too_long")


def _note_refusal(world: World, source: str, refusal: Refused) -> None:
    world.refusals.append({"source": source, "error": refusal.error, "errors": refusal.details.get("errors", [])})
    world.note("stand-in", "refused", f"{source}: {refusal.error} {refusal.details.get('errors', '')}")
