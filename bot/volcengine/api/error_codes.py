"""Every error code of Volcengine's gateway and of RTC that is known, with what it means and what to do about it.

Source: the vendor's lists of common and RTC error codes, read November 2026. A new code is added here only. The texts may
name {credentials_source} (the settings the key came from), {endpoint}, {app}, {clock} (how far off the clock is), {status} (of HTTP),
and what ApiService has of the service that was asked.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What follows from an error: whether the same question may be asked again, and what its answer means."""

    PASSING = "asking again may help"
    TOO_MANY = "asking again later may help, and everybody slows down"
    REFUSED = "asking again will not help"
    NOT_FOUND = "there is no such task"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row: the code's names (older ones too), the gateway's number for it, its kind and its words.

    `reason` is shown to everybody, so it names no host and no setting. `meaning` and `advice` are for the person who runs
    Rectask, or for the asker if the error is the asker's own slip (`is_askers`).
    """

    names: tuple[str, ...]
    number: int | None
    kind: Kind
    reason: str
    meaning: str
    advice: str
    is_askers: bool = False


_WAIT = "Try again in a minute; if it stays, look at Volcengine's status page."
_REPORT = "This should not happen: please report it, with the request id."
_CHECK_KEY = "Check {credentials_source}: the key must exist, be enabled and belong to the account that owns {owner}."
_CHECK_SECRET = "Check the secret key among {credentials_source}: it must be copied whole, is used as it is (never decoded), and belongs to this access key."
_GRANT = "Have the account's administrator give the user of this key ({credentials_source}) an IAM policy that allows {action} of {name}"

ERROR_CODES = (
    ErrorCode(("UndefinedError",), 100001, Kind.PASSING, "Volcengine's gateway failed", "Volcengine's gateway failed.", _WAIT),
    ErrorCode(("MissingParameter",), 100002, Kind.REFUSED, "Volcengine rejected the request", "A parameter is missing in the request.", _REPORT),
    ErrorCode(("MissingAuthenticationToken",), 100003, Kind.REFUSED, "The request reached Volcengine unsigned", "The request reached Volcengine without its signature.", "A proxy on the way may have removed the Authorization header: reach {endpoint} without it."),
    ErrorCode(("MissingRequestInfo",), 100004, Kind.REFUSED, "Volcengine rejected the request", "Part of the request is missing.", _REPORT),
    ErrorCode(("MissingSignature",), 100005, Kind.REFUSED, "The request reached Volcengine unsigned", "The request reached Volcengine without its signature.", "A proxy on the way may have removed the Authorization header: reach {endpoint} without it."),
    ErrorCode(("InvalidTimestamp",), 100006, Kind.REFUSED, "Volcengine rejected the request's timestamp", "{clock}; Volcengine takes requests that are at most 900 s off.", "Set this machine's clock (let NTP keep it), then ask again."),
    ErrorCode(("ServiceNotFound",), 100007, Kind.REFUSED, "{name} isn't at the configured address", "There is no {name} service at {endpoint}.", "Check {endpoint_setting} and {region_setting}."),
    ErrorCode(("InvalidActionOrVersion",), 100008, Kind.REFUSED, "Volcengine doesn't know this request", "{endpoint} does not know {action} {version}.", "Check {endpoint_setting} and {region_setting}."),
    ErrorCode(("InvalidAccessKey", "InvalidClientTokenId"), 100009, Kind.REFUSED, "Volcengine rejected the access key", "The access key is wrong or disabled.", _CHECK_KEY),
    ErrorCode(("SignatureDoesNotMatch",), 100010, Kind.REFUSED, "Volcengine rejected the secret key", "The secret key does not belong to the access key.", _CHECK_SECRET),
    ErrorCode(("ServiceShouldCallSelfApi",), 100011, Kind.REFUSED, "Volcengine rejected the access key", "This key belongs to a service of Volcengine's own.", _CHECK_KEY),
    ErrorCode(("LackPolicy",), 100012, Kind.REFUSED, "Rectask's key lacks a permission", "The user of this key lacks an IAM policy.", _GRANT + "."),
    ErrorCode(("LackProjectPolicy",), 100012, Kind.REFUSED, "Rectask's key lacks a permission", "The user of this key lacks an IAM policy in the project of {owner}.", _GRANT + ", in the project that {owned} belongs to."),
    ErrorCode(("AccessDenied",), 100013, Kind.REFUSED, "Rectask's key lacks a permission", "The user of this key may not do this.", _GRANT + ", and check that {owned} belongs to the same account."),
    ErrorCode(("InternalError",), 100014, Kind.PASSING, "{name} failed", "{name} failed.", _WAIT),
    ErrorCode(("FailToConnect",), 100015, Kind.PASSING, "Volcengine can't reach {name}", "Volcengine's gateway could not reach {name}.", _WAIT),
    ErrorCode(("InternalServiceTimeout",), 100016, Kind.PASSING, "{name} took too long", "{name} took too long to answer its gateway.", _WAIT),
    ErrorCode(("FlowLimitExceeded", "AccountFlowLimitExceeded", "RequestLimitExceeded"), 100018, Kind.TOO_MANY, "Volcengine is rate-limiting requests", "More requests were sent than Volcengine allows ({limit}, perhaps over the whole account).", "Try again in some seconds. If it stays, find out what else uses this account{or_slower}."),
    ErrorCode(("ServiceUnavailableTemp", "InternalServiceError"), None, Kind.PASSING, "{name} is temporarily unavailable", "{name} is not available for the moment.", _WAIT),
    ErrorCode(("InvalidAuthorization", "InvalidCredential"), None, Kind.REFUSED, "Volcengine rejected the access key", "Volcengine cannot read the signature's credential.", _CHECK_KEY + " Check {region_setting} too."),
    ErrorCode(("InvalidSecretToken",), None, Kind.REFUSED, "Volcengine rejected the session token", "The session token is wrong or has expired.", "Renew the temporary credentials: key, secret key and VOLCENGINE_SESSION_TOKEN always change together."),
    # RTC's own codes have the form Family.Detail; a family without a row of its own here is decided by the gateway's row above.
    ErrorCode(("InvalidParameter",), None, Kind.REFUSED, "{name} rejected one of the ids", "{name} does not accept one of the ids.", "{check_ids}", is_askers=True),
    ErrorCode(("InvalidParameter.ErrorActiveTaskNotFound",), None, Kind.NOT_FOUND, "", "", ""),
    ErrorCode(("InvalidParameter.IllegalRoomID",), None, Kind.REFUSED, "RTC rejected the room id", "RTC does not accept the room id.", "Check the room id against what the recording was started with.", is_askers=True),
    ErrorCode(("InvalidParameter.NotExistAppId", "InvalidParameter.IllegalAppId"), None, Kind.REFUSED, "RTC doesn't know the app {app}", "RTC knows no app with the AppId of {app}.", "Check RECTASK_APP_ID or RECTASK_APPS against the list of apps in the RTC console; the key must be of the same account."),
    ErrorCode(("AccessDenied.RecordNotEnabled",), None, Kind.REFUSED, "Cloud recording is off for the app {app}", "Cloud recording is not switched on for the RTC app {app}.", "Switch cloud recording on for this app in the RTC console."),
    ErrorCode(("AccessDenied.NoPermissionForApp",), None, Kind.REFUSED, "Rectask's key lacks a permission", "The user of this key may not use the RTC app {app}.", _GRANT + " for this app, or use a key of the account that owns it."),
    ErrorCode(("AccessDenied.ServiceNotEnabled",), None, Kind.REFUSED, "RTC is off for this account", "RTC is not switched on for this account.", "Switch the service on in the RTC console, or use a key of the account that owns the app."),
)  # fmt: skip

_BY_NAME = {name: row for row in ERROR_CODES for name in row.names}
_BY_NUMBER = {row.number: row for row in reversed(ERROR_CODES) if row.number is not None}

# Load balancers and proxies answer with pages that carry no code. These statuses, and no other, are worth another attempt.
_BY_HTTP_STATUS = {
    401: ErrorCode((), None, Kind.REFUSED, "Volcengine rejected the credentials", "The credentials were not accepted.", _CHECK_KEY),
    403: ErrorCode((), None, Kind.REFUSED, "Access to {name} was denied", "Access was denied on the way to {name} or by it.", _GRANT + "; a proxy or firewall can refuse too."),
    404: ErrorCode((), None, Kind.REFUSED, "{name} isn't at the configured address", "There is no {name} service at {endpoint}.", "Check {endpoint_setting}."),
    429: ErrorCode((), None, Kind.TOO_MANY, "Volcengine is rate-limiting requests", "More requests were sent than Volcengine allows.", _BY_NAME["FlowLimitExceeded"].advice),
    **{status: ErrorCode((), None, Kind.PASSING, "Volcengine answered HTTP {status}", "Volcengine's gateway is in trouble.", _WAIT) for status in (500, 502, 503, 504)},
}  # fmt: skip
_UNKNOWN_CODE = ErrorCode((), None, Kind.REFUSED, "Volcengine answered with an unknown error", "This code is not in what was read of the vendor's documentation in November 2026.", "Look it up in the vendor's list of error codes, and give the request id to Volcengine's support.")  # fmt: skip
_UNKNOWN_STATUS = ErrorCode((), None, Kind.REFUSED, "This is not how {name} answers", "This is not how {name} answers.", "Check {endpoint_setting}, and what stands between this machine and {endpoint}.")  # fmt: skip


def explain(*, code: str | None, number: int | None, status_code: int) -> ErrorCode:
    """The row for an error: by its whole code, else its family, else the gateway's number, else the HTTP status."""
    family = (code or "").partition(".")[0]
    by_code = _BY_NAME.get(code or "") or _BY_NAME.get(family) or _BY_NUMBER.get(number or 0)
    return by_code or _BY_HTTP_STATUS.get(status_code) or (_UNKNOWN_CODE if code or number else _UNKNOWN_STATUS)


# What `known_name` may say.
KNOWN_NAMES = (*_BY_NAME, *map(str, _BY_HTTP_STATUS))


def known_name(*, code: str | None, number: int | None, status_code: int) -> str | None:
    """The error by the name in the row that explains it, the HTTP status where there is no code; None if unknown."""
    whole = code or ""
    family = whole.partition(".")[0]
    if (named := next((name for name in (whole, family) if name in _BY_NAME), None)) is not None:
        return named
    if (row := _BY_NUMBER.get(number or 0)) is not None:
        return row.names[0]
    return str(status_code) if status_code in _BY_HTTP_STATUS else None


def concerns_the_question(code: str | None) -> bool:
    """Whether a service that answers with this code has accepted key and signature, and minds what it was asked for.

    So do codes of a service's own that are not known here.
    """
    if code is None:
        return False
    row = explain(code=code, number=int(code) if code.isdecimal() else None, status_code=0)
    return row is _UNKNOWN_CODE or row.kind is Kind.NOT_FOUND or "InvalidParameter" in row.names
