"""How a message comes to stand in a channel, by whichever way the bot sent it: checked, given its ids, posted."""

import secrets
from dataclasses import dataclass

from bot.playground.slack_blocks import TEXT_ADVISED, TEXT_MAY_HAVE, check_blocks, check_view, with_ids
from bot.playground.slack_world import A_APP, B_BOT, DOMAINS, T_HOME, U_BOT, Json, Message, Refused, View, World

# What an ack or a response URL may be told; other ones of the real Slack's are not played here.
ANSWER_FIELDS = {
    *("text", "blocks", "response_type", "replace_original", "delete_original"),
    *("thread_ts", "unfurl_links", "unfurl_media", "metadata", "mrkdwn"),
}


@dataclass(frozen=True, slots=True)
class Content:
    """The words and blocks of a message, in order and with their ids."""

    text: str
    blocks: list[Json]


def read_content(world: World, source: str, body: Json) -> Content:
    """What `body` (text, blocks) says; raises Refused, and notes that, where Slack would not take it."""
    text, blocks = body.get("text") or "", body.get("blocks") or []
    try:
        _check_text(text, is_alone=not blocks)
        check_blocks(blocks)
    except Refused as refusal:
        _note_refusal(world, source, refusal)
        raise
    if len(text) > TEXT_ADVISED:
        world.complain(f"{source}: text has {len(text)} characters, {TEXT_ADVISED} are advised")
    return Content(text, with_ids(blocks, new_id))


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
    """Puts a message of the bot into the channel; the details (metadata, thread, unfurling) are the body's."""
    return world.post(
        Message(
            world.next_ts(),
            channel,
            U_BOT,
            content.text,
            content.blocks,
            ephemeral_to=ephemeral_to,
            metadata=body.get("metadata"),
            thread_ts=body.get("thread_ts"),
            unfurl_links=body.get("unfurl_links"),
            unfurl_media=body.get("unfurl_media"),
        )
    )


def message_payload(message: Message, *, with_metadata: bool = False) -> Json:
    """The message as Slack tells of it."""
    payload: Json = {"type": "message", "ts": message.ts, "user": message.user, "text": message.text, "team": T_HOME}
    if message.is_bot:
        payload |= {"bot_id": B_BOT, "app_id": A_APP}
    if message.blocks:
        payload["blocks"] = message.blocks
    if message.edited:
        payload["edited"] = {"user": message.user, "ts": message.ts}
    if message.thread_ts:
        payload["thread_ts"] = message.thread_ts
    if message.metadata and with_metadata:
        payload["metadata"] = message.metadata
    return payload


def view_payload(view: View) -> Json:
    """The view as Slack tells of it."""
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
    return f"https://{DOMAINS[T_HOME]}.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"


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
