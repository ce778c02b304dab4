"""Links to files for people: for who may open them, of the files that are shown, recorded before they are given."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from bot.access.audit.record import AuditedAction, NotRecorded, Outcome, Record
from bot.recording.file_link import Link, LinkMaker, LinkUnavailable
from bot.recording.reading import Reading
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.slack.authorization.authorizer import Authorizer
from bot.slack.background import BackgroundTasks, Overloaded
from bot.slack.cards.files import FILES_ON_A_CARD, NO_LINKS, CardLinks, NoLink
from bot.slack.incident import new_incident
from bot.slack.request.payload import Visit

log = structlog.get_logger()

# Slack's limit for a button.
URL_AT_MOST = 3_000
# Seconds: for a card that is waited for, and where links are what was asked for.
SOON, PATIENTLY = 1.0, 12.0

_TOO_LONG = NoLink("its address is too long for a button of Slack", "Take the file from the store itself.")
_LATE = NoLink("its store takes its time", "Ask again in a moment.")
_NOT_RECORDED = NoLink(
    "that you get it cannot be recorded now", "No link is given without a record. Try again in a minute."
)
_UNFORESEEN = NoLink("something went wrong here", "It is this bot's fault; its log tells more.")


def numbered(files: Sequence[RecordingFile]) -> list[tuple[int, RecordingFile]]:
    """Those that a card shows, the first one being 1."""
    return list(enumerate(files[:FILES_ON_A_CARD], start=1))


def offer(maker: LinkMaker, reading: Reading) -> CardLinks:
    """For a card that several people see, or that is kept: no link, but a button for them where some can be made."""
    ref = reading.task.ref
    return CardLinks(can_be_asked_for=any(maker.can_link(ref, file) for _, file in numbered(reading.task.files)))


class LinkIssuer:
    """Makes links for people. What is not made in time goes on in `work`, so that it is in memory the next time."""

    def __init__(
        self,
        maker: LinkMaker,
        gate: Authorizer,
        work: BackgroundTasks,
        *,
        new_id: Callable[[], str] = new_incident,
    ) -> None:
        self._new_id = new_id
        self._maker = maker
        self._gate = gate
        self._work = work

    async def offer(self, reading: Reading) -> CardLinks:
        """As the function."""
        return offer(self._maker, reading)

    def has_some(self, visit: Visit, reading: Reading) -> bool:
        """Whether the visitor's own card of this task has links; asks nobody."""
        return offer(self._maker, reading).can_be_asked_for and self._may(visit, reading.task.ref)

    async def on_card(self, visit: Visit, reading: Reading) -> CardLinks:
        """For a card that only the visitor sees, and which is waited for."""
        return await self.links(visit, reading, numbered(reading.task.files), within=SOON)

    async def links(
        self, visit: Visit, reading: Reading, files: Sequence[tuple[int, RecordingFile]], *, within: float
    ) -> CardLinks:
        """Links to these files, or why there is none; nothing at all for who may not open files, and without a store.

        Takes no longer than `within` seconds, and what the record takes.
        """
        ref = reading.task.ref
        if not any(self._maker.can_link(ref, file) for _, file in files) or not self._may(visit, ref):
            return NO_LINKS
        try:
            making = {number: self._work.begin(self._make(ref, file)) for number, file in files}
        except Overloaded:
            return CardLinks({number: _LATE for number, _ in files}, can_be_asked_for=True)
        await asyncio.wait(making.values(), timeout=within)
        made = {number: task.result() if task.done() else _LATE for number, task in making.items()}
        given = await self._recorded(visit, reading, dict(files), made)
        return CardLinks(given, can_be_asked_for=_LATE in made.values())

    def _may(self, visit: Visit, ref: TaskRef) -> bool:
        return self._gate.may(visit.asker, AuditedAction.LINK, ref)

    async def _make(self, ref: TaskRef, file: RecordingFile) -> Link | NoLink:
        """Raises nothing: one file that goes wrong must not cost the card."""
        try:
            link = await self._maker.link(ref, file)
        except LinkUnavailable as failure:
            return self._no_link(failure)
        except Exception as failure:  # noqa: BLE001  # what it says may hold an address
            log.warning("link.failed", error=type(failure).__name__)
            return _UNFORESEEN
        return link if len(link.url) <= URL_AT_MOST else _TOO_LONG

    def _no_link(self, failure: LinkUnavailable) -> NoLink:
        """For the person; what the one who runs Rectask needs is in the log under the same id."""
        incident = self._new_id()
        log.warning(
            "link.unavailable",
            incident=incident,
            happened=failure.happened,
            meaning=failure.meaning,
            advice=failure.advice,
            request_id=failure.request_id,
            log_id=failure.log_id,
        )
        return NoLink(failure.reason, f"{failure.for_reader} ID: {incident}.")

    async def _recorded(
        self, visit: Visit, reading: Reading, files: Mapping[int, RecordingFile], made: Mapping[int, Link | NoLink]
    ) -> Mapping[int, Link | NoLink]:
        """The same, once it is recorded; without any link where that cannot be done."""
        to_keep = []
        for number, link in made.items():
            record = self._record(visit, reading, files[number], link)
            if isinstance(link, Link):
                to_keep.append(record)
            else:
                self._gate.audit.note(record)
        try:
            if to_keep:
                await self._gate.audit.keep(*to_keep)
        except NotRecorded:
            log.warning("link.not_recorded", links=len(to_keep))
            return {number: link if isinstance(link, NoLink) else _NOT_RECORDED for number, link in made.items()}
        return made

    def _record(self, visit: Visit, reading: Reading, file: RecordingFile, link: Link | NoLink) -> Record:
        return self._gate.record(
            visit,
            AuditedAction.LINK,
            reading.task.ref,
            outcome=Outcome.DONE if isinstance(link, Link) else Outcome.FAILED,
            reason=None if isinstance(link, Link) else link.said,
            request_id=reading.request_id,
            file=file.object_key or file.vid,
        )
