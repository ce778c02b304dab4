"""VOD, the vendor's video on demand: links are the addresses that GetPlayInfo gives, kept while they are good."""

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
from cachetools import TLRUCache

from bot.recording.file_link import Link, LinkUnavailable
from bot.recording.reading import Priority, TaskReadError, Urgency
from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef
from bot.runtime.checks import CheckResult
from bot.volcengine.api.bodies import apart
from bot.volcengine.api.client import ApiAnswer, VolcengineApi
from bot.volcengine.api.error_codes import concerns_the_question
from bot.volcengine.api.service import ApiService
from bot.volcengine.api.signing import escape
from bot.volcengine.files.vod_wire import PlayAddress, parse_play_addresses

SERVICE = "vod"
VOD = ApiService(
    name="VOD",
    endpoint_setting="endpoint of the [[storage]] of kind vod",
    region_setting="its region",
    consequence="there is no link",
    action="GetPlayInfo",
    version="2020-08-01",
    owner="the VOD space",
    owned="the VOD space",
    # The vendor's page of GetPlayInfo, as of March 2025.
    limit="2,000 a second for one user",
    or_slower="",
    check_ids="Check that the media is still in VOD, and that the key is of the account that owns its space.",
)
# A link is not handed out again when less than this is left of its life, or less than half of a short one.
_LEFT_AT_LEAST = timedelta(minutes=10)
_MEDIA_REMEMBERED = 10_000
# What GetPlayInfo calls the original (its parameter Definition); the other names are heights such as 720p.
_ORIGINAL = "od"
_MADE_UP = "rectask-check"


class VodStore:
    """A VOD space. Its addresses are asked for at VOD, each time unless one is remembered that is good for a while."""

    def __init__(self, openapi: VolcengineApi, *, name: str, origin: str, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.origin = origin
        self._openapi = openapi
        self._links: TLRUCache[str, Link, datetime] = TLRUCache(
            _MEDIA_REMEMBERED, lambda _, link, now: _kept_until(link, now), clock
        )

    def holds(self, file: RecordingFile) -> bool:
        return file.vid is not None

    async def link(self, ref: TaskRef, file: RecordingFile) -> Link:
        """Raises LinkUnavailable: VOD cannot be asked, refuses, or has no address for the file."""
        assert file.vid is not None
        if (remembered := self._links.get(file.vid)) is not None:
            return remembered
        try:
            answer = await self._ask(file.vid, rtc_app=ref.app.name)
        except TaskReadError as failure:
            raise _link_unavailable(failure) from failure
        link = await apart(answer.is_large, lambda: _link_in(answer))
        self._links[file.vid] = link
        return link

    async def _ask(self, vid: str, *, rtc_app: str) -> ApiAnswer:
        # In canonical form from the start: sorted by name.
        query = f"Action={VOD.action}&NeedOriginal=1&Ssl=1&Version={VOD.version}&Vid={escape(vid)}"
        return await self._openapi.get(query, urgency=Urgency(Priority.PERSON), rtc_app=rtc_app)

    async def prove(self, http: httpx.AsyncClient, *, prefix: str) -> CheckResult:
        """Ask for a made-up media: whatever VOD says of it, it has accepted key and signature to say it."""
        del http, prefix
        step = f"store {self.name}"
        try:
            await self._ask(_MADE_UP, rtc_app="")
        except TaskReadError as failure:
            if not concerns_the_question(failure.code):
                said = f"{failure.happened} {failure.meaning}"
                return CheckResult(step, is_well=False, said=said, advice=failure.advice)
        return CheckResult(step, is_well=True, said="VOD accepts key and signature.")


def _kept_until(link: Link, now: datetime) -> datetime:
    if link.expires_at is None:
        return now
    return link.expires_at - min(_LEFT_AT_LEAST, (link.expires_at - now) / 2)


def _link_in(answer: ApiAnswer) -> Link:
    addresses = parse_play_addresses(answer.result)
    if not addresses:
        raise LinkUnavailable(
            "VOD has no address for this file.",
            meaning="It is not published, or its space has no accelerated domain; VOD's answer is the same for both.",
            advice="In the VOD console, publish the media and see that its space has an accelerated domain.",
            reason="VOD returned no playback URL",
            for_reader="The file may not be published yet. The person who runs Rectask can check that in VOD.",
            request_id=answer.request_id,
            log_id=answer.log_id,
        )
    best = max(addresses, key=_closeness_to_the_original)
    return Link(best.url, expires_at=best.expires_at)


def _closeness_to_the_original(address: PlayAddress) -> tuple[bool, int]:
    return address.definition == _ORIGINAL, address.size or 0


def _link_unavailable(failure: TaskReadError) -> LinkUnavailable:
    return LinkUnavailable(
        failure.happened,
        meaning=failure.meaning,
        advice=failure.advice,
        reason=failure.reason,
        for_reader=failure.for_reader,
        request_id=failure.request_id,
        log_id=failure.log_id,
    )
