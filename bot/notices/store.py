"""What the stores must do; the contract tests hold every store to it.

A claim is a lease and a growing token. Whoever writes afterwards names the token: a stale holder (its lease ran out and
somebody else claimed since) changes nothing and is told False. Spans count from the store's own clock. Each method is
one transaction; a database that cannot be reached raises DatabaseUnavailable, and then nothing has been done, but for
a commit whose answer was lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.notices.completion import Completion
from bot.notices.notice import ClaimedNotice, MessageRef, NoticeState
from bot.notices.person import Person
from bot.notices.subscription import ClaimedTask, Entry, Phase, Subscribed
from bot.recording.reading import Reading
from bot.recording.task import RecordTask
from bot.recording.task_ref import TaskRef


class DatabaseUnavailable(Exception):
    """The store cannot be reached, or does not answer; another time it may."""


class DatabaseUnusable(DatabaseUnavailable):
    """The store responds, but Rectask cannot work with it until somebody changes something; its text says what."""


class Subscriptions(Protocol):
    """What people do."""

    async def subscribe(
        self, reading: Reading, person: Person, *, next_look: timedelta, asked_in: str | None = None
    ) -> Subscribed:
        """Subscribe the person to the reading's task, which is looked at after `next_look` if it was not watched yet.

        `asked_in` is the channel where that was asked, which their notices will tell of.
        The watched task is locked first, so that its end either comes before (and the completion is returned) or after
        (and the person is among those who are told). A known start time is filled into a watched task without one.
        What has not begun is another task than one that was seen to have begun before.
        """
        ...

    async def unsubscribe(self, ref: TaskRef, person: Person) -> bool:
        """End what the person has running on tasks of these ids; True if there was anything.

        That is: subscriptions whose task is still looked at, and those whose notice is not delivered yet, with that.
        Delivered and given-up ones stay in the list.
        """
        ...

    async def clear(self, person: Person) -> int:
        """Delete what is done of the person's list: settled, ended, and nothing more to come. How many that was."""
        ...

    async def is_subscribed(self, task: RecordTask, person: Person) -> bool:
        """Whether the person will be told of the end of this very task."""
        ...

    async def count_running(self, person: Person) -> int:
        """How many subscriptions of the person something is still to come of."""
        ...

    async def entries(self, person: Person, *, limit: int) -> Sequence[Entry]:
        """The person's list: what is still looked at first, then the newest."""
        ...

    async def listed(self, person: Person, *, limit: int) -> Sequence[Entry]:
        """The same for showing: of each file only its size, and of what was noticed only its occasion and time.

        A list of 90 recordings with 500 files each must hold nobody up.
        """
        ...


class Looks(Protocol):
    """What the watcher does."""

    async def claim_due(self, *, limit: int, lease: timedelta) -> Sequence[ClaimedTask]:
        """Claim tasks whose next look is due and that nobody holds, those that are due longest first."""
        ...

    async def note(
        self, look: ClaimedTask, reading: Reading, *, next_look: timedelta, waiting_since: datetime | None
    ) -> bool:
        """What a good look saw, where nobody is to be told; ends the claim. `failures` and `last_error` are cleared."""
        ...

    async def note_failure(self, look: ClaimedTask, error: str, *, next_look: timedelta) -> bool:
        """A look failed; ends the claim. One more failure is counted, and the error kept for the list."""
        ...

    async def conclude(self, look: ClaimedTask, completion: Completion, *, phase: Phase, next_look: timedelta) -> bool:
        """In one transaction: store the completion, queue a notice for each subscriber, enter the phase, end the claim.

        The same occasion is told once a subscription at most. FILES is queued for those only who were to be told of the
        end. The completion's reading is kept as the task's `seen`, `waiting_since` as it is.
        """
        ...

    async def close(self, look: ClaimedTask) -> bool:
        """Nothing more is to be found out, and nobody is to be told: phase CLOSED; ends the claim."""
        ...

    async def release(self, looks: Sequence[ClaimedTask]) -> None:
        """Give claims back unused: the tasks are due as before."""
        ...

    async def hasten(self, ref: TaskRef) -> None:
        """Make tasks of these ids that are still watched due at once."""
        ...

    async def hasten_failed(self) -> None:
        """Make all tasks due at once whose last look failed."""
        ...


