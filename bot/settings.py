"""Every setting, its default and its meaning; the only reader of the environment and of the `.env` file."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bot import setting_forms as forms
from bot.config_file import ConfigFile, ConfigFileWrong, read_config_file
from bot.env_file import EnvFileWrong, exposed, not_found, read_env_file
from bot.runtime.proxy import unusable_proxies
from bot.storage.url import check_url

# The vendor's page of GetRecordTask: "QPS must not exceed 60".
VENDOR_QPS = 60
# The endpoints that the vendor documents, each with the one region that it serves.
_REGION_OF_HOST = {
    "rtc.volcengineapi.com": "cn-north-1",
    "open-ap-singapore-1.volcengineapi.com": "ap-singapore-1",
}

_NEWER_KEYS = {"VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"}
_CONFIG_FILE = "rectask.toml"

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]


class SettingsError(Exception):
    """Settings are missing, malformed or contradict one another; `lines` has one for each, with an example."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


Key = Annotated[SecretStr, AfterValidator(forms.key)]


class Settings(BaseModel):
    """The settings of this deployment. Secrets are SecretStr, so that no print of it shows them.

    An example is what a person is shown when a setting is missing or wrong, so each setting has one.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True)

    older_access_key: Key | None = Field(None, alias="VOLC_ACCESSKEY", examples=["AKLT…"])
    older_secret_key: Key | None = Field(None, alias="VOLC_SECRETKEY", examples=["TVdN…=="])
    newer_access_key: Key | None = Field(None, alias="VOLCENGINE_ACCESS_KEY", examples=["AKLT…"])
    newer_secret_key: Key | None = Field(None, alias="VOLCENGINE_SECRET_KEY", examples=["TVdN…=="])
    session_token: Key | None = Field(None, alias="VOLCENGINE_SESSION_TOKEN", examples=["STSe…"])

    app_id: Annotated[str, AfterValidator(forms.app_id)] | None = Field(
        None, alias="RECTASK_APP_ID", examples=["661e0000000000000000543c"]
    )
    named_apps: (
        Annotated[tuple[tuple[str, str], ...], BeforeValidator(forms.apps), AfterValidator(forms.distinct)] | None
    ) = Field(None, alias="RECTASK_APPS", examples=["prod=661e0000000000000000543c,staging=661f0000000000000000543c"])

    rtc_endpoint: Annotated[str, AfterValidator(forms.endpoint)] = Field(
        "https://rtc.volcengineapi.com", alias="RECTASK_RTC_ENDPOINT", examples=["https://rtc.volcengineapi.com"]
    )
    rtc_region: Annotated[str, AfterValidator(forms.region)] = Field(
        "cn-north-1", alias="RECTASK_RTC_REGION", examples=["cn-north-1"]
    )
    qps: int = Field(VENDOR_QPS, alias="RECTASK_QPS", ge=1, le=VENDOR_QPS, examples=["60"])

    slack_bot_token: Annotated[Key, AfterValidator(forms.bot_token)] | None = Field(
        None, alias="SLACK_BOT_TOKEN", examples=["xoxb-…"]
    )
    slack_app_token: Annotated[Key, AfterValidator(forms.app_token)] | None = Field(
        None, alias="SLACK_APP_TOKEN", examples=["xapp-…"]
    )
    slack_signing_secret: Key | None = Field(None, alias="SLACK_SIGNING_SECRET", examples=["8f742231b10e…"])
    slack_api_url: Annotated[str, AfterValidator(forms.slack_api_url)] = Field(
        "https://slack.com/api/", alias="SLACK_API_URL", examples=["https://slack.com/api/"]
    )
    # Its form is looked at where it is needed: the terminal's look-up has no use for a store.
    database_url: SecretStr = Field(
        SecretStr("sqlite:///rectask.db"), alias="RECTASK_DATABASE_URL", examples=["sqlite:///rectask.db"]
    )
    redis_url: Annotated[SecretStr, AfterValidator(forms.redis_url)] | None = Field(
        None, alias="RECTASK_REDIS_URL", examples=["redis://:password@redis.internal:6379/0"]
    )
    redis_prefix: Annotated[str, AfterValidator(forms.redis_prefix)] = Field(
        "rectask:", alias="RECTASK_REDIS_PREFIX", examples=["rectask:"]
    )
    replicas: int = Field(1, alias="RECTASK_REPLICAS", ge=1, le=50, examples=["2"])
    watch_interval: int = Field(30, alias="RECTASK_WATCH_INTERVAL", ge=5, le=3600, examples=["30"])
    retention_days: int = Field(30, alias="RECTASK_RETENTION_DAYS", ge=4, le=3650, examples=["30"])
    lookups_per_minute: int = Field(30, alias="RECTASK_LOOKUPS_PER_MINUTE", ge=1, le=3600, examples=["30"])
    subscriptions_per_person: int = Field(90, alias="RECTASK_SUBSCRIPTIONS_PER_PERSON", ge=1, le=1000, examples=["90"])
    audit: Annotated[str, AfterValidator(forms.audit)] = Field("stdout", alias="RECTASK_AUDIT", examples=["stdout"])
    audit_retention_days: int = Field(180, alias="RECTASK_AUDIT_RETENTION_DAYS", ge=1, le=3650, examples=["180"])
    host: Annotated[str, AfterValidator(forms.host)] = Field(
        forms.ANY_HOST, alias="RECTASK_HOST", examples=["127.0.0.1"]
    )
    port: int = Field(3000, alias="RECTASK_PORT", ge=0, le=65_535, examples=["3000"])

    config: str | None = Field(None, alias="RECTASK_CONFIG", examples=[_CONFIG_FILE])
    # What the configuration file says; it has no name in the environment.
    file: ConfigFile = ConfigFile()

    log_level: LogLevel | None = Field(None, alias="RECTASK_LOG_LEVEL", examples=["info"])
    log_format: LogFormat | None = Field(None, alias="RECTASK_LOG_FORMAT", examples=["json"])
    # Not ours: where httpx looks for the roots of trust.
    ssl_cert_file: Annotated[str, AfterValidator(forms.certificates)] | None = Field(
        None, alias="SSL_CERT_FILE", examples=["/etc/ssl/certs/ca-certificates.crt"]
    )
    # Not ours: any value asks every program for output without colours (no-color.org).
    no_color: str | None = Field(None, alias="NO_COLOR", examples=["1"])

    @property
    def access_key(self) -> SecretStr | None:
        """Of the newer family where its access key is set, else of the older; the two are never mixed."""
        return self.newer_access_key or self.older_access_key

    @property
    def secret_key(self) -> SecretStr | None:
        return self.newer_secret_key if self.newer_access_key else self.older_secret_key

    @property
    def key_names(self) -> str:
        """The names of the settings that the keys in use come from."""
        if self.newer_access_key:
            return "VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY"
        return "VOLC_ACCESSKEY and VOLC_SECRETKEY"

    @property
    def apps(self) -> tuple[tuple[str, str], ...]:
        """Pairs of name and AppId; the first is the default."""
        if self.named_apps is not None:
            return self.named_apps
        return (("default", self.app_id),) if self.app_id is not None else ()

    @property
    def secrets(self) -> frozenset[str]:
        """Every value that must never be seen anywhere."""
        values = [*(getattr(self, name) for name in type(self).model_fields), *self.file.store_keys.values()]
        return frozenset(value.get_secret_value() for value in values if isinstance(value, SecretStr))


NAMES = frozenset(field.alias for field in Settings.model_fields.values() if field.alias is not None)


def load_settings(
    *,
    environ: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    for_slack: bool = False,
    for_store: bool = False,
) -> Settings:
    """The settings of the environment, and of the file (`.env` where there is one) for those that are not in it.

    The configuration file that RECTASK_CONFIG names is read too, or else `rectask.toml` beside the `.env` file, where
    there is one. `for_store` asks for a store that can be there and for nothing else, not even RTC's keys; `for_slack`
    for a store and for the settings of Slack besides.
    Raises SettingsError with a line for each setting that is missing, malformed or contradicts another.
    """
    environ = os.environ if environ is None else environ
    env_file = Path(".env") if env_file is None else env_file
    try:
        in_file = read_env_file(env_file)
    except EnvFileWrong as failure:
        raise SettingsError(failure.lines) from failure
    given = _given(environ, in_file)
    lines = [
        *exposed(env_file, in_file),
        *(() if for_store else not_found(env_file, given)),
        *_malformed(given),
        *(() if for_store else [*_missing(given, for_slack=for_slack), *_contradictions(given)]),
        *(_wrong_store(given) if for_store or for_slack else ()),
        *_unusable_proxies(given, environ, for_slack=for_slack),
    ]
    variables = _bare(in_file) | _bare(environ)
    try:
        file = ConfigFile() if for_store else _config_file(given, beside=env_file, variables=variables)
    except ConfigFileWrong as failure:
        raise SettingsError([*lines, *failure.lines]) from failure
    if lines:
        raise SettingsError(lines)
    return Settings.model_validate({**given, "file": file})


def _config_file(given: Mapping[str, str], *, beside: Path, variables: Mapping[str, str]) -> ConfigFile:
    named = given.get("RECTASK_CONFIG")
    path = beside.parent / _CONFIG_FILE if named is None else Path(named)
    if named is None and not path.exists():
        return ConfigFile()
    return read_config_file(path, apps=_app_names(given), variables=variables)


def _app_names(given: Mapping[str, str]) -> list[str] | None:
    """The names of the apps; None where what is given of them is malformed, which has a line of its own."""
    of_apps = {name: value for name, value in given.items() if name in {"RECTASK_APP_ID", "RECTASK_APPS"}}
    try:
        return [name for name, _ in Settings.model_validate(of_apps).apps] or None
    except ValidationError:
        return None


def _given(environ: Mapping[str, str], in_file: Mapping[str, str]) -> dict[str, str]:
    """What is set, and not to nothing; the environment wins over the file, in the choice of the keys too."""
    here, there = (
        {name: value for name, value in _bare(source).items() if name in NAMES} for source in (environ, in_file)
    )
    if "VOLC_ACCESSKEY" in here and "VOLCENGINE_ACCESS_KEY" not in here:
        there = {name: value for name, value in there.items() if name not in _NEWER_KEYS}
    return there | here


def _bare(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: bare for name, value in variables.items() if (bare := forms.bare(value))}


def _malformed(given: Mapping[str, str]) -> Iterator[str]:
    half_quoted = [name for name, value in given.items() if name != "NO_COLOR" and forms.is_half_quoted(value)]
    for name in half_quoted:
        yield _line(name, "is wrong: there is a quotation mark at one end of it only")
    try:
        Settings.model_validate({name: value for name, value in given.items() if name not in half_quoted})
    except ValidationError as failure:
        yield from (_line(str(error["loc"][0]), _in_words(error)) for error in failure.errors())


def _unusable_proxies(given: Mapping[str, str], environ: Mapping[str, str], *, for_slack: bool) -> Iterator[str]:
    defaults = Settings.model_validate({})
    rtc = given.get("RECTASK_RTC_ENDPOINT", defaults.rtc_endpoint)
    slack = given.get("SLACK_API_URL", defaults.slack_api_url) if for_slack or "SLACK_BOT_TOKEN" in given else None
    for name, problem, example in unusable_proxies(environ, rtc=rtc, slack=slack):
        yield f"{name} {problem}. Example: {name}={example}"


def _missing(given: Mapping[str, str], *, for_slack: bool) -> Iterator[str]:
    newer = "VOLCENGINE_ACCESS_KEY" in given
    access, secret = (
        ("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY") if newer else ("VOLC_ACCESSKEY", "VOLC_SECRETKEY")
    )
    if access not in given:
        yield _line(access, "is missing (or VOLCENGINE_ACCESS_KEY, with VOLCENGINE_SECRET_KEY)")
    if secret not in given:
        yield _line(secret, f"is missing; it goes with {access}")
    if "RECTASK_APP_ID" not in given and "RECTASK_APPS" not in given:
        yield _line("RECTASK_APP_ID", "is missing (or RECTASK_APPS, for several apps)")
    if for_slack and "SLACK_BOT_TOKEN" not in given:
        yield _line("SLACK_BOT_TOKEN", "is missing")
    if for_slack and "SLACK_APP_TOKEN" not in given and "SLACK_SIGNING_SECRET" not in given:
        yield _line("SLACK_APP_TOKEN", "is missing (or SLACK_SIGNING_SECRET, to be reached over HTTP)")


def _wrong_store(given: Mapping[str, str]) -> Iterator[str]:
    url = given.get("RECTASK_DATABASE_URL") or Settings.model_validate({}).database_url.get_secret_value()
    try:
        check_url(url)
    except ValueError as flaw:
        yield _line("RECTASK_DATABASE_URL", f"is wrong: {flaw}")


def _contradictions(given: Mapping[str, str]) -> Iterator[str]:
    if "RECTASK_APP_ID" in given and "RECTASK_APPS" in given:
        yield _line("RECTASK_APPS", "is set beside RECTASK_APP_ID; keep one of the two")
    defaults = Settings.model_validate({})
    host = _host_of(given.get("RECTASK_RTC_ENDPOINT", defaults.rtc_endpoint))
    region = given.get("RECTASK_RTC_REGION", defaults.rtc_region)
    served = _REGION_OF_HOST.get(host, region)
    if served != region and forms.REGION.fullmatch(region):
        yield _line("RECTASK_RTC_REGION", f"is {region}, yet {host} serves {served}", example=served)


def _host_of(endpoint: str) -> str:
    try:
        return urlsplit(endpoint).hostname or ""
    except ValueError:  # it is malformed, which has a line of its own
        return ""


def _in_words(error: ErrorDetails) -> str:
    """The message of pydantic without its own prefix; it never holds the value, which may be a secret."""
    return "is wrong: " + error["msg"].removeprefix("Value error, ").removeprefix("Input ").rstrip(".")


def _line(name: str, what: str, *, example: str | None = None) -> str:
    return f"{name} {what}. Example: {name}={example or _example_of(name)}"


def _example_of(name: str) -> str:
    fields = Settings.model_fields.values()
    return next(str(field.examples[0]) for field in fields if field.alias == name and field.examples)
