"""A bucket of TOS, S3 or the like: links are signed addresses, made without asking anybody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from bot.recording.file_link import Link
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.runtime.checks import CheckResult
from bot.volcengine.api.signing import Credentials
from bot.volcengine.files.check import PROBE_KEY, check_bucket
from bot.volcengine.files.file_name import disposition, download_name
from bot.volcengine.files.presigning import Dialect, ObjectAddress, presign

HLS_NOTE = (
    "This is only the playlist: its address does not sign the segments that it names, so from a private bucket it will "
    "not play."
)
DOTS_NOTE = (
    "Its name has . or .. between slashes, which browsers leave out: take it with `curl --path-as-is` and this address."
)
TEMPORARY_NOTE = "It was made with temporary credentials, and ends with them, which may be sooner."


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """One bucket, with the key that reads from it; `locate` tells where the object of a key lies.

    `origin` is the scheme and host that its objects are fetched from, `key_names` the settings that its key came from.
    """

    name: str
    origin: str
    key_names: str
    dialect: Dialect
    locate: Callable[[str], ObjectAddress]
    credentials: Credentials
    region: str
    expires: timedelta
    clock: Callable[[], datetime]

    def holds(self, file: RecordingFile) -> bool:
        return file.object_key is not None

    async def link(self, ref: TaskRef, file: RecordingFile) -> Link:
        del ref
        assert file.object_key is not None
        # Signatures count whole seconds.
        now = self.clock().replace(microsecond=0)
        return Link(
            self._signed(file.object_key, at=now),
            expires_at=now + self.expires,
            note=" ".join(self._notes(file)) or None,
        )

    def _signed(self, key: str, *, at: datetime) -> str:
        return presign(
            self.locate(key),
            self.dialect,
            credentials=self.credentials,
            region=self.region,
            at=at,
            expires=self.expires,
            query=[("response-content-disposition", disposition(download_name(key)))],
        )

    def _notes(self, file: RecordingFile) -> list[str]:
        has_dots = not {".", ".."}.isdisjoint((file.object_key or "").split("/"))
        notes = (
            (file.file_format == "M3U8", HLS_NOTE),
            (has_dots, DOTS_NOTE),
            (self.credentials.session_token is not None, TEMPORARY_NOTE),
        )
        return [note for holds, note in notes if holds]

    async def prove(self, http: httpx.AsyncClient, *, prefix: str) -> CheckResult:
        """Ask for a made-up object with a signed address: "no such key" means that the signature was accepted."""
        url = self._signed(prefix + PROBE_KEY, at=self.clock())
        return await check_bucket(http, url, step=f"store {self.name}", key_names=self.key_names)
