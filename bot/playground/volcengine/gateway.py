"""The gateway's own checks, in its order: form, signature (by a computation of its own), and requests a second."""

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from aiohttp import web

ACTION, VERSION = "GetRecordTask", "2023-11-01"
# Code: (CodeN, HTTP status), from the vendor's list of common error codes; RTC's own have no number.
ERRORS: dict[str, tuple[int | None, int]] = {
    "UndefinedError": (100001, 500),
    "MissingParameter": (100002, 400),
    "MissingAuthenticationToken": (100003, 401),
    "MissingRequestInfo": (100004, 400),
    "MissingSignature": (100005, 401),
    "InvalidTimestamp": (100006, 403),
    "ServiceNotFound": (100007, 404),
    "InvalidActionOrVersion": (100008, 404),
    "InvalidAccessKey": (100009, 401),
    "InvalidClientTokenId": (100009, 401),
    "SignatureDoesNotMatch": (100010, 401),
    "ServiceShouldCallSelfApi": (100011, 403),
    "LackPolicy": (100012, 403),
    "LackProjectPolicy": (100012, 403),
    "AccessDenied": (100013, 403),
    "InternalError": (100014, 500),
    "FailToConnect": (100015, 502),
    "InternalServiceTimeout": (100016, 504),
    "FlowLimitExceeded": (100018, 429),
    "AccountFlowLimitExceeded": (100018, 429),
    "RequestLimitExceeded": (100018, 429),
    "ServiceUnavailableTemp": (None, 503),
    "InternalServiceError": (None, 502),
    "InvalidAuthorization": (None, 400),
    "InvalidCredential": (None, 400),
    "InvalidSecretToken": (None, 401),
    "InvalidParameter.ErrorActiveTaskNotFound": (None, 400),
    "InvalidParameter.IllegalRoomID": (None, 400),
    "InvalidParameter.NotExistAppId": (None, 400),
    "InvalidParameter.IllegalAppId": (None, 400),
    "AccessDenied.RecordNotEnabled": (None, 403),
    "AccessDenied.NoPermissionForApp": (None, 403),
    "AccessDenied.ServiceNotEnabled": (None, 403),
    "FlowLimitExceeded.QPSOverLimit": (None, 429),
    "InternalError.Unknown": (None, 500),
}
_AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>\d{8}/[^/]+/[^/]+/request), "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
_MUST_BE_SIGNED = {"host", "x-date", "x-content-sha256"}
_DATE_MAY_DIFFER_BY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Account:
    """An access key that the gateway knows, its session token if it is a temporary one, the apps of its account."""

    access_key: str = "AKSTANDIN0000000000000000000000"
    secret_key: str = "c3RhbmQtaW4tc2VjcmV0LW5vdC1yZWFs"
    session_token: str | None = None
    app_ids: tuple[str, ...] = ("661e0000000000000000543c", "661f0000000000000000543c")


class Refusal(Exception):
    """The gateway answers with an error: its code, the number and HTTP status that the vendor's list gives it."""

    def __init__(self, code: str, message: str, *, status_code: int | None = None) -> None:
        super().__init__(code)
        self.number, documented_status = ERRORS.get(code, (None, 400))
        self.status_code = status_code or documented_status
        self.error: dict[str, object] = {"Code": code, "Message": message}
        if self.number is not None:
            self.error["CodeN"] = self.number

    @classmethod
    def told(cls, error: dict[str, object]) -> "Refusal":
        """With an error as somebody was answered it, and the HTTP status that goes with its code."""
        refusal = cls(str(error.get("Code")), str(error.get("Message", "")))
        refusal.error = error
        return refusal


def check_form(request: web.BaseRequest, *, action: str = ACTION, version: str = VERSION) -> dict[str, str]:
    """The query's parameters; raises Refusal unless it is a GET of this action with each parameter once."""
    if request.path != "/" or request.method != "GET":
        raise Refusal("InvalidActionOrVersion", f"{request.method} {request.path} is not an API.")
    pairs = parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True)
    query = dict(pairs)
    if len(query) != len(pairs):
        raise Refusal("InvalidParameter", "A parameter is there twice.")
    if (query.get("Action"), query.get("Version")) != (action, version):
        raise Refusal("InvalidActionOrVersion", "Could not find operation of this Action and Version.")
    return query


