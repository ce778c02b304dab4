"""Settings: what is taken, and the line that each wrong one is answered with."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.config.environment import discard_oauth_variables, export_certificates
from bot.app.config.load import load_settings
from bot.app.config.settings import NAMES, Settings, SettingsError
from testing.factories import NO_FILE, settings_from

APP, OTHER_APP = "661e0000000000000000543c", "661f0000000000000000543c"
ENOUGH = {"VOLC_ACCESSKEY": "AKx", "VOLC_SECRETKEY": "SKx==", "RECTASK_APP_ID": APP}


def lines_for(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        settings_from(environ)
    return refused.value.lines


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ENOUGH.items() if name not in names}


def lines_for_serve(url: str) -> list[str]:
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    with pytest.raises(SettingsError) as refused:
        load_settings(environ=ENOUGH | slack | {"RECTASK_DATABASE_URL": url}, env_file=NO_FILE, for_slack=True)
    return refused.value.lines


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("rectask.db", "it is not a connection URL"),
        ("mysql://u:hidden@host/db", "mysql is no kind of database"),
        ("sqlite://", "a database in memory is lost"),
        ("sqlite:////nonexistent/rectask.db", "the folder /nonexistent does not exist"),
        ("postgresql://u:hid@den@host/db", "signs in a user's name, password"),
    ],
)
def test_a_store_that_can_not_be_there(url: str, wrong: str) -> None:
    (line,) = lines_for_serve(url)
    assert line.startswith(f"RECTASK_DATABASE_URL is wrong: {wrong}")
    assert line.endswith("Example: RECTASK_DATABASE_URL=sqlite:///rectask.db")
    assert "hid" not in line


def test_the_terminal_has_no_use_for_a_store() -> None:
    url = "sqlite:////nonexistent/rectask.db"
    assert settings_from(ENOUGH | {"RECTASK_DATABASE_URL": url}).database_url.get_secret_value() == url


def test_defaults() -> None:
    settings = settings_from(ENOUGH)
    assert settings.rtc_endpoint == "https://rtc.volcengineapi.com"
    assert (settings.rtc_region, settings.qps) == ("cn-north-1", 60)
    assert settings.apps == (("default", APP),)
    assert (settings.log_level, settings.log_format) == (None, None)


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (without("VOLC_ACCESSKEY"), "VOLC_ACCESSKEY is missing"),
        (without("VOLC_SECRETKEY"), "VOLC_SECRETKEY is missing; it goes with VOLC_ACCESSKEY"),
        (without("RECTASK_APP_ID"), "RECTASK_APP_ID is missing"),
        (ENOUGH | {"VOLC_SECRETKEY": ""}, "VOLC_SECRETKEY is missing"),
        (ENOUGH | {"VOLCENGINE_ACCESS_KEY": "AKy"}, "VOLCENGINE_SECRET_KEY is missing; it goes with VOLCENGINE_ACC"),
        (ENOUGH | {"VOLC_ACCESSKEY": "AK x"}, "VOLC_ACCESSKEY is wrong: it has a space"),
        (ENOUGH | {"VOLC_SECRETKEY": "s\nk"}, "VOLC_SECRETKEY is wrong: it has a space"),
        (ENOUGH | {"VOLC_SECRETKEY": '"sk=='}, "VOLC_SECRETKEY is wrong: there is a quotation mark at one end"),
        (ENOUGH | {"RECTASK_QPS": "60'"}, "RECTASK_QPS is wrong: there is a quotation mark at one end"),
        (ENOUGH | {"VOLCENGINE_SESSION_TOKEN": "ST“S"}, "VOLCENGINE_SESSION_TOKEN is wrong: it has a space or"),
        (
            ENOUGH | {"RECTASK_APP_ID": "661e"},
            "RECTASK_APP_ID is wrong: an AppId has 24 letters and digits, this has 4",
        ),
        (ENOUGH | {"RECTASK_APP_ID": "661e****543c000000000000"}, "RECTASK_APP_ID is wrong: an AppId has 24"),
        (ENOUGH | {"RECTASK_APPS": f"prod={APP}"}, "RECTASK_APPS is set beside RECTASK_APP_ID"),
        (without("RECTASK_APP_ID") | {"RECTASK_APPS": APP}, "RECTASK_APPS is wrong: entry 1 is not of the form"),
        (without("RECTASK_APP_ID") | {"RECTASK_APPS": f"prod={APP},"}, "RECTASK_APPS is wrong: entry 2 is not of the"),
        (without("RECTASK_APP_ID") | {"RECTASK_APPS": f"a b={APP}"}, "RECTASK_APPS is wrong: the name in entry 1"),
        (without("RECTASK_APP_ID") | {"RECTASK_APPS": "prod=661e"}, "RECTASK_APPS is wrong: an AppId has 24"),
        (
            without("RECTASK_APP_ID") | {"RECTASK_APPS": f"p={APP},p={OTHER_APP}"},
            "RECTASK_APPS is wrong: the name p is",
        ),
        (
            ENOUGH | {"RECTASK_SUBSCRIPTIONS_PER_PERSON": "0"},
            "RECTASK_SUBSCRIPTIONS_PER_PERSON is wrong: should be greater",
        ),
        (ENOUGH | {"RECTASK_LOOKUPS_PER_MINUTE": "0"}, "RECTASK_LOOKUPS_PER_MINUTE is wrong: should be greater"),
        (ENOUGH | {"RECTASK_AUDIT": "/nowhere/audit.jsonl"}, "RECTASK_AUDIT is wrong: it is stdout, or the path of"),
        (ENOUGH | {"RECTASK_AUDIT": "/tmp"}, "RECTASK_AUDIT is wrong: it is stdout, or the path of a file"),  # noqa: S108
        (ENOUGH | {"RECTASK_AUDIT_RETENTION_DAYS": "0"}, "RECTASK_AUDIT_RETENTION_DAYS is wrong: should be"),
        (
            ENOUGH | {"RECTASK_RTC_ENDPOINT": "rtc.volcengineapi.com"},
            "RECTASK_RTC_ENDPOINT is wrong: it is not an addr",
        ),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https://a/b"}, "RECTASK_RTC_ENDPOINT is wrong: it has more than"),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https://u:p@a"}, "RECTASK_RTC_ENDPOINT is wrong: it has a character"),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https://a?b"}, "RECTASK_RTC_ENDPOINT is wrong: it has a character"),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https://a:b"}, "RECTASK_RTC_ENDPOINT is wrong: "),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https://[a"}, "RECTASK_RTC_ENDPOINT is wrong: "),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "http://a.com"}, "RECTASK_RTC_ENDPOINT is wrong: without https"),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https://a..b.com"}, "RECTASK_RTC_ENDPOINT is wrong: its host cannot be"),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": f"https://{'a' * 70}.com"}, "RECTASK_RTC_ENDPOINT is wrong: its host can"),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https:// a.com"}, "RECTASK_RTC_ENDPOINT is wrong: it has a character"),
        (ENOUGH | {"RECTASK_HOST": "0.0.0.0:3000"}, "RECTASK_HOST is wrong: it is an address or a name of this"),
        (ENOUGH | {"RECTASK_HOST": "http://127.0.0.1"}, "RECTASK_HOST is wrong: it is an address or a name of this"),
        (ENOUGH | {"RECTASK_HOST": "local\nhost"}, "RECTASK_HOST is wrong: it is an address or a name of this"),
        (ENOUGH | {"HTTPS_PROXY": "proxy:3128"}, "HTTPS_PROXY is wrong: it does not begin with http://"),
        (ENOUGH | {"ALL_PROXY": "socks5://p:1080"}, "ALL_PROXY is wrong: Rectask cannot use a socks5 proxy"),
        (ENOUGH | {"RECTASK_RTC_ENDPOINT": "https://a.com/?"}, "RECTASK_RTC_ENDPOINT is wrong: it has a character"),
        (ENOUGH | {"RECTASK_REDIS_URL": "localhost:6379"}, "RECTASK_REDIS_URL is wrong: it is not a connection URL"),
        (ENOUGH | {"RECTASK_REDIS_URL": "http://localhost"}, "RECTASK_REDIS_URL is wrong: it is not a connection URL"),
        (ENOUGH | {"RECTASK_REDIS_URL": "redis://"}, "RECTASK_REDIS_URL is wrong: it names no host"),
        (ENOUGH | {"RECTASK_REDIS_URL": "redis://:p@ss@host"}, "RECTASK_REDIS_URL is wrong: signs in a user's name"),
        (ENOUGH | {"RECTASK_REDIS_URL": "redis://host:port"}, "RECTASK_REDIS_URL is wrong: signs in a user's name"),
        (ENOUGH | {"RECTASK_REDIS_URL": "redis://host/0?colour=red"}, "RECTASK_REDIS_URL is wrong: what stands after"),
        (ENOUGH | {"RECTASK_REDIS_PREFIX": "a b"}, "RECTASK_REDIS_PREFIX is wrong: a prefix has at most 64 letters"),
        (ENOUGH | {"RECTASK_REPLICAS": "0"}, "RECTASK_REPLICAS is wrong: should be greater than or equal to 1"),
        (ENOUGH | {"SSL_CERT_FILE": "/nonexistent"}, "SSL_CERT_FILE is wrong: there is no file of certificates"),
        (ENOUGH | {"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE is wrong: there is no file of certificates"),
        (ENOUGH | {"VOLC_ACCESSKEY": "AK\x7fX"}, "VOLC_ACCESSKEY is wrong: it has a space or a character"),
        (ENOUGH | {"VOLCENGINE_SESSION_TOKEN": "tok\x01"}, "VOLCENGINE_SESSION_TOKEN is wrong: it has a space or"),
        (ENOUGH | {"SLACK_BOT_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN is wrong: a bot token begins with xoxb-"),
        (ENOUGH | {"SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN is wrong: an app-level token begins with xapp-"),
        (ENOUGH | {"SLACK_API_URL": "http://slack.com/api/"}, "SLACK_API_URL is wrong: without https"),
        (ENOUGH | {"RECTASK_WATCH_INTERVAL": "1"}, "RECTASK_WATCH_INTERVAL is wrong: should be greater than or equal"),
        (ENOUGH | {"RECTASK_RETENTION_DAYS": "2"}, "RECTASK_RETENTION_DAYS is wrong: should be greater than or equal"),
        (ENOUGH | {"RECTASK_PORT": "70000"}, "RECTASK_PORT is wrong: should be less than or equal to 65535"),
        (ENOUGH | {"RECTASK_RTC_REGION": "Cn North"}, "RECTASK_RTC_REGION is wrong: a region has small letters"),
        (ENOUGH | {"RECTASK_RTC_REGION": "ap-singapore-1"}, "RECTASK_RTC_REGION is ap-singapore-1, yet rtc.volc"),
        (ENOUGH | {"RECTASK_QPS": "0"}, "RECTASK_QPS is wrong: should be greater than or equal to 1"),
        (ENOUGH | {"RECTASK_QPS": "61"}, "RECTASK_QPS is wrong: should be less than or equal to 60"),
        (ENOUGH | {"RECTASK_QPS": "many"}, "RECTASK_QPS is wrong: should be a valid integer"),
        (ENOUGH | {"RECTASK_LOG_LEVEL": "loud"}, "RECTASK_LOG_LEVEL is wrong: should be 'debug'"),
        (ENOUGH | {"RECTASK_LOG_FORMAT": "xml"}, "RECTASK_LOG_FORMAT is wrong: should be 'text' or 'json'"),
    ],
)
def test_each_wrong_setting_has_its_line_with_an_example(environ: dict[str, str], line: str) -> None:
    (said,) = lines_for(environ)
    assert said.startswith(line)
    assert f". Example: {line.split(maxsplit=1)[0]}=" in said


ALL = ENOUGH | {
    "RECTASK_QPS": "20",
    "RECTASK_HOST": "::1",
    "RECTASK_LOG_LEVEL": "debug",
    "RECTASK_REDIS_URL": "redis://:password@redis.internal:6379/0",
    "RECTASK_DATABASE_URL": "postgresql://u:p@host/db",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_API_URL": "https://slack.com/api/",
}


@pytest.mark.parametrize(
    "around", ['"{}"', "'{}'", "“{}”", " {} ", "{}\n", "\ufeff{}", '" {} "\n', "'\"{}\"'", "\u00a0{}"]
)
def test_quotes_and_white_space_around_any_value_are_taken_off(around: str) -> None:
    wrapped = {name: around.format(value) for name, value in ALL.items()}
    assert settings_from(wrapped) == settings_from(ALL)


def test_the_variables_of_stores_are_taken_bare_too(tmp_path: Path) -> None:
    place = 'kind = "tos"\nbucket = "rec-bucket"\nregion = "cn-beijing"\nendpoint = "tos-cn-beijing.volces.com"\n'
    rules = f'[[storage]]\n{place}access_key_env = "READ_KEY"\nsecret_key_env = "READ_SECRET"\n'
    tmp_path.joinpath("rectask.toml").write_text(rules)
    keys = {"READ_KEY": '"AKread"\n', "READ_SECRET": "'SKread=='"}
    settings = load_settings(environ=ENOUGH | keys, env_file=tmp_path / ".env")
    held = {name: key.get_secret_value() for name, key in settings.file.store_keys.items()}
    assert held == {"READ_KEY": "AKread", "READ_SECRET": "SKread=="}


@pytest.mark.parametrize(
    ("given", "meant"), [("[::]", "::"), ("[::1]", "::1"), ("localhost", "localhost"), ("::", "::")]
)
def test_the_host(given: str, meant: str) -> None:
    assert settings_from(ENOUGH | {"RECTASK_HOST": given}).host == meant


@pytest.mark.parametrize("given", ["stdout", "STDOUT", "-", '"stdout"', " Stdout "])
def test_the_audit_log_on_standard_output(given: str) -> None:
    assert settings_from(ENOUGH | {"RECTASK_AUDIT": given}).audit == "stdout"


def test_where_the_file_was_looked_for_is_said_where_nothing_is_set() -> None:
    assert lines_for({})[0] == "No settings were found: /nonexistent has no .env, and the environment has none either"


def test_certificates_named_in_the_file_reach_the_libraries(tmp_path: Path) -> None:
    certificate = Path(__file__).parents[2] / "certificates" / "localhost.pem"
    file = tmp_path / ".env"
    file.write_text(f"SSL_CERT_FILE='{certificate}'\n")
    environ: dict[str, str] = {}
    export_certificates(load_settings(environ=ENOUGH, env_file=file), environ)
    assert environ == {"SSL_CERT_FILE": str(certificate)}


@pytest.mark.parametrize(
    ("slack", "missing"),
    [
        ({}, ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, ["SLACK_APP_TOKEN"]),
        ({"SLACK_APP_TOKEN": "xapp-1"}, ["SLACK_BOT_TOKEN"]),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "8f74"}, []),
    ],
)
def test_what_slack_needs(slack: dict[str, str], missing: list[str]) -> None:
    environ = ENOUGH | slack | ({"RECTASK_QPS": "0"} if not missing else {})
    with pytest.raises(SettingsError) as refused:
        load_settings(environ=environ, env_file=NO_FILE, for_slack=True)
    assert [line.split()[0] for line in refused.value.lines] == (missing or ["RECTASK_QPS"])


def test_a_pair_of_keys_comes_whole_from_the_environment_or_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("VOLCENGINE_ACCESS_KEY=AKfile\nVOLCENGINE_SECRET_KEY=SKfile\n")
    file.chmod(0o600)
    settings = load_settings(environ=ENOUGH, env_file=file)
    assert settings.access_key is not None
    assert settings.access_key.get_secret_value() == "AKx"


def test_oauth_variables_are_discarded() -> None:
    environ = {"SLACK_CLIENT_ID": "1", "PATH": "/bin"}
    assert discard_oauth_variables(environ)
    assert environ == {"PATH": "/bin"}
    assert not discard_oauth_variables(environ)


def test_several_wrong_settings_are_said_at_once() -> None:
    lines = lines_for({"RECTASK_QPS": "0", "RECTASK_LOG_LEVEL": "loud"})
    assert [line.split()[0] for line in lines] == [
        *("RECTASK_QPS", "RECTASK_LOG_LEVEL", "VOLC_ACCESSKEY", "VOLC_SECRETKEY", "RECTASK_APP_ID")
    ]


def test_the_families_of_keys_are_never_mixed() -> None:
    newer = {"VOLCENGINE_ACCESS_KEY": "AKnew", "VOLCENGINE_SECRET_KEY": "SKnew"}
    settings = settings_from(ENOUGH | newer)
    assert settings.access_key is not None
    assert settings.secret_key is not None
    assert (settings.access_key.get_secret_value(), settings.secret_key.get_secret_value()) == ("AKnew", "SKnew")
    older = settings_from(ENOUGH | {"VOLCENGINE_SECRET_KEY": "SKnew", "VOLCENGINE_SESSION_TOKEN": "STSx"})
    assert older.secret_key is not None
    assert older.secret_key.get_secret_value() == "SKx=="
    assert older.session_token is not None


def test_the_second_region() -> None:
    endpoint = "https://open-ap-singapore-1.volcengineapi.com/"
    settings = settings_from(ENOUGH | {"RECTASK_RTC_ENDPOINT": endpoint, "RECTASK_RTC_REGION": "ap-singapore-1"})
    assert settings.rtc_endpoint == endpoint.rstrip("/")


def test_several_apps_the_first_is_the_default() -> None:
    environ = without("RECTASK_APP_ID") | {"RECTASK_APPS": f" prod = {APP} , staging={OTHER_APP}"}
    assert settings_from(environ).apps == (("prod", APP), ("staging", OTHER_APP))


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "\ufeffRECTASK_QPS=20 # less\nexport RECTASK_LOG_LEVEL='debug'\nVOLC_SECRETKEY=$a${b}==\n\nEMPTY=\n"
    )
    file.chmod(0o600)
    settings = load_settings(environ=without("VOLC_SECRETKEY") | {"RECTASK_QPS": "30"}, env_file=file)
    assert (settings.qps, settings.log_level) == (30, "debug")
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == "$a${b}=="


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"RECTASK_QPS=60\nwhat is 'this\n", ", line 2, is not of the form"),
        (b"RECTASK_QPS\n", ", line 1, is not of the form"),
        (b"\xff\xfeR\x00", " is not UTF-8 text"),
    ],
)
def test_a_file_that_can_not_be_read_is_said(tmp_path: Path, content: bytes, line: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        load_settings(environ=ENOUGH, env_file=file)
    assert line in refused.value.lines[0]


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(environ=ENOUGH, env_file=tmp_path)


def test_no_file_is_no_failure() -> None:
    assert load_settings(environ=ENOUGH, env_file=NO_FILE).qps == 60


def test_every_setting_has_an_example_and_stands_in_the_example_file() -> None:
    example = Path(__file__).parents[3].joinpath(".env.example").read_text(encoding="utf-8")
    for field in Settings.model_fields.values():
        assert field.examples or field.alias is None
    for name in NAMES - {"NO_COLOR", "SSL_CERT_FILE"}:
        assert f"{name}=" in example


def test_no_print_of_the_settings_shows_a_secret() -> None:
    settings = settings_from(ENOUGH | {"VOLCENGINE_SESSION_TOKEN": "STSx"})
    assert settings.secrets >= {"AKx", "SKx==", "STSx"}
    assert not [secret for secret in settings.secrets if secret in repr(settings) + str(settings)]


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), st.text()))
def test_any_environment_is_taken_or_answered_without_its_values(environ: dict[str, str]) -> None:
    try:
        settings_from(environ)
    except SettingsError as refused:
        said = [line.split(". Example: ")[0] for line in refused.lines]
    else:
        return
    assert said
    secrets = [v for n, v in environ.items() if "KEY" in n or "TOKEN" in n]
    assert not [secret for secret in secrets if len(secret) > 12 and any(secret in line for line in said)]


# A marker in each, which must not come back.
PASTED = {
    "too long": "V4LUE" * 2_000,
    "a path that is too long": "/V4LUE" * 3_000,
    "a NUL": "V4LUE\0x",
    "no text": "V4LUE\udc80",
    "too many digits": "9" * 6_000 + "V4LUE",
    "a long SQLite file": "sqlite:///" + "V4LUE" * 1_000,
    "a NUL in a SQLite file": "sqlite:///V4LUE\0",
    "a password for SQLite": "sqlite:///u:V4LUE@/x.db",
    "a password for SQLite's host": "sqlite://u:V4LUE@host/x.db",
    "a password alone for SQLite": "sqlite:///:V4LUE@x/y",
    "a long host of PostgreSQL": "postgresql://u:V4LUE@" + "h" * 5_000 + "/x",
    "a long host of Redis": "redis://u:V4LUE@" + "h" * 5_000,
    "a long host": "https://" + "V4LUE." * 500,
    "a token with more to it": "xoxb-V4LUE\udcff",
}


@pytest.mark.parametrize("pasted", PASTED.values(), ids=PASTED)
def test_no_setting_is_quoted_whatever_was_pasted_into_it(pasted: str) -> None:
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    for name in NAMES:
        try:
            load_settings(environ=ENOUGH | slack | {name: pasted}, env_file=NO_FILE, for_slack=True)
        except SettingsError as wrong:
            assert "V4LUE" not in str(wrong), name  # noqa: PT017  # some are taken
