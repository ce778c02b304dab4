"""What a store answers to the signed address of a made-up object: whether it takes the key and the signature."""

import asyncio
import re
from dataclasses import dataclass

import httpx

from bot.runtime.checks import CheckResult
from bot.volcengine.api import transport_errors as failures
from bot.volcengine.api.service import Peer
from bot.volcengine.api.transport import PATIENCE

PROBE_KEY = "rectask-check/no-such-file"
_BODY_READ = 20_000
# S3 answers in XML; TOS in JSON, as its package (tos 2.9.3) reads it.
_CODE = re.compile(rb"""(?:<Code>|"Code"\s*:\s*")([A-Za-z.]{1,64})(?:</Code>|")""")
# Unpacking is not worth it for a few lines.
_HEADERS = {"accept-encoding": "identity", "user-agent": "rectask"}
_STORE = Peer(
    name="The store", endpoint_setting="endpoint or domain of the [[storage]]", consequence="nothing is proven"
)


@dataclass(frozen=True, slots=True)
class _Words:
    """What an answer means and, unless all is well, what to do; {keys} are the settings that the key came from."""

    said: str
    advice: str | None = None
    is_well: bool = False


_REGION = _Words("It serves another region than the one that is signed for.", "Check region and endpoint.")
_SESSION = _Words("The session token is wrong or has expired.", "Renew {keys}: they change together.")
# Codes of AWS's list "Error responses" for S3, read November 2026. For TOS no list was found; codes that it does not
# share are shown as they come.
_BY_CODE = {
    "NoSuchKey": _Words("The key and its signature are accepted.", is_well=True),
    # S3 says so of an object that is not there, too, to a key that may not list the bucket (AWS's page of GetObject).
    "AccessDenied": _Words(
        "The signature is accepted. Whether the key may read is not proven: a made-up file is denied to every key that "
        "may not list the bucket.",
        "Open one link. If that is denied, give the user of this key ({keys}) the right to read objects here "
        "(GetObject); with the right to list (ListBucket) this step can tell.",
        is_well=True,
    ),
    "SignatureDoesNotMatch": _Words(
        "The secret key does not belong to the access key.",
        "Check {keys}: both must be copied whole. If they are right, check region and endpoint.",
    ),
    "InvalidAccessKeyId": _Words("The access key is wrong or disabled.", "Check {keys}."),
    "NoSuchBucket": _Words("There is no such bucket here.", "Check bucket, region and endpoint."),
    "InvalidBucketName": _Words("It takes the bucket's name for none.", "Check bucket, style and endpoint."),
    "InvalidToken": _SESSION,
    "ExpiredToken": _SESSION,
    "RequestTimeTooSkewed": _Words("It finds this machine's clock off.", "Let NTP keep this machine's clock."),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "AuthorizationQueryParametersError": _REGION,
}
_NOT_KNOWN = _Words("It refuses, and what it says of that is not known here.", "Look the code up in its documentation.")
_NOT_A_STORE = _Words("This is not how a store answers.", "Check endpoint or domain, and what stands between.")


async def check_bucket(http: httpx.AsyncClient, url: str, *, step: str, key_names: str) -> CheckResult:
    """What the answer to this address means. The address itself is never told: it is signed."""
    try:
        async with asyncio.timeout(PATIENCE.attempt), http.stream("GET", url, headers=_HEADERS) as response:
            code = await _code_of(response)
    except (TimeoutError, *failures.TRANSPORT_FAILURES) as failure:
        words = failures.of_transport(failure, peer=_STORE, endpoint=url, patience=PATIENCE)
        return CheckResult(step, is_well=False, said=words.happened, advice=words.advice)
    known = _BY_CODE.get(code, _NOT_KNOWN) if code else _NOT_A_STORE
    answered = "" if known.is_well else f" It answered {code or f'HTTP {response.status_code}'}."
    advice = known.advice and known.advice.format(keys=key_names)
    return CheckResult(step, is_well=known.is_well, said=known.said + answered, advice=advice)


async def _code_of(response: httpx.Response) -> str:
    """The error code in a store's answer; empty where it has none."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _BODY_READ:
            break
    found = _CODE.search(body)
    return found[1].decode() if found else ""
