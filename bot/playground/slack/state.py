"""What the page is shown of the world, as JSON."""

import copy

from bot.playground.slack.memory import World
from bot.playground.slack.world import Channel, Json, Message, Person


def state_of(world: World) -> Json:
    return {
        "app": {"name": world.app_name},
        "people": [_person(person) for person in world.people.values()],
        "channels": [_channel(channel) for channel in world.channels.values()],
        "messages": [_message(message) for message in world.archive.all],
        "views": [
            {"id": view.id, "user": view.user, "type": view.type, "view": view.content, "values": view.values}
            for view in world.views.values()
        ],
    }


def _person(person: Person) -> Json:
    names = ("id", "name", "real_name", "team_id", "is_stranger", "is_restricted", "deleted")
    return {name: getattr(person, name) for name in names}


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_ext_shared": channel.is_ext_shared,
        "is_dm": channel.is_im,
        "has_bot": channel.has_bot,
        "member_ids": list(channel.members),
    }


def _message(message: Message) -> Json:
    return {
        "ts": message.ts,
        "channel": message.channel,
        "author": message.user,
        "is_bot": message.is_bot,
        "text": message.text,
        "blocks": copy.deepcopy(message.blocks),
        "ephemeral_to": message.ephemeral_to,
        "edited": bool(message.edited),
        "thread_ts": message.thread_ts,
        "is_broadcast": message.is_broadcast,
    }
