"""The methods of the Web API that the stand-in knows, each with its arguments and the scope that it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack_blocks import check_blocks, check_view, find_block_errors, find_view_errors, refused
from bot.playground.slack_handles import Desk
from bot.playground.slack_messages import message_payload, permalink, post, read_content
from bot.playground.slack_views import views_open, views_publish, views_push, views_update
from bot.playground.slack_world import (
    B_BOT,
    DOMAINS,
    E_HOME,
    T_HOME,
    T_OTHER,
    U_BOT,
    Channel,
    Json,
    Message,
    Refused,
    World,
)


@dataclass(frozen=True, slots=True)
class Method:
    """What it does, its arguments (`takes_all`: any), its scope and whose token it wants, None for nobody's."""

    perform: Callable[[Desk, Json], Json]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    scope: str | None = None
    token: str | None = "bot"  # noqa: S105 the kind of token
    takes_all: bool = False


def _auth_test(_desk: Desk, _given: Json) -> Json:
    return {
        "url": f"https://{DOMAINS[T_HOME]}.slack.com/",
        "team": "Home",
        "user": "rectask",
        "team_id": T_HOME,
        "user_id": U_BOT,
        "bot_id": B_BOT,
        "enterprise_id": E_HOME,
        "is_enterprise_install": False,
    }


def _api_test(_desk: Desk, given: Json) -> Json:
    if given.get("error"):
        raise Refused(str(given["error"]), args=given)
    return {"args": given}


def _connections_open(desk: Desk, _given: Json) -> Json:
    return {"url": desk.new_socket_url()}


def _blocks_validate(_desk: Desk, given: Json) -> Json:
    if len(given) != 1:
        raise Refused("invalid_arguments")
    if "view" in given:
        kind, errors = "invalid_view", find_view_errors(given["view"])
    elif "message" in given:
        message = given["message"] if isinstance(given["message"], dict) else {}
        kind, errors = "invalid_message", find_block_errors(message.get("blocks"))
    else:
        kind, errors = "invalid_blocks", find_block_errors(given["blocks"], pointer="")
    if errors:
        raise refused(kind, errors)
    if "view" in given:
        check_view(given["view"])
    else:
        check_blocks(given.get("blocks") or given["message"]["blocks"])
    return {}


def _post_message(desk: Desk, given: Json) -> Json:
    channel = _writable(desk.world, given["channel"])
    content = read_content(desk.world, "chat.postMessage", given)
    message = post(desk.world, channel.id, content, ephemeral_to=None, body=given)
    return {"channel": channel.id, "ts": message.ts, "message": message_payload(message, with_metadata=True)}


def _post_ephemeral(desk: Desk, given: Json) -> Json:
    channel = _writable(desk.world, given["channel"])
    if given["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    content = read_content(desk.world, "chat.postEphemeral", given)
    return {"message_ts": post(desk.world, channel.id, content, ephemeral_to=given["user"], body=given).ts}


def _update(desk: Desk, given: Json) -> Json:
    """Blocks that are not named stay (the method's page)."""
    message = _own_message(desk.world, given["channel"], given["ts"])
    if not message.is_bot:
        raise Refused("cant_update_message")
    kept = {"text": message.text, "blocks": message.blocks}
    content = read_content(desk.world, "chat.update", {**kept, **given})
    message.metadata = given.get("metadata", message.metadata)
    desk.world.change(message, content.text, content.blocks)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message_payload(message)}


def _permalink(desk: Desk, given: Json) -> Json:
    message = _own_message(desk.world, given["channel"], given["message_ts"])
    return {"channel": message.channel, "permalink": permalink(message)}


def _conversations_open(desk: Desk, given: Json) -> Json:
    person = desk.world.person(str(given["users"]))
    if person.deleted:
        raise Refused("user_disabled")
    return {"channel": {"id": desk.world.dm_with(person.id).id}}


def _conversations_info(desk: Desk, given: Json) -> Json:
    channel = _readable(desk.world, given["channel"], "read")
    kind: Json = {"is_im": True, "user": channel.members[0]} if channel.is_im else {"name": channel.name}
    flags: Json = {
        "is_channel": not (channel.is_im or channel.is_private),
        "is_group": channel.is_private,
        "is_im": channel.is_im,
        "is_mpim": False,
        "is_private": channel.is_private or channel.is_im,
        "is_archived": channel.is_archived,
        "is_member": channel.has_bot,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
    }
    if channel.is_ext_shared:
        flags |= {"shared_team_ids": [T_HOME, T_OTHER], "connected_team_ids": [T_OTHER]}
    return {"channel": {"id": channel.id, "context_team_id": T_HOME, **flags, **kind}}


