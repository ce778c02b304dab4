"""What apps are called now, in what was stored when they may have been called otherwise."""

from collections.abc import Mapping
from dataclasses import replace

from bot.recording.reading import Reading
from bot.recording.task import RtcApp, TaskRef
from bot.storage.columns import Unreadable


class AppNames:
    """The names of apps by their ids; one that is not among them keeps the name that was stored."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def ref(self, stored: TaskRef) -> TaskRef:
        app_id = stored.app.app_id
        return replace(stored, app=RtcApp(self._names.get(app_id, stored.app.name), app_id))

    def reading(self, stored: Reading | Unreadable | None) -> Reading | None:
        """None for one that is absent or cannot be read."""
        if stored is None or isinstance(stored, Unreadable):
            return None
        return replace(stored, task=replace(stored.task, ref=self.ref(stored.task.ref)))
