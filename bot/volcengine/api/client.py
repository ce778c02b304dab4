"""Asking Volcengine's gateway: paced, signed, bounded attempts, and what its envelope and its errors mean."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import structlog

from bot.recording.reading import TaskNotFound, TaskReadError, TaskRefused, TaskUnavailable, Urgency
from bot.volcengine.api import transport_errors as failures
from bot.volcengine.api.bodies import apart, is_large, read_whole
from bot.volcengine.api.envelopes import Found, envelope_in
from bot.volcengine.api.error_codes import Kind, explain
from bot.volcengine.api.headers import date_of, retry_after
from bot.volcengine.api.meter import TIMED_OUT, UNMETERED, UNREACHABLE, AttemptMeter, code_of
from bot.volcengine.api.pacer import Pacer, Sent
from bot.volcengine.api.service import ApiService
from bot.volcengine.api.signing import SignatureAuth, Signer
from bot.volcengine.api.transport import Timeouts
from bot.volcengine.api.wire import WireError

log = structlog.get_logger()

ATTEMPTS = 3
# Of what the vendor says of an error, which goes into logs and onto terminals.
_MESSAGE_AT_MOST = 1_000
# Seconds, of which each pause is a fraction, so that they spread.
_PAUSE_WHEN_PASSING = 0.2
_HEADERS = {"accept-encoding": "gzip", "user-agent": "rectask"}


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An answer without an error; `result` is whatever stood in `Result`."""

    result: object
    body: str
    request_id: str | None
    log_id: str | None
    received_at: datetime
    is_large: bool = False


class _WorthAnotherAttempt(TaskUnavailable):
    """A passing failure; the only kind that is followed by another attempt."""