def _history(desk: Desk, given: Json) -> Json:
    """The newest first; a cursor is the time stamp before which the next page begins."""
    channel = _readable(desk.world, given["channel"], "history")
    oldest, latest = str(given.get("oldest", "0")), str(given.get("cursor") or given.get("latest") or "9" * 20)
    inclusive = is_true(given.get("inclusive")) and "cursor" not in given
    shown = [
        message
        for message in reversed(desk.world.messages)
        if message.channel == channel.id
        and message.ephemeral_to is None
        and (message.thread_ts in (None, message.ts))
        and (float(oldest) < float(message.ts) < float(latest) or (inclusive and message.ts in (oldest, latest)))
    ]
    limit = int(given.get("limit", 100))
    with_metadata = is_true(given.get("include_all_metadata"))
    answer: Json = {
        "messages": [message_payload(message, with_metadata=with_metadata) for message in shown[:limit]],
        "has_more": len(shown) > limit,
    }
    if answer["has_more"]:
        answer["response_metadata"] = {"next_cursor": shown[limit - 1].ts}
    return answer


def _users_info(desk: Desk, given: Json) -> Json:
    person = desk.world.person(given["user"])
    user: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": person.deleted,
        "profile": {"real_name": person.real_name, "display_name": person.name},
        "is_bot": False,
    }
    if not person.deleted:
        user |= {"tz": person.tz, "tz_label": person.tz, "tz_offset": person.tz_offset, "is_admin": False}
        user |= {"is_restricted": person.is_restricted, "is_ultra_restricted": person.is_ultra_restricted}
    if person.is_stranger:
        user["is_stranger"] = True
    if person.enterprise_id:
        user["enterprise_user"] = {"id": person.id, "enterprise_id": person.enterprise_id, "teams": [person.team_id]}
    if is_true(given.get("include_locale")):
        user["locale"] = person.locale
    return {"user": user}


def is_true(value: object) -> bool:
    """Forms say 1, JSON says true."""
    return value in (True, "1", "true", "True")


def _writable(world: World, channel_id: str) -> Channel:
    """Where a message may go; a person's id stands for the direct messages with them."""
    channel = world.dm_with(channel_id) if channel_id in world.people else world.channels.get(channel_id)
    if channel is None:
        raise Refused("channel_not_found")
    if not channel.has_bot:
        raise Refused("not_in_channel")
    if channel.is_archived:
        raise Refused("is_archived")
    if channel.is_im and not world.messages_tab:
        raise Refused("messages_tab_disabled")
    return channel


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


def _own_message(world: World, channel: str, ts: str) -> Message:
    """A message that is kept: ephemeral ones are not."""
    if channel not in world.channels:
        raise Refused("channel_not_found")
    message = world.find_message(channel, ts)
    if message is None or message.ephemeral_to:
        raise Refused("message_not_found")
    return message


_CONTENT = ("text", "blocks")
_SENDING = (*_CONTENT, "thread_ts", "unfurl_links", "unfurl_media", "mrkdwn")
METHODS: dict[str, Method] = {
    "api.test": Method(_api_test, token=None, takes_all=True),
    "apps.connections.open": Method(_connections_open, token="app"),  # noqa: S106 the kind of token
    "auth.test": Method(_auth_test),
    "blocks.validate": Method(_blocks_validate, (), ("blocks", "message", "view")),
    "chat.getPermalink": Method(_permalink, ("channel", "message_ts")),
    "chat.postEphemeral": Method(_post_ephemeral, ("channel", "user"), _SENDING, "chat:write"),
    "chat.postMessage": Method(_post_message, ("channel",), (*_SENDING, "metadata"), "chat:write"),
    "chat.update": Method(_update, ("channel", "ts"), (*_CONTENT, "metadata"), "chat:write"),
    "conversations.history": Method(
        _history, ("channel",), ("cursor", "inclusive", "include_all_metadata", "latest", "limit", "oldest")
    ),
    "conversations.info": Method(_conversations_info, ("channel",)),
    "conversations.open": Method(_conversations_open, ("users",), scope="im:write"),
    "users.info": Method(_users_info, ("user",), ("include_locale",), "users:read"),
    "views.open": Method(views_open, ("trigger_id", "view")),
    "views.publish": Method(views_publish, ("user_id", "view"), ("hash",)),
    "views.push": Method(views_push, ("trigger_id", "view")),
    "views.update": Method(views_update, ("view",), ("view_id", "external_id", "hash")),
}
