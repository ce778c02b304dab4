"""Signed addresses as TOS and S3 check them, by a computation of the stand-in's own."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes

from aiohttp import web

from bot.playground.volcengine.gateway import Account

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_LONGEST = timedelta(days=7)
_MAY_BE_EARLY_BY = timedelta(minutes=15)


class StoreRefusal(Exception):
    """The store answers with an error. The real ones quote what was sent; `quoted` does too."""

    def __init__(self, status_code: int, code: str, message: str, **quoted: str) -> None:
        super().__init__(code)
        self.status_code = status_code
        self.code = code
        self.message = message
        self.quoted = quoted


@dataclass(frozen=True, slots=True)
class Language:
    """The names of one of the two ways of signing."""

    prefix: str
    algorithm: str
    service: str
    last_step: str
    secret_prefix: bytes


TOS = Language("X-Tos-", "TOS4-HMAC-SHA256", "tos", "request", b"")
S3 = Language("X-Amz-", "AWS4-HMAC-SHA256", "s3", "aws4_request", b"AWS4")


def language_of(target: str) -> Language | None:
    """By the names in the query of this request target; None where it is not signed."""
    names = [pair.partition("=")[0] for pair in target.partition("?")[2].split("&")]
    return next((lang for lang in (TOS, S3) if any(name.startswith(lang.prefix) for name in names)), None)


@dataclass(frozen=True, slots=True)
class AddressCheck:
    """Verifies signed addresses for one account and region."""

    account: Account
    region: str
    clock: Callable[[], datetime]

    def check(self, request: web.BaseRequest, language: Language) -> None:
        """Raises StoreRefusal."""
        pairs = decoded_pairs(request.raw_path)
        signed = _parameters(pairs, language)
        self._check_key(signed, language)
        self._check_time(signed)
        expected = self._signature(request, pairs, signed, language)
        if not hmac.compare_digest(expected, signed["Signature"]):
            raise StoreRefusal(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
                AWSAccessKeyId=self.account.access_key,
                SignatureProvided=signed["Signature"],
            )

    def _check_key(self, signed: Mapping[str, str], language: Language) -> None:
        key, *scope = signed["Credential"].split("/")
        if key != self.account.access_key:
            raise StoreRefusal(
                403, "InvalidAccessKeyId", "The access key you provided does not exist.", AWSAccessKeyId=key
            )
        if scope != [signed["Date"][:8], self.region, language.service, language.last_step]:
            raise StoreRefusal(400, "AuthorizationQueryParametersError", f"The scope must be of {self.region}.")
        if signed.get("Security-Token") != self.account.session_token:
            raise StoreRefusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")

    def _check_time(self, signed: Mapping[str, str]) -> None:
        try:
            begins = datetime.strptime(signed["Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            lasts = timedelta(seconds=int(signed["Expires"]))
        except ValueError:
            raise StoreRefusal(400, "AuthorizationQueryParametersError", "Date or Expires is malformed.") from None
        if not timedelta() < lasts <= _LONGEST:
            raise StoreRefusal(400, "AuthorizationQueryParametersError", "Expires must be at most 604800 seconds.")
        if self.clock() > begins + lasts:
            raise StoreRefusal(403, "AccessDenied", "Request has expired.")
        if self.clock() < begins - _MAY_BE_EARLY_BY:
            raise StoreRefusal(403, "AccessDenied", "Request is not valid yet.")

    def _signature(
        self,
        request: web.BaseRequest,
        pairs: list[tuple[bytes, bytes]],
        signed: Mapping[str, str],
        language: Language,
    ) -> str:
        names = signed["SignedHeaders"].split(";")
        if "host" not in names or any(name not in request.headers for name in names):
            raise StoreRefusal(400, "AuthorizationQueryParametersError", "SignedHeaders must have host.")
        left_out = f"{language.prefix}Signature".encode()
        query = "&".join(sorted(f"{_escaped(n)}={_escaped(v)}" for n, v in pairs if n != left_out))
        path = _escaped(unquote_to_bytes(request.raw_path.partition("?")[0]), more=b"/")
        lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
        canonical = f"{request.method}\n{path}\n{query}\n{lines}\n{';'.join(names)}\nUNSIGNED-PAYLOAD"
        scope = signed["Credential"].partition("/")[2]
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = language.secret_prefix + self.account.secret_key.encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        to_sign = f"{language.algorithm}\n{signed['Date']}\n{scope}\n{digest}"
        return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def decoded_pairs(target: str) -> list[tuple[bytes, bytes]]:
    """The query of a request target; a "+" in it is a plus."""
    halves = (pair.partition("=") for pair in target.partition("?")[2].split("&") if pair)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in halves]


def _parameters(pairs: list[tuple[bytes, bytes]], language: Language) -> dict[str, str]:
    """Those of the signature, without their prefix; each must be there, and once."""
    prefix = language.prefix.encode()
    found = [(name.removeprefix(prefix).decode(), value.decode()) for name, value in pairs if name.startswith(prefix)]
    signed = dict(found)
    wanted = {"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"}
    if len(found) != len(signed) or not wanted <= set(signed) or signed["Algorithm"] != language.algorithm:
        raise StoreRefusal(400, "AuthorizationQueryParametersError", "A parameter of the signature is wrong.")
    return signed


def _escaped(raw: bytes, *, more: bytes = b"") -> str:
    return "".join(chr(byte) if byte in _UNRESERVED or byte in more else f"%{byte:02X}" for byte in raw)
