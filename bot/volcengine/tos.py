"""TOS, the vendor's object store: the dialect of its signed addresses, and where its objects lie."""

from bot.volcengine.presigning import Dialect, ObjectAddress, escape_key

TOS = Dialect(
    prefix="X-Tos-",
    algorithm="TOS4-HMAC-SHA256",
    service="tos",
    scope_ends="request",
    key_prefix="",
    is_token_last=False,
)


def tos_address(key: str, *, bucket: str, endpoint: str) -> ObjectAddress:
    """At the bucket's own host; `endpoint` is the region's, such as https://tos-cn-beijing.volces.com."""
    scheme, _, host = endpoint.partition("://")
    return ObjectAddress(f"{scheme}://{bucket}.{host}", "/" + escape_key(key))


def domain_address(key: str, *, domain: str) -> ObjectAddress:
    """At a custom domain of the bucket, such as https://media.example.com."""
    return ObjectAddress(domain, "/" + escape_key(key))