class Notices(Protocol):
    """What the deliverer does."""

    async def claim_due(self, *, limit: int, lease: timedelta) -> Sequence[ClaimedNotice]:
        """Claim notices that are due and that nobody holds, those that are due longest first, one of each person.

        Who has one that somebody holds has none besides. One about late files is not due before the notice of the end
        is settled.
        """
        ...

    async def begin(self, delivery: ClaimedNotice, *, lease: timedelta) -> bool:
        """The last look before posting; on False (the claim is lost, the subscription gone) nothing may be sent.

        The lease is renewed, the attempt counted, and its end is unknown until one of the following is called.
        """
        ...

    async def mark_delivered(self, delivery: ClaimedNotice, place: MessageRef) -> bool:
        """It stands there."""
        ...

    async def put_off(
        self, delivery: ClaimedNotice, *, after: timedelta, reason: str | None, is_doubtful: bool
    ) -> bool:
        """Try again later; `is_doubtful` where it may have been posted."""
        ...

    async def give_up(self, delivery: ClaimedNotice, reason: str) -> bool:
        """Never to be delivered; the reason is shown in the person's list."""
        ...

    async def release(self, deliveries: Sequence[ClaimedNotice]) -> None:
        """Give claims back that no attempt was begun for; those of begun attempts last until their lease runs out."""
        ...

    async def close_person(self, person: Person, reason: str) -> int:
        """Give up all that is queued for somebody who cannot be written to any more, and end their subscriptions.

        The number of subscriptions that this was the end of. They stay in the store, with the reason.
        """
        ...


class Requests(Protocol):
    """What Slack has sent already, to any replica."""

    async def is_first(self, key: str) -> bool:
        """True for the first who asks about this key, False for all others until it is forgotten."""
        ...

    async def forget(self, *, older_than: timedelta, at_most: int) -> int:
        """Delete keys that were first asked about so long ago; their number."""
        ...


# The watcher looks at what is due within seconds; what waits longer waits for something.
OVERDUE_AFTER = timedelta(minutes=1)
# A slow RTC makes looks late by minutes; what waits longer than this stands still.
STANDS_STILL_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class StoreStats:
    """How many there are: tasks still looked at, those of them whose look is overdue, notices by their state.

    `oldest_waiting` is how long ago the oldest notice was queued that is not settled; None where none waits.
    `oldest_look` is for how long the look has been due that waits longest.
    """

    watched: int
    overdue: int
    notices: Mapping[NoticeState, int]
    oldest_waiting: timedelta | None
    oldest_look: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Farthest:
    """How far ahead the store may have set something: the next look, an attempt to deliver, the end of a lease."""

    look: timedelta
    notice: timedelta
    lease: timedelta


class DueTimes(Protocol):
    """What keeps a clock that was wrong for a while from holding everything up."""

    async def moment(self) -> datetime:
        """The store's clock."""
        ...

    async def pull_in(self, farthest: Farthest) -> int:
        """Make due now what would be due later than that, and end leases after one lease that would last for two.

        How many rows that was. Cheap enough to be done every few seconds, with tens of thousands of tasks.
        """
        ...


class Upkeep(Protocol):
    """What keeps the store in order."""

    async def oldest_look(self) -> timedelta:
        """For how long the look has been due that waits longest; zero where none is due. Quick with any number."""
        ...

    async def ping(self) -> None:
        """Raises DatabaseUnavailable."""
        ...

    async def census(self) -> StoreStats:
        """Of the whole store. Cheap enough to be taken every few seconds, with tens of thousands of tasks."""
        ...

    async def forget(self, *, older_than: timedelta, at_most: int) -> int:
        """Delete closed tasks whose last notice was settled so long ago, and all that is theirs; their number."""
        ...

    async def workspaces_of(self, user_id: str) -> Sequence[str]:
        """Where there are rows about somebody of this id, which Slack gives once in a workspace."""
        ...

    async def purge_person(self, person: Person) -> int:
        """Delete every row about somebody, but for the record of what they did; the number of subscriptions."""
        ...

    async def purge_workspace(self, team_id: str) -> int:
        """Delete every row about a workspace, but for the record of what was done; the number of subscriptions."""
        ...

    async def note_home(self, person: Person) -> None:
        """The person has opened the home tab, so that it is kept up to date from now on."""
        ...

    async def has_home(self, person: Person) -> bool: ...
