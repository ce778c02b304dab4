"""Every setting, its default and its meaning."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from bot.app.config import validators as forms
from bot.app.config.toml_file import ConfigFile

# The vendor's page of GetRecordTask: "QPS must not exceed 60".
VENDOR_QPS = 60

CONFIG_FILE = "rectask.toml"

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

    config: str | None = Field(None, alias="RECTASK_CONFIG", examples=[CONFIG_FILE])
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
