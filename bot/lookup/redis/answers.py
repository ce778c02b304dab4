"""The memory of answers that replicas share: compact text, sealed, for as long as each of them keeps one."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field

from bot.lookup.redis.connection import RedisLink, RedisLost
from bot.lookup.redis.sealing import NotOurs, Seal
from bot.recording.reading import Reading, TaskNotFound
from bot.recording.serialization import NotDecodable, decode_reading, encode_reading
from bot.recording.task_ref import TaskRef

log = structlog.get_logger()

# A release that writes answers in another form uses another version, so none reads what it cannot. Version 1 had no
# seal.
VERSION = 2
# The stand-in's list of 500 files makes 23 kB (measured); what is far larger is not worth the one connection's time.
LARGEST = 256 * 1024
# To find out by packing it takes the event loop's time; text like the stand-in's packs to a third and less.
_LARGEST_TEXT = 4 * LARGEST
# No answer is worth telling for longer, whatever Redis says (the longest life is LIFE_WHEN_OVER in the cache).
LONGEST_LIFE = timedelta(minutes=10)
# The answer's own text is repetitive, and the time counts.
_COMPRESSION = 1

Outcome = Reading | TaskNotFound


class _FromRedis(BaseModel):
    """What Redis returns for one answer; `life` is in milliseconds, and negative where there is no such key."""

    model_config = ConfigDict(strict=True)

    kept: Annotated[bytes, Field(max_length=LARGEST)]
    life: int


class _Kept(BaseModel):
    """The sealed content: the words of a "not found", or a reading with its raw text."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reading: str = ""
    raw: str = ""
    not_found: tuple[str, str, str, str | None, str | None, str | None] | None = None


class SharedAnswers:
    """Answers in Redis. Where Redis cannot be asked nothing is known and nothing is kept; nobody hears of a failure."""

    def __init__(self, link: RedisLink, *, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._link = link
        self._seal = seal
        self._clock = clock
        self._was_strange = False

    async def recall(self, ref: TaskRef) -> tuple[Outcome, timedelta] | None:
        """What is kept about the task, and how much longer it can be told."""
        if self._link.is_lost:
            return None
        try:
            found = await self._look(ref)
            if not found.kept or found.life <= 0:
                return None
            return self._open(found, ref)
        except RedisLost:
            return None  # the pace's log tells it
        except (NotOurs, NotDecodable) as flaw:
            self._note_strange(flaw)
            return None

    async def _look(self, ref: TaskRef) -> _FromRedis:
        key = self._key(ref)

        async def look() -> _FromRedis:
            pipeline = self._link.client.pipeline(transaction=False)
            # Not GET: what somebody else put there could be half a gigabyte.
            pipeline.getrange(key, 0, LARGEST - 1)
            pipeline.pttl(key)
            kept, life = await pipeline.execute()
            return _FromRedis(kept=kept, life=life)

        return await self._link.ask(look)

    def _open(self, found: _FromRedis, ref: TaskRef) -> tuple[Outcome, timedelta] | None:
        """By the expiry that was sealed, not only by Redis's word: an old answer cannot be put back."""
        opened = self._seal.open(found.kept, about=_about(ref))
        life = min(opened.expires_at - self._clock(), timedelta(milliseconds=found.life), LONGEST_LIFE)
        if life <= timedelta():
            return None
        return decode_outcome(opened.content, ref), life

    def _note_strange(self, flaw: ValueError) -> None:
        """Once: after a change of the key there are many, and somebody who writes nonsense could fill the log."""
        if not self._was_strange:
            self._was_strange = True
            log.warning("answer.not_believed", flaw=str(flaw))

    async def keep(self, ref: TaskRef, outcome: Outcome, life: timedelta) -> None:
        """Let the others have it for that long."""
        if self._link.is_lost or (isinstance(outcome, Reading) and len(outcome.raw) > _LARGEST_TEXT):
            return
        expires_at = self._clock() + life
        sealed = self._seal.close(encode_outcome(outcome), about=_about(ref), expires_at=expires_at)
        if len(sealed) > LARGEST:
            return
        try:
            await self._link.ask(lambda: self._link.client.set(self._key(ref), sealed, px=life))
        except RedisLost:
            return

    def _key(self, ref: TaskRef) -> str:
        return answer_key(self._link.prefix, self._seal.name(_about(ref)))


def answer_key(prefix: str, name: str) -> str:
    """Where an answer of this name is kept."""
    return f"{prefix}answer:{VERSION}:{name}"


def _about(ref: TaskRef) -> bytes:
    """The ids in a form in which no two tasks are the same."""
    return json.dumps([ref.app.app_id, ref.room, ref.task]).encode()


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


def decode_outcome(content: bytes, ref: TaskRef) -> Outcome:
    """For the task by this ref: the other replica may call its app by another name. Raises NotDecodable."""
    try:
        # Bounded: a few bytes can be so packed that they fill the memory.
        fields = json.loads(zlib.decompressobj().decompress(content, 100 * LARGEST))
        kept = _Kept.model_validate({**fields, "not_found": _tuple(fields.get("not_found"))})
    except (ValueError, LookupError, TypeError, AttributeError, zlib.error, RecursionError) as flaw:
        raise NotDecodable(type(flaw).__name__) from flaw
    if kept.not_found is not None:
        return _not_found(*kept.not_found)
    reading = decode_reading(kept.reading)
    return replace(reading, task=replace(reading.task, ref=ref), raw=kept.raw)


def _tuple(words: object) -> object:
    return tuple(words) if isinstance(words, list) else words


def _not_found(
    happened: str, meaning: str, advice: str, code: str | None, request_id: str | None, log_id: str | None
) -> TaskNotFound:
    return TaskNotFound(happened, meaning=meaning, advice=advice, code=code, request_id=request_id, log_id=log_id)
