"""What the stores' rules come to, in plain Python: what the machine expects of a database after each step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.notices.completion import Occasion
from bot.notices.notice import ClaimedNotice, NoticeState
from bot.notices.person import Person
from bot.notices.subscription import ClaimedTask, Phase


@dataclass
class Lease:
    """Of a watched task or a notice."""

    token: int = 0
    until: datetime | None = None

    def is_free(self, now: datetime) -> bool:
        return self.until is None or self.until <= now

    def take(self, until: datetime) -> int:
        self.token += 1
        self.until = until
        return self.token

    def stands_for(self, token: int) -> bool:
        return self.token == token and self.until is not None

    def end(self) -> None:
        self.until = None


@dataclass
class ModelNotice:
    number: int
    occasion: Occasion
    due_at: datetime
    follows: "ModelNotice | None" = None
    state: NoticeState = NoticeState.PENDING
    attempts: int = 0
    key: str | None = None
    lease: Lease = field(default_factory=Lease)

    @property
    def is_settled(self) -> bool:
        return self.state in {NoticeState.DELIVERED, NoticeState.DEAD}

    def is_due(self, now: datetime) -> bool:
        is_its_turn = self.follows is None or self.follows.state is NoticeState.DELIVERED
        return not self.is_settled and self.due_at <= now and self.lease.is_free(now) and is_its_turn

    def settle(self, state: NoticeState) -> None:
        self.state = state
        self.lease.end()


@dataclass
class ModelSubscription:
    person: Person
    notices: list[ModelNotice] = field(default_factory=list)
    is_open: bool = True

    @property
    def owes(self) -> list[ModelNotice]:
        return [notice for notice in self.notices if not notice.is_settled]

    def of(self, occasion: Occasion) -> ModelNotice | None:
        return next((notice for notice in self.notices if notice.occasion is occasion), None)


@dataclass
class ModelTask:
    room: str
    next_look_at: datetime
    phase: Phase = Phase.WATCHING
    failures: int = 0
    is_told: bool = False
    subscriptions: list[ModelSubscription] = field(default_factory=list)
    lease: Lease = field(default_factory=Lease)

    @property
    def is_looked_at(self) -> bool:
        return self.phase is not Phase.CLOSED

    def is_due(self, now: datetime) -> bool:
        return self.is_looked_at and self.next_look_at <= now and self.lease.is_free(now)

    def of(self, person: Person) -> ModelSubscription | None:
        return next((each for each in self.subscriptions if each.person == person), None)

    def running(self, person: Person) -> ModelSubscription | None:
        found = self.of(person)
        return found if found and found.is_open and (self.is_looked_at or found.owes) else None


class Model:
    """All of it. Tasks are known by the ids that the database gave them."""

    def __init__(self) -> None:
        self.tasks: dict[int, ModelTask] = {}
        self._notices = 0

    def watched(self, room: str) -> ModelTask | None:
        return next((task for task in self.of(room) if task.phase is Phase.WATCHING), None)

    def of(self, room: str) -> list[ModelTask]:
        return [task for task in self.tasks.values() if task.room == room]

    def notices(self) -> Iterator[tuple[ModelTask, ModelSubscription, ModelNotice]]:
        for task in self.tasks.values():
            for subscription in task.subscriptions:
                for notice in subscription.notices:
                    yield task, subscription, notice

    def due_notices(self, now: datetime) -> list[tuple[Person, ModelNotice]]:
        """The first of each person who has none that somebody holds, those that are due longest first."""
        unsettled = [(each.person, notice) for _, each, notice in self.notices() if not notice.is_settled]
        held = {person for person, notice in unsettled if not notice.lease.is_free(now)}
        firsts: dict[Person, ModelNotice] = {}
        for person, notice in sorted(unsettled, key=lambda each: (each[1].due_at, each[1].number)):
            if person not in held and notice.is_due(now):
                firsts.setdefault(person, notice)
        return list(firsts.items())

    def notice(self, delivery: ClaimedNotice) -> ModelNotice | None:
        found = (notice for _, _, notice in self.notices() if notice.key == delivery.notice.key)
        return next(found, None)

    def holds(self, look: ClaimedTask) -> ModelTask | None:
        task = self.tasks.get(look.watched.id)
        return task if task and task.lease.stands_for(look.token) else None

    def holds_notice(self, delivery: ClaimedNotice) -> ModelNotice | None:
        notice = self.notice(delivery)
        return notice if notice and not notice.is_settled and notice.lease.stands_for(delivery.token) else None

    def subscribe(self, room: str, person: Person) -> bool:
        """To the task that is watched; True if that is new."""
        task = self.watched(room)
        assert task is not None
        found = task.of(person)
        if found is None:
            task.subscriptions.append(ModelSubscription(person))
            return True
        was_open, found.is_open = found.is_open, True
        return not was_open

    def unsubscribe(self, room: str, person: Person) -> bool:
        ended = [(task, running) for task in self.of(room) if (running := task.running(person))]
        for task, subscription in ended:
            subscription.is_open = False
            subscription.notices = [notice for notice in subscription.notices if notice.is_settled]
            if task.phase is Phase.WATCHING or not subscription.notices:
                task.subscriptions.remove(subscription)
        if ended:
            self._retire(self.of(room))
        return bool(ended)

    def close_person(self, person: Person) -> int:
        ended = [(task, running) for task in self.tasks.values() if (running := task.running(person))]
        for _, subscription in ended:
            subscription.is_open = False
            for notice in subscription.owes:
                notice.settle(NoticeState.DEAD)
        self._retire([task for task, _ in ended])
        return len(ended)

    def purge_person(self, person: Person) -> int:
        theirs = [(task, found) for task in self.tasks.values() if (found := task.of(person))]
        for task, subscription in theirs:
            task.subscriptions.remove(subscription)
        self._retire([task for task, _ in theirs])
        return len(theirs)

    def _retire(self, tasks: list[ModelTask]) -> None:
        for task in tasks:
            if task.is_looked_at and not any(each.is_open for each in task.subscriptions):
                task.phase = Phase.CLOSED
                task.lease.end()
        gone = {id(task) for task in tasks if not task.subscriptions}
        self.tasks = {number: task for number, task in self.tasks.items() if id(task) not in gone}

    def conclude(self, task: ModelTask, occasion: Occasion, *, phase: Phase, now: datetime) -> None:
        task.phase = phase
        task.is_told = task.is_told or occasion is not Occasion.UNCLEAR
        for subscription in task.subscriptions:
            end = subscription.of(Occasion.ENDED)
            is_told = occasion is not Occasion.FILES or (end is not None and end.state is not NoticeState.DEAD)
            if subscription.is_open and is_told and subscription.of(occasion) is None:
                self._notices += 1
                follows = end if occasion is Occasion.FILES else None
                subscription.notices.append(ModelNotice(self._notices, occasion, now, follows))

    def give_up(self, given_up: ModelNotice) -> None:
        given_up.settle(NoticeState.DEAD)
        for _, _, notice in self.notices():
            if notice.follows is given_up and not notice.is_settled:
                notice.settle(NoticeState.DEAD)

    def look_is_over(self, look: ClaimedTask, task: ModelTask, *, now: datetime, after: timedelta) -> None:
        """What was hastened meanwhile stays due."""
        if task.next_look_at == look.watched.next_look_at:
            task.next_look_at = now + after
        task.lease.end()

    def hasten(self, room: str, *, now: datetime) -> None:
        for task in self.of(room):
            if task.is_looked_at and (task.next_look_at > now or task.lease.until is not None):
                task.next_look_at = now
