"""The messages of all conversations, found by where and when they were posted."""

from collections import defaultdict

from bot.playground.slack.world import Message


class Archive:
    """Keeps each message once in `all`, in the order of posting; replies also hang on their parent."""

    def __init__(self) -> None:
        self.all: list[Message] = []
        self._by_channel: defaultdict[str, list[Message]] = defaultdict(list)
        self._by_place: dict[tuple[str, str], Message] = {}

    def add(self, message: Message) -> None:
        self.all.append(message)
        self._by_channel[message.channel].append(message)
        self._by_place[message.channel, message.ts] = message
        if parent := self.parent_of(message):
            parent.replies.append(message)

    def remove(self, message: Message) -> None:
        for kept in (self.all, self._by_channel[message.channel]):
            kept[:] = [other for other in kept if other is not message]
        self._by_place.pop((message.channel, message.ts), None)
        if parent := self.parent_of(message):
            parent.replies.remove(message)

    def holds(self, message: Message) -> bool:
        return self._by_place.get((message.channel, message.ts)) is message

    def find(self, channel: str, ts: str) -> Message | None:
        return self._by_place.get((channel, ts))

    def of(self, channel: str) -> list[Message]:
        """All that stands in the channel and its threads, the oldest first."""
        return self._by_channel.get(channel, [])

    def parent_of(self, message: Message) -> Message | None:
        return self.find(message.channel, message.thread_ts) if message.thread_ts else None
