"""Reads the settings from the environment, `.env` and `rectask.toml`, and says everything that is wrong with them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.app.config import validators as forms
from bot.app.config.env_file import EnvFileWrong, exposed, not_found, read_env_file
from bot.app.config.settings import CONFIG_FILE, NAMES, Settings, SettingsError
from bot.app.config.toml_file import ConfigFile, ConfigFileWrong, read_config_file
from bot.runtime.proxy import unusable_proxies
from bot.storage.url import check_url

# The endpoints that the vendor documents, each with the one region that it serves.
_REGION_OF_HOST = {
    "rtc.volcengineapi.com": "cn-north-1",
    "open-ap-singapore-1.volcengineapi.com": "ap-singapore-1",
}


_NEWER_KEYS = {"VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"}


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
    path = beside.parent / CONFIG_FILE if named is None else Path(named)
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
