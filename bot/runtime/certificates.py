"""Why a secure connection was refused, in OpenSSL's words, and what to do about each reason."""

import ssl

# X509_V_ERR_… of OpenSSL's x509_vfy.h, as ssl.SSLCertVerificationError.verify_code gives them.
_UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})
_OUT_OF_DATE = frozenset({9, 10})
_OTHER_HOST = frozenset({62, 64})
# Python 3.13 checks strictly (VERIFY_X509_STRICT), which certificate authorities made by hand often do not pass.
_STRICT = range(76, 96)

_RENEW_ROOT = (
    "The root certificate is of an older form, which Python 3.13 and newer refuse. Ask for a new one, or run Rectask "
    "with Python 3.12."
)
_ADVICE = (
    (_UNKNOWN_ISSUER, "If a proxy inspects traffic, add its root certificate to the file that SSL_CERT_FILE names."),
    (_OUT_OF_DATE, "Check this machine's clock; if it is right, the certificate has to be renewed."),
    (_OTHER_HOST, "The certificate is for another host: check the address and any proxy on the way."),
    (_STRICT, _RENEW_ROOT),
)
_OTHERWISE = "Check that the address speaks TLS, and whether SSL_CERT_FILE has to name a proxy's root certificate."


def reason_and_advice(failure: BaseException) -> tuple[str, str]:
    """Of the first TLS failure in the chain of causes: a clause without a full stop, and a sentence."""
    found = _tls_failure(failure)
    if isinstance(found, ssl.SSLCertVerificationError):
        code = found.verify_code
        return found.verify_message.rstrip("."), next((said for codes, said in _ADVICE if code in codes), _OTHERWISE)
    reason = getattr(found, "reason", None)
    return (str(reason).replace("_", " ").lower() if reason else "TLS failed"), _OTHERWISE


def _tls_failure(failure: BaseException | None) -> BaseException | None:
    while failure is not None:
        for candidate in (failure, getattr(failure, "certificate_error", None), getattr(failure, "os_error", None)):
            if isinstance(candidate, ssl.SSLError):
                return candidate
        failure = failure.__cause__ or failure.__context__
    return None