class VolcengineApi:
    """One service of Volcengine's OpenAPI. Each attempt takes its turn at the pacer and is signed after it.

    `credentials_source` names the settings that the key came from; errors advise to check them.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        service: ApiService,
        endpoint: str,
        signer: Signer,
        pacer: Pacer,
        credentials_source: str,
        clock: Callable[[], datetime],
        patience: Timeouts,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random_fraction: Callable[[], float] = random.random,
        meter: AttemptMeter = UNMETERED,
    ) -> None:
        self._http = http
        self._service = service
        self._endpoint = endpoint.rstrip("/")
        self._signer = signer
        self._auth = SignatureAuth(signer)
        self._pacer = pacer
        self._credentials_source = credentials_source
        self._clock = clock
        self._patience = patience
        self._sleep = sleep
        self._random_fraction = random_fraction
        self._meter = meter
        # What httpx adds to the requests that it builds itself, which takes it 20 µs longer.
        self._extensions = {"timeout": http.timeout.as_dict()}
        self._is_lost = False
        # How far this machine's clock was ahead of Volcengine's at the last answer; None before the first.
        self.clock_ahead: timedelta | None = None

    async def get(self, query: str, *, urgency: Urgency, rtc_app: str) -> ApiAnswer:
        """GET with this query, escaped and with Action and Version in it; `rtc_app` is its name, for the advice.

        Raises TaskUnavailable after at most three attempts or 25 s, TaskRefused or TaskNotFound at once.
        """
        url = f"{self._endpoint}/?{query}"
        try:
            answer = await self._attempt_until_answered(url, urgency=urgency, rtc_app=rtc_app)
        except TaskUnavailable as failure:
            self._note_loss(failure)
            raise
        except TaskReadError:
            self._note_recovery()
            raise
        self._note_recovery()
        return answer

    async def _attempt_until_answered(self, url: str, *, urgency: Urgency, rtc_app: str) -> ApiAnswer:
        deadline = asyncio.get_running_loop().time() + self._patience.total
        before: TaskUnavailable | None = None
        for attempt in itertools.count(1):
            try:
                return await self._attempt(url, deadline=deadline, urgency=urgency, rtc_app=rtc_app, before=before)
            except _WorthAnotherAttempt as failure:
                pause = self._pause_after(failure, attempts=attempt)
                log.debug("attempt.failed", attempt=attempt, happened=failure.happened, code=failure.code)
                if attempt == ATTEMPTS or asyncio.get_running_loop().time() + pause >= deadline:
                    raise
                before = failure
            await self._sleep(pause)
        raise AssertionError  # itertools.count has no end

    def _pause_after(self, failure: TaskUnavailable, *, attempts: int) -> float:
        """Seconds: what the server asks for, else twice as long each time, each between half of that and the whole."""
        if failure.retry_after is not None:
            return failure.retry_after + self._random_fraction() * _PAUSE_WHEN_PASSING
        doubled: int = 2 ** (attempts - 1)
        return _PAUSE_WHEN_PASSING * doubled * (0.5 + self._random_fraction() / 2)

    async def _attempt(
        self, url: str, *, deadline: float, urgency: Urgency, rtc_app: str, before: TaskUnavailable | None
    ) -> ApiAnswer:
        """`before` is what became of the attempt before this one; it is told where this one's turn never comes."""
        time = asyncio.get_running_loop().time
        sent_at: float | None = None
        try:
            async with asyncio.timeout_at(deadline) as limit:
                sent = await self._pacer.turn(urgency)
                sent_at = time()
                limit.reschedule(min(deadline, sent_at + self._patience.attempt))
                response, body = await self._exchange(url, sent)
        except (TimeoutError, *failures.TRANSPORT_FAILURES) as failure:
            if sent_at is None:
                raise before or failures.turn_never_came(self._patience.total, peer=self._service) from failure
            code = TIMED_OUT if isinstance(failure, TimeoutError) else UNREACHABLE
            self._meter.attempted(code, time() - sent_at)
            words = failures.of_transport(failure, peer=self._service, endpoint=self._endpoint, patience=self._patience)
            raise _WorthAnotherAttempt(
                words.happened, meaning=words.meaning, advice=words.advice, reason=words.reason
            ) from failure
        seconds = time() - sent_at
        found = await apart(body is not None and is_large(body), lambda: envelope_in(body))
        return await self._understand(response, found, rtc_app=rtc_app, seconds=seconds)

    async def _exchange(self, url: str, sent: Sent) -> tuple[httpx.Response, bytes | None]:
        """One request and its answer; the body is None where it is too large to be read."""
        request = httpx.Request("GET", url, headers=_HEADERS, extensions=self._extensions)
        try:
            response = await self._http.send(request, auth=self._auth, stream=True)
        except BaseException as failure:
            _tell_end(sent, failure)
            raise
        sent.answered()
        try:
            return response, await read_whole(response)
        finally:
            await response.aclose()

    async def _understand(self, response: httpx.Response, found: Found, *, rtc_app: str, seconds: float) -> ApiAnswer:
        if (server_time := date_of(response)) is not None:
            self.clock_ahead = self._clock() - server_time
        log_id = self._concealed(response.headers.get("x-tt-logid"))
        envelope, flaw = found.envelope, found.flaw
        request_id = self._concealed(envelope.response_metadata.request_id)
        error = envelope.response_metadata.error
        self._meter.attempted(code_of(error, response.status_code, flaw=flaw), seconds)
        if error.is_there or response.status_code != httpx.codes.OK:
            raise self._error(error, response, request_id=request_id, log_id=log_id, rtc_app=rtc_app)
        if flaw is not None:
            raise failures.makes_no_sense(flaw, peer=self._service, request_id=request_id, log_id=log_id)
        authorization = response.request.headers.get("authorization", "")
        found = await apart(found.is_large, lambda: self._without_secrets(found, authorization=authorization))
        return ApiAnswer(
            result=found.envelope.result,
            body=found.text,
            is_large=found.is_large,
            request_id=request_id,
            log_id=log_id,
            received_at=self._clock(),
        )

    def _without_secrets(self, found: Found, *, authorization: str) -> Found:
        """Read once more where it quotes what the request was signed with."""
        concealed = self._signer.redact_in(found.text, authorization=authorization)
        return found if concealed is found.text else envelope_in(concealed.encode())

    def _error(
        self, error: WireError, response: httpx.Response, *, request_id: str | None, log_id: str | None, rtc_app: str
    ) -> TaskReadError:
        row = explain(code=error.code, number=error.code_n, status_code=response.status_code)
        if row.kind is Kind.TOO_MANY:
            self._pacer.slow_down()
        named = {
            **self._service.words_for(rtc_app),
            "credentials_source": self._credentials_source,
            "endpoint": self._endpoint,
            "app": rtc_app,
            "clock": clock_in_words(self.clock_ahead),
            "status": response.status_code,
        }
        kinds = {Kind.REFUSED: TaskRefused, Kind.NOT_FOUND: TaskNotFound}
        return kinds.get(row.kind, _WorthAnotherAttempt)(
            self._signer.redact(_what_happened(error, response.status_code)),
            meaning=row.meaning.format_map(named),
            advice=row.advice.format_map(named),
            reason=row.reason.format_map(named),
            is_askers=row.is_askers,
            code=self._concealed(error.code or (str(error.code_n) if error.code_n else None)),
            request_id=request_id,
            log_id=log_id,
            retry_after=retry_after(response, now=self._clock(), too_many=row.kind is Kind.TOO_MANY),
        )

    def _concealed(self, text: str | None) -> str | None:
        return None if text is None else self._signer.redact(text)

    def _note_loss(self, failure: TaskUnavailable) -> None:
        if not self._is_lost:
            self._is_lost = True
            log.warning(
                self._service.event("lost"),
                happened=failure.happened,
                code=failure.code,
                request_id=failure.request_id,
            )

    def _note_recovery(self) -> None:
        if self._is_lost:
            self._is_lost = False
            log.info(self._service.event("recovered"))


def _tell_end(sent: Sent, failure: BaseException) -> None:
    """What is known of a request that was not answered."""
    if failures.was_never_sent(failure):
        sent.never_left()
    elif isinstance(failure, httpx.RequestError) and not isinstance(failure, httpx.TimeoutException):
        sent.failed()
    else:
        sent.lost()


def clock_in_words(ahead: timedelta | None) -> str:
    """How far this machine's clock is ahead of Volcengine's (behind it, when negative), as a clause."""
    if ahead is None:
        return "This machine's clock differs from Volcengine's"
    seconds = round(ahead.total_seconds())
    if seconds == 0:
        return "This machine's clock agrees with Volcengine's"
    direction = "ahead of" if seconds > 0 else "behind"
    return f"This machine's clock is {abs(seconds):,} s {direction} Volcengine's"


def _what_happened(error: WireError, status_code: int) -> str:
    name = error.code or (f"error {error.code_n}" if error.code_n else f"HTTP {status_code}")
    message = (error.message or "").strip()[:_MESSAGE_AT_MOST]
    return f"Volcengine answered {name}" + (f": {message}" if message else ".")
