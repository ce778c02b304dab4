"""Why a secure connection was refused: by a real handshake where one can be made, else by OpenSSL's own numbers."""

import ssl
from pathlib import Path

import pytest

from bot.runtime.certificates import reason_and_advice

FOLDER = Path(__file__).parents[1] / "certificates"


def handshake(client: ssl.SSLContext, *, name: str = "localhost") -> None:
    """Both ends in this process. Raises what the client's end raises."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(FOLDER / "localhost.pem", FOLDER / "localhost.key")
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(here, there, server_hostname=name), server.wrap_bio(there, here, server_side=True))
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue


def client_context(*, trusting: bool) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(FOLDER / "localhost.pem") if trusting else None)


@pytest.mark.parametrize(
    ("context", "name", "advice"),
    [
        (client_context(trusting=False), "localhost", "SSL_CERT_FILE"),
        (client_context(trusting=True), "rtc.invalid", "for another host"),
    ],
)
def test_a_certificate_that_does_not_fit(context: ssl.SSLContext, name: str, advice: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as failed:
        handshake(context, name=name)
    reason, said = reason_and_advice(failed.value)
    assert reason == failed.value.verify_message.rstrip(".")
    assert advice in said


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        (10, "certificate has expired", "clock"),
        (9, "certificate is not yet valid", "clock"),
        (20, "unable to get local issuer certificate", "SSL_CERT_FILE"),
        (85, "Missing Authority Key Identifier", "Python 3.13"),
        (89, "Basic Constraints of CA cert not marked critical", "Python 3.13"),
        (92, "CA cert does not include key usage extension", "Python 3.13"),
        (23, "certificate revoked", "SSL_CERT_FILE"),
    ],
)
def test_openssls_reason_is_told(code: int, message: str, advice: str) -> None:
    failure = ssl.SSLCertVerificationError(1, "certificate verify failed")
    failure.verify_code, failure.verify_message = code, message
    wrapped = ConnectionError("no connection")
    wrapped.__cause__ = failure
    reason, said = reason_and_advice(wrapped)
    assert reason == message
    assert advice in said


def test_a_server_without_tls() -> None:
    failure = ssl.SSLError(1, "[SSL: RECORD_LAYER_FAILURE] record layer failure")
    assert reason_and_advice(failure)[1].startswith("Check that the address speaks TLS")
