"""S3 and the stores that speak its language: the dialect of their signed addresses, and where their objects lie."""

from typing import Literal

from bot.volcengine.presigning import Dialect, ObjectAddress, escape_key

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
