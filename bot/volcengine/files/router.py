"""Which store a recorded file lies in, by rules in their order; the link to it; and a proof of every store."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx

from bot.recording.file_link import Link, LinkUnavailable
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.runtime.checks import CheckResult
from bot.volcengine.api.transport import PATIENCE, open_http


class FileStore(Protocol):
    """A place that files lie in. `origin` is the scheme and host that it is reached at."""

    @property
    def name(self) -> str: ...

    @property
    def origin(self) -> str: ...

    def holds(self, file: RecordingFile) -> bool:
        """Whether the file has what a link into this store is made of."""
        ...

    async def link(self, ref: TaskRef, file: RecordingFile) -> Link:
        """A link to a file that it holds. Raises LinkUnavailable."""
        ...

    async def prove(self, http: httpx.AsyncClient, *, prefix: str) -> CheckResult:
        """What came of showing the store its key; never raises for what the store does."""
        ...


@dataclass(frozen=True, slots=True)
class StoreRule:
    """Files of this app (of every one, when None) whose key begins so lie in this store, where it holds such files."""

    store: FileStore
    app: str | None = None
    prefix: str = ""

    def fits(self, ref: TaskRef, file: RecordingFile) -> bool:
        is_of_app = self.app is None or self.app == ref.app.name
        begins_so = not self.prefix or (file.object_key or "").startswith(self.prefix)
        return is_of_app and begins_so and self.store.holds(file)


class RuleLinkMaker:
    """A LinkMaker that follows the first rule that fits."""

    def __init__(self, rules: Sequence[StoreRule]) -> None:
        self.rules = tuple(rules)

    def can_link(self, ref: TaskRef, file: RecordingFile) -> bool:
        """Whether a rule fits the file; asks nobody."""
        return self._store_of(ref, file) is not None

    async def link(self, ref: TaskRef, file: RecordingFile) -> Link:
        """A link by the first rule that fits. Raises LinkUnavailable."""
        store = self._store_of(ref, file)
        if store is None:
            raise LinkUnavailable(
                "There is no link to this file.",
                meaning="No [[storage]] of this bot's configuration fits its app and its object key or Vid.",
                advice="Add a [[storage]] for what the recordings of this app go to.",
                reason="Rectask has no access to where it is stored",
                for_reader="The person who runs Rectask can add it.",
            )
        return await store.link(ref, file)

    def _store_of(self, ref: TaskRef, file: RecordingFile) -> FileStore | None:
        return next((rule.store for rule in self.rules if rule.fits(ref, file)), None)


async def diagnose_stores(
    rules: Sequence[StoreRule], *, proxy_for: Callable[[str], str | None]
) -> AsyncIterator[CheckResult]:
    """A finding for each store, in the order of the rules; `proxy_for` names the proxy on the way to an origin."""
    for rule in rules:
        async with open_http(patience=PATIENCE, proxy=proxy_for(rule.store.origin)) as http:
            yield await rule.store.prove(http, prefix=rule.prefix)
