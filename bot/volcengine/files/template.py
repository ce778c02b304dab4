"""A pattern of addresses, for files that are served by something else: a server of one's own, a page of a console."""

import re
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from bot.recording.file_link import Link, LinkUnavailable
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.runtime.checks import CheckResult

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class TemplateStore:
    """`url` may hold {object_key}, {vid}, {app} (its name here), {room} and {task}, behind its host."""

    name: str
    origin: str
    url: str

    def holds(self, file: RecordingFile) -> bool:
        wanted = _PLACEHOLDER.findall(self.url)
        return not ("object_key" in wanted and file.object_key is None) and not ("vid" in wanted and file.vid is None)

    async def link(self, ref: TaskRef, file: RecordingFile) -> Link:
        """Raises LinkUnavailable for a name that a browser would not ask for as it is."""
        values = {
            "object_key": file.object_key or "",
            "vid": file.vid or "",
            "app": ref.app.name,
            "room": ref.room,
            "task": ref.task,
        }
        # What comes first of these ends the path.
        path, mark, rest = re.split(r"([?#]|$)", self.url, maxsplit=1)
        filled = _filled(path, values, safe="/")
        if not {".", ".."}.isdisjoint(filled.split("/")):
            raise LinkUnavailable(
                "There is no link to this file.",
                meaning="One of its names has . or .. between slashes; a browser leaves that out of an address, and "
                "would open something else.",
                advice="Take the file from the store itself.",
                reason="a browser would open something else",
                for_reader="One of its names has . or .. between slashes. Download the file from storage directly.",
            )
        return Link(filled + mark + _filled(rest, values, safe=""))

    async def prove(self, http: httpx.AsyncClient, *, prefix: str) -> CheckResult:
        """Nothing can be proven of an address without the file."""
        del http, prefix
        return CheckResult(
            f"store {self.name}", is_well=True, said="A pattern, without a key: there is nothing to prove."
        )


def _filled(text: str, values: dict[str, str], *, safe: str) -> str:
    return _PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=safe), text)
