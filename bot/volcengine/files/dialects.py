"""TOS and S3: how each signs an address for a download, and where its objects are."""

from typing import Literal

from bot.volcengine.files.presigning import Dialect, ObjectAddress, escape_key

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


S3 = Dialect(
    prefix="X-Amz-",
    algorithm="AWS4-HMAC-SHA256",
    service="s3",
    scope_ends="aws4_request",
    key_prefix="AWS4",
    is_token_last=True,
)


Style = Literal["path", "host"]


def s3_address(key: str, *, bucket: str, endpoint: str, style: Style) -> ObjectAddress:
    """With the bucket in the path or in the host; `endpoint` is such as https://s3.eu-central-1.amazonaws.com."""
    if style == "path":
        return ObjectAddress(endpoint, f"/{bucket}/{escape_key(key)}")
    scheme, _, host = endpoint.partition("://")
    return ObjectAddress(f"{scheme}://{bucket}.{host}", "/" + escape_key(key))
