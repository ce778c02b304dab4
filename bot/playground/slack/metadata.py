"""A message's metadata: what Slack takes, ignores with a warning, or refuses."""

import re

from bot.playground.slack.blocks import as_json
from bot.playground.slack.memory import World
from bot.playground.slack.world import Json, Refused

# "Letters, numbers, underscores, and hyphens, but not periods or other punctuation. Metadata with an invalid event_type
# returns an invalid_metadata_schema warning and is ignored" (docs.slack.dev/messaging/message-metadata; a message that
# lost its metadata by a period: slackapi/bolt-python#863).
_EVENT_TYPE = re.compile(r"[A-Za-z0-9_-]+")
# That there is a limit is documented (metadata_too_large), its figure nowhere: this one is a guess on the safe side.
METADATA_MAY_HAVE = 4_000
INVALID_SCHEMA = "invalid_metadata_schema"


def read_metadata(world: World, source: str, given: object) -> tuple[Json | None, list[str]]:
    """The metadata that the message gets, and Slack's warnings; raises Refused."""
    if given in (None, {}):
        return None, []
    metadata = _checked(given)
    if _EVENT_TYPE.fullmatch(metadata["event_type"]):
        return metadata, []
    world.complain(f"{source}: metadata is ignored because of its event_type {metadata['event_type']!r}")
    return None, [INVALID_SCHEMA]


def _checked(given: object) -> Json:
    if not isinstance(given, dict):
        raise Refused("invalid_metadata_format")
    event_type, payload = given.get("event_type"), given.get("event_payload")
    if not (isinstance(event_type, str) and event_type and isinstance(payload, dict)):
        raise Refused("invalid_metadata_format")
    if len(as_json(given).encode()) > METADATA_MAY_HAVE:
        raise Refused("metadata_too_large")
    return given