@dataclass(slots=True)
class SignatureCheck:
    """Verifies who sent a request, for one account, region and service."""

    account: Account
    region: str
    clock: Callable[[], datetime]
    service: str = "rtc"

    def check(self, request: web.BaseRequest, body: bytes) -> None:
        """Raises Refusal, with what the real gateway would say; its texts quote what was sent, as real ones may."""
        if "Authorization" not in request.headers:
            raise Refusal("MissingAuthenticationToken", "The request has no Authorization header.")
        authorization = _AUTHORIZATION.fullmatch(request.headers["Authorization"])
        if authorization is None:
            raise Refusal("InvalidAuthorization", "The Authorization header has not the form that is documented.")
        x_date = request.headers.get("X-Date", "")
        if not _is_near(x_date, self.clock()):
            raise Refusal("InvalidTimestamp", f"The X-Date {x_date!r} is too far from the server's time.")
        scope = f"{x_date[:8]}/{self.region}/{self.service}/request"
        if authorization["scope"] != scope:
            raise Refusal("InvalidCredential", f"The credential scope must be {scope}.")
        if authorization["key"] != self.account.access_key:
            raise Refusal("InvalidAccessKey", f"The access key {authorization['key']} does not exist.")
        self._check_token(request, signed=authorization["headers"])
        expected = self._signature(request, body, x_date=x_date, scope=scope, names=authorization["headers"])
        if not hmac.compare_digest(expected, authorization["signature"]):
            raise Refusal(
                "SignatureDoesNotMatch",
                f"The signature {authorization['signature']} of {authorization['key']} is not the one computed here.",
            )

    def _check_token(self, request: web.BaseRequest, *, signed: str) -> None:
        token = request.headers.get("X-Security-Token")
        if token != self.account.session_token:
            raise Refusal("InvalidSecretToken", f"The security token {token} is invalid or has expired.")
        required = _MUST_BE_SIGNED | ({"x-security-token"} if token else set())
        names = signed.split(";")
        if missing := required - set(names):
            raise Refusal("MissingSignature", f"Not among the signed headers: {', '.join(sorted(missing))}.")
        if names != sorted(set(names)) or any(name not in request.headers for name in names):
            raise Refusal("InvalidAuthorization", "The signed headers are not those that were sent, sorted by name.")

    def _signature(self, request: web.BaseRequest, body: bytes, *, x_date: str, scope: str, names: str) -> str:
        if request.headers.get("X-Content-Sha256") != hashlib.sha256(body).hexdigest():
            raise Refusal("SignatureDoesNotMatch", "X-Content-Sha256 is not the hash of the body.")
        digest = hashlib.sha256(_canonical(request, body, names=names).encode()).hexdigest()
        key = self.account.secret_key.encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, f"HMAC-SHA256\n{x_date}\n{scope}\n{digest}".encode(), hashlib.sha256).hexdigest()


def canonical_request(request: web.BaseRequest, body: bytes) -> str | None:
    """What must have been signed, computed from what arrived; None where it was not signed at all."""
    authorization = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    return authorization and _canonical(request, body, names=authorization["headers"])


def _canonical(request: web.BaseRequest, body: bytes, *, names: str) -> str:
    pairs = parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True)
    query = "&".join(sorted(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs))
    lines = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names.split(";"))
    return f"{request.method}\n/\n{query}\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"


@dataclass(slots=True)
class RateCheck:
    """Admits `limit` requests within any second and refuses the others; None admits all (for other benchmarks)."""

    limit: int | None
    _admitted: deque[float] = field(default_factory=deque)

    def check(self, at: float) -> None:
        """`at` is in seconds on a clock that never goes back; raises Refusal."""
        while self._admitted and self._admitted[0] <= at - 1.0:
            self._admitted.popleft()
        if self.limit is not None and len(self._admitted) >= self.limit:
            raise Refusal("FlowLimitExceeded", "Request was rejected because the request speed is over the limit.")
        self._admitted.append(at)


def _is_near(x_date: str, now: datetime) -> bool:
    try:
        sent = datetime.strptime(x_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(now - sent) <= _DATE_MAY_DIFFER_BY
