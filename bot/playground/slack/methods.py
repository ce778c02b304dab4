"""The methods of the Web API that the stand-in knows, each with its arguments and the scope that it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack.blocks import check_blocks, check_view, find_block_errors, find_view_errors, refused
from bot.playground.slack.conversations import conversations_info, conversations_open, history, replies, writable
from bot.playground.slack.handles import Desk
from bot.playground.slack.memory import World
from bot.playground.slack.messages import Content, is_true, message_payload, permalink, post, read_content
from bot.playground.slack.payloads import user_payload
from bot.playground.slack.user_groups import auth_teams_list, usergroups_users_list
from bot.playground.slack.views import views_open, views_publish, views_push, views_update
from bot.playground.slack.world import B_BOT, DOMAINS, E_HOME, T_HOME, U_BOT, Json, Message, Refused


@dataclass(frozen=True, slots=True)
class Method:
    """What it does, its arguments (`takes_all`: any), its scope and whose token it wants, None for nobody's."""

    perform: Callable[[Desk, Json], Json]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    scope: str | None = None
    token: str | None = "bot"  # noqa: S105 the kind of token
    takes_all: bool = False


def _auth_test(desk: Desk, _given: Json) -> Json:
    """The token of an app that is installed for a whole organization is of no single workspace."""
    return {
        "url": f"https://{DOMAINS[T_HOME]}.slack.com/",
        "team": "Home",
        "user": desk.world.app_name.lower().replace(" ", "-"),
        "team_id": E_HOME if desk.world.is_org_wide else T_HOME,
        "user_id": U_BOT,
        "bot_id": B_BOT,
        "enterprise_id": E_HOME,
        "is_enterprise_install": desk.world.is_org_wide,
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
    channel = writable(desk.world, given["channel"])
    content = read_content(desk.world, "chat.postMessage", given)
    message = post(desk.world, channel.id, content, ephemeral_to=None, body=given)
    told = {"channel": channel.id, "ts": message.ts, "message": message_payload(message, with_metadata=True)}
    return told | _warning(content)


def _post_ephemeral(desk: Desk, given: Json) -> Json:
    channel = writable(desk.world, given["channel"])
    if given["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    content = read_content(desk.world, "chat.postEphemeral", given)
    return {"message_ts": post(desk.world, channel.id, content, ephemeral_to=given["user"], body=given).ts}


def _update(desk: Desk, given: Json) -> Json:
    """What is not named stays; empty metadata takes it away (the method's page)."""
    message = _own_message(desk.world, given["channel"], given["ts"])
    if not message.is_bot:
        raise Refused("cant_update_message")
    kept = {"text": message.text, "blocks": message.blocks}
    content = read_content(desk.world, "chat.update", {**kept, **given})
    if "metadata" in given:
        message.metadata = content.metadata
    desk.world.change(message, content.text, content.blocks)
    told = {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message_payload(message)}
    return told | _warning(content)


def _warning(content: Content) -> Json:
    if not content.warnings:
        return {}
    return {"warning": ",".join(content.warnings), "response_metadata": {"warnings": content.warnings}}


def _permalink(desk: Desk, given: Json) -> Json:
    message = _own_message(desk.world, given["channel"], given["message_ts"])
    return {"channel": message.channel, "permalink": permalink(message)}


def _users_info(desk: Desk, given: Json) -> Json:
    person = desk.world.person(given["user"])
    locale = {"locale": person.locale} if is_true(given.get("include_locale")) else {}
    return {"user": user_payload(person) | locale}


def _own_message(world: World, channel: str, ts: str) -> Message:
    """A message that is kept: ephemeral ones are not."""
    if channel not in world.channels:
        raise Refused("channel_not_found")
    message = world.archive.find(channel, ts)
    if message is None or message.ephemeral_to:
        raise Refused("message_not_found")
    return message


_CONTENT = ("text", "blocks")
_SENDING = (*_CONTENT, "thread_ts", "unfurl_links", "unfurl_media", "mrkdwn")
_RANGE = ("cursor", "inclusive", "include_all_metadata", "latest", "limit", "oldest")
METHODS: dict[str, Method] = {
    "api.test": Method(_api_test, token=None, takes_all=True),
    "apps.connections.open": Method(_connections_open, token="app"),  # noqa: S106 the kind of token
    "auth.teams.list": Method(auth_teams_list, (), ("cursor", "include_icon", "limit")),
    "auth.test": Method(_auth_test),
    "blocks.validate": Method(_blocks_validate, (), ("blocks", "message", "view")),
    "chat.getPermalink": Method(_permalink, ("channel", "message_ts")),
    "chat.postEphemeral": Method(_post_ephemeral, ("channel", "user"), _SENDING, "chat:write"),
    "chat.postMessage": Method(_post_message, ("channel",), (*_SENDING, "metadata", "reply_broadcast"), "chat:write"),
    "chat.update": Method(_update, ("channel", "ts"), (*_CONTENT, "metadata"), "chat:write"),
    "conversations.history": Method(history, ("channel",), _RANGE),
    "conversations.info": Method(conversations_info, ("channel",)),
    "conversations.open": Method(conversations_open, (), ("users", "channel", "return_im"), "im:write"),
    "conversations.replies": Method(replies, ("channel", "ts"), _RANGE),
    "usergroups.users.list": Method(
        usergroups_users_list, ("usergroup",), ("include_disabled", "team_id"), "usergroups:read"
    ),
    "users.info": Method(_users_info, ("user",), ("include_locale",), "users:read"),
    "views.open": Method(views_open, ("trigger_id", "view")),
    "views.publish": Method(views_publish, ("user_id", "view"), ("hash",)),
    "views.push": Method(views_push, ("trigger_id", "view")),
    "views.update": Method(views_update, ("view",), ("view_id", "external_id", "hash")),
}
