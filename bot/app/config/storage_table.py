"""Where recordings lie: the form of each kind of [[storage]] in the configuration file."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.app.config import validators as forms

# The longest that S3 allows; for TOS the vendor's pages name 30 days in one place and 7 in others.
LONGEST = timedelta(days=7)
PLACEHOLDERS = ("object_key", "vid", "app", "room", "task")

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
# The forms of keys that would pass for a variable's name: AKLT…, AKIA…, and random letters and digits.
_KEY_LIKE = re.compile(r"(AK|ASIA)[A-Za-z0-9]{14,}|[A-Za-z0-9]{32,}|[A-Za-z0-9/+=]{40}")
_BRACED = re.compile(r"\{([^{}]*)\}")
_TOS_HOST = re.compile(r"tos-([a-z0-9-]+)\.i?volces\.com(:\d+)?")


def _bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value):
        raise ValueError("a bucket's name has 3 to 63 letters, digits and the signs - . _")
    return value


def _origin(value: str) -> str:
    """A host, or an address without a path; https where no scheme is named."""
    parts = urlsplit(forms.endpoint(value if "://" in value else f"https://{value}"))
    is_default = (parts.scheme, parts.port) in {("https", 443), ("http", 80)}
    return f"{parts.scheme}://{parts.netloc.rpartition(':')[0] if is_default else parts.netloc}"


def _prefix(value: str) -> str:
    if not {".", ".."}.isdisjoint(value.split("/")):
        raise ValueError("it has . or .. between slashes, which browsers leave out of an address")
    return value


def _variable(value: str) -> str:
    if _KEY_LIKE.fullmatch(value) or not _VARIABLE.fullmatch(value):
        raise ValueError("the name of an environment variable belongs here, and never the key itself")
    return value


def _template(value: str) -> str:
    found = _BRACED.findall(value)
    if not found or "{" in _BRACED.sub("", value) or "}" in _BRACED.sub("", value):
        raise ValueError(f"it needs a placeholder in braces: {_placeholders()}")
    if unknown := next((place for place, name in enumerate(found, start=1) if name not in PLACEHOLDERS), None):
        raise ValueError(f"its placeholder {unknown} is none that is known: {_placeholders()}")
    host = re.split(r"[/?#]", value.partition("://")[2], maxsplit=1)[0]
    if "{" in host or any(not "!" <= sign <= "~" for sign in value):
        raise ValueError("placeholders stand behind the host, and there are no spaces")
    forms.endpoint(f"{value.partition('://')[0]}://{host}")
    return value


def _placeholders() -> str:
    return ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)


Bucket = Annotated[str, AfterValidator(_bucket)]
Origin = Annotated[str, AfterValidator(_origin)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Region = Annotated[str, AfterValidator(forms.region)]
Variable = Annotated[str, AfterValidator(_variable)]


class _Store(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    app: str | None = Field(None, examples=["prod"])

    @property
    def needs(self) -> frozenset[str]:
        """What a file must have to lie here: object_key, vid, both or neither."""
        raise NotImplementedError

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that are named, by field."""
        named = ((field, getattr(self, field, None)) for field in KEY_FIELDS)
        return {field: name for field, name in named if name is not None}

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Fields that do not go together, each with what is wrong; all are well by themselves."""
        if "secret_key_env" in self.variables and "access_key_env" not in self.variables:
            yield "secret_key_env", "is there without access_key_env"
        if "access_key_env" in self.variables and "secret_key_env" not in self.variables:
            yield "access_key_env", "is there without secret_key_env"
        if set(self.variables) == {"session_token_env"}:
            yield "session_token_env", "is there without access_key_env and secret_key_env"


KEY_FIELDS = ("access_key_env", "secret_key_env", "session_token_env")


class _WithOwnKey(_Store):
    """A key of its own, where it is not the bot's."""

    access_key_env: Variable | None = Field(None, examples=["RECORDINGS_ACCESS_KEY"])
    secret_key_env: Variable | None = Field(None, examples=["RECORDINGS_SECRET_KEY"])
    session_token_env: Variable | None = Field(None, examples=["RECORDINGS_SESSION_TOKEN"])


class _Bucket(_Store):
    bucket: Bucket = Field(examples=["rec-bucket"])
    prefix: Prefix = Field("", examples=["rec/"])
    region: Region = Field(examples=["cn-beijing"])
    expires: int = Field(3600, ge=1, le=int(LONGEST.total_seconds()), examples=["3600"])

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"object_key"})


class TosSettings(_Bucket, _WithOwnKey):
    """A bucket of TOS, read with the bot's own key unless another one is named."""

    kind: Literal["tos"]
    endpoint: Origin | None = Field(None, examples=["tos-cn-beijing.volces.com"])
    domain: Origin | None = Field(None, examples=["media.example.com"])

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from super().contradictions()
        if self.endpoint is None:
            if self.domain is None:
                yield "endpoint", "is missing (or domain, for a bucket with a domain of its own)"
            return
        if self.domain is not None:
            yield "domain", "is there beside endpoint; keep one of the two"
        host = urlsplit(self.endpoint).netloc
        if host.startswith(f"{self.bucket}."):
            yield "endpoint", "has the bucket in it, which is put before it anyway"
        if (known := _TOS_HOST.fullmatch(host)) and known[1] != self.region:
            yield "region", "is another than the one that endpoint serves"


class S3Settings(_Bucket):
    """A bucket of S3, or of a store that speaks its language, with a read key of its own."""

    kind: Literal["s3"]
    endpoint: Origin = Field(examples=["https://s3.eu-central-1.amazonaws.com"])
    style: Literal["path", "host"] = Field("host", examples=["host"])
    access_key_env: Variable = Field(examples=["RECORDINGS_ACCESS_KEY"])
    secret_key_env: Variable = Field(examples=["RECORDINGS_SECRET_KEY"])
    session_token_env: Variable | None = Field(None, examples=["RECORDINGS_SESSION_TOKEN"])


class VodSettings(_WithOwnKey):
    """A space of VOD, asked with the bot's own key unless another one is named."""

    kind: Literal["vod"]
    endpoint: Origin = Field("https://vod.volcengineapi.com", examples=["https://vod.volcengineapi.com"])
    region: Region = Field("cn-north-1", examples=["cn-north-1"])
    prefix: ClassVar[str] = ""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"vid"})


class TemplateSettings(_Store):
    """A pattern of addresses."""

    kind: Literal["template"]
    prefix: Prefix = Field("", examples=["rec/"])
    url: Annotated[str, AfterValidator(_template)] = Field(examples=["https://files.example.com/{object_key}"])

    @property
    def needs(self) -> frozenset[str]:
        used = {"object_key", "vid"} & set(_BRACED.findall(self.url))
        return frozenset(used | {"object_key"} if self.prefix else used)


StoreSettings = TosSettings | S3Settings | VodSettings | TemplateSettings
STORE_KINDS: dict[str, type[StoreSettings]] = {
    "tos": TosSettings,
    "vod": VodSettings,
    "s3": S3Settings,
    "template": TemplateSettings,
}
