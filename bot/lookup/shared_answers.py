"""The memory of answers that replicas share: compact text with its version, for as long as each of them keeps one."""

import hashlib
import json
import zlib
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.lookup.redis import RedisLink, RedisLost
from bot.recording.encoding import NotDecodable, decode_reading, encode_reading
from bot.recording.reading import Reading, TaskNotFound
from bot.recording.task import TaskRef

log = structlog.get_logger()

# What another release writes differently stands under another name, so neither ever reads what it can not.
VERSION = 1
# The stand-in's list of 500 files makes 23 kB (measured); what is far larger is not worth the one connection's time.
LARGEST = 256 * 1024
# The answer's own text is repetitive, and the time counts.
_COMPRESSION = 1

Outcome = Reading | TaskNotFound


class SharedAnswers:
    """Answers in Redis. Where it can not be asked nothing is known and nothing is kept; nobody is told of a failure."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def recall(self, ref: TaskRef) -> tuple[Outcome, timedelta] | None:
        """What is kept about the task, and how much longer it may be told."""
        if self._link.is_lost:
            return None
        try:
            kept, life = await self._link.ask(lambda: self._look(ref))
            if kept is None or life <= 0:
                return None
            return decode_outcome(kept, ref), timedelta(milliseconds=life)
        except RedisLost:
            return None  # the pace's log tells of it
        except NotDecodable as flaw:
            log.warning("answer.unreadable", flaw=str(flaw))
            return None

    async def _look(self, ref: TaskRef) -> tuple[bytes | None, int]:
        pipeline = self._link.client.pipeline(transaction=False)
        pipeline.get(self._key(ref))
        pipeline.pttl(self._key(ref))
        kept, life = await pipeline.execute()
        return kept, life

    async def keep(self, ref: TaskRef, outcome: Outcome, life: timedelta) -> None:
        """Let the others have it for that long."""
        if self._link.is_lost:
            return
        text = encode_outcome(outcome)
        if len(text) > LARGEST:
            return
        try:
            await self._link.ask(lambda: self._link.client.set(self._key(ref), text, px=life))
        except RedisLost:
            return

    def _key(self, ref: TaskRef) -> str:
        """A digest of the ids: none can be so made that two tasks share a key, and none is seen in Redis's log."""
        ids = json.dumps([ref.app.app_id, ref.room, ref.task]).encode()
        return f"{self._link.prefix}answer:{VERSION}:{hashlib.sha256(ids).hexdigest()}"


def encode_outcome(outcome: Outcome) -> bytes:
    """Compressed; the answer's own text with it, which the raw view shows."""
    if isinstance(outcome, Reading):
        fields: dict[str, object] = {"reading": encode_reading(outcome), "raw": outcome.raw}
    else:
        told = (outcome.happened, outcome.meaning, outcome.advice, outcome.code, outcome.request_id, outcome.log_id)
        fields = {"not_found": told}
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair can stand in an answer; json.loads takes it back.
    return zlib.compress(text.encode("utf-8", "surrogatepass"), _COMPRESSION)


def decode_outcome(kept: bytes, ref: TaskRef) -> Outcome:
    """For the task by this ref: the other replica may call its app by another name. Raises NotDecodable."""
    try:
        # Bounded: what somebody else put there must not fill the memory.
        fields = json.loads(zlib.decompressobj().decompress(kept, 100 * LARGEST))
        if "not_found" in fields:
            happened, meaning, advice, code, request_id, log_id = fields["not_found"]
            return TaskNotFound(
                happened, meaning=meaning, advice=advice, code=code, request_id=request_id, log_id=log_id
            )
        reading = decode_reading(fields["reading"])
        return replace(reading, task=replace(reading.task, ref=ref), raw=str(fields["raw"]))
    except NotDecodable:
        raise
    except (ValueError, LookupError, TypeError, zlib.error, RecursionError) as flaw:
        raise NotDecodable(type(flaw).__name__) from flaw
