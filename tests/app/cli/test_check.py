"""`rectask check`: a line for each step, and how to mend what fails."""

import asyncio
import contextlib
import re
import socket
import sqlite3
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app.cli import main
from bot.app.cli.check import check as check_now
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import S_SUPPORT, T_HOME
from bot.playground.volcengine.object_store import FakeStore, open_fake_store
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.playground.volcengine.vod import FakeVod, open_fake_vod
from testing.factories import environ_for
from testing.redis_server import RedisServer, free_port
from testing.refusing_proxy import proxy_that_answers

UseEnviron = Callable[[Mapping[str, str]], None]


async def check(environ: Mapping[str, str], use_environ: UseEnviron) -> int:
    use_environ(environ)
    return await asyncio.to_thread(main, ["check"])


def has_made_a_database() -> bool:
    return Path("rectask.db").exists()


async def test_all_is_well(fake_rtc: FakeRtc, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]) -> None:
    assert await check(environ_for(fake_rtc), use_environ) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        *(["ok", "settings"], ["ok", "name"], ["ok", "connection"], ["ok", "signature,"], ["ok", "clock"]),
        *(["ok", "store"], ["ok", "slack"]),
    ]
    # Nothing is made by looking.
    assert not has_made_a_database()


@pytest.mark.parametrize(
    ("environ", "failing", "advice"),
    [
        ({"VOLC_ACCESSKEY": "AKother"}, "signature", "Check VOLC_ACCESSKEY"),
        ({"VOLC_SECRETKEY": "wrong"}, "signature", "Check the secret key"),
        ({"RECTASK_APP_ID": "6" * 24}, "signature", "RECTASK_APP_ID"),
        ({"VOLCENGINE_SESSION_TOKEN": "old"}, "signature", "VOLCENGINE_SESSION_TOKEN"),
        ({"RECTASK_RTC_ENDPOINT": "https://rtc.invalid"}, "name", "DNS"),
        ({"RECTASK_RTC_ENDPOINT": "http://127.0.0.1:1"}, "connection", "firewall"),
    ],
)
async def test_what_fails_is_said_with_how_to_mend_it(
    fake_rtc: FakeRtc,
    use_environ: UseEnviron,
    capsys: pytest.CaptureFixture[str],
    environ: dict[str, str],
    failing: str,
    advice: str,
) -> None:
    assert await check(environ_for(fake_rtc, **environ), use_environ) == 1
    out = capsys.readouterr().out
    assert f"FAIL  {failing}" in out
    assert advice in out.split("FAIL")[1]


@pytest.mark.parametrize(
    ("oldest", "exit_code", "said"),
    [
        (None, 0, "is empty"),
        ("0.0.1", 0, "It answers, with schema 9999"),
        ("99.0", 1, "at least Rectask 99.0 is needed"),
    ],
)
async def test_what_is_in_the_store_is_told_and_left_as_it_is(
    fake_rtc: FakeRtc,
    use_environ: UseEnviron,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    oldest: str | None,
    exit_code: int,
    said: str,
) -> None:
    path = tmp_path / "mine.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        if oldest is None:
            connection.execute("PRAGMA user_version = 1")
        else:
            connection.execute("CREATE TABLE schema_release (revision TEXT, oldest_release TEXT)")
            connection.execute("INSERT INTO schema_release VALUES ('9999', ?)", [oldest])
        connection.commit()
    assert await check(environ_for(fake_rtc, RECTASK_DATABASE_URL=f"sqlite:///{path}"), use_environ) == exit_code
    assert said in " ".join(capsys.readouterr().out.split())


async def test_a_store_that_is_out_of_reach(
    fake_rtc: FakeRtc, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "postgresql://rectask:a-secret@127.0.0.1:1/rectask"
    assert await check(environ_for(fake_rtc, RECTASK_DATABASE_URL=url), use_environ) == 1
    out = capsys.readouterr().out
    assert "FAIL  store" in out
    assert "Check RECTASK_DATABASE_URL" in out
    assert "a-secret" not in out


@pytest.mark.parametrize("is_there", [True, False])
async def test_redis(
    fake_rtc: FakeRtc,
    use_environ: UseEnviron,
    capsys: pytest.CaptureFixture[str],
    redis_server: RedisServer,
    *,
    is_there: bool,
) -> None:
    url = redis_server.url if is_there else f"redis://:a-password@127.0.0.1:{free_port()}/0"
    environ = environ_for(fake_rtc, RECTASK_REDIS_URL=url)
    assert await check(environ, use_environ) == (0 if is_there else 1)
    out = capsys.readouterr().out
    assert ("ok    redis" if is_there else "FAIL  redis") in out
    assert "a-password" not in out


async def test_each_place_that_recordings_lie_in_is_proven(
    fake_rtc: FakeRtc, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    account = fake_rtc.account
    async with open_fake_store(FakeStore(account)) as store, open_fake_vod(FakeVod(account)) as vod:
        rules = f"""
            [[storage]]
            kind = "tos"
            prefix = "rec/"
            bucket = "{store.bucket}"
            region = "{store.region}"
            domain = "{store.url}"

            [[storage]]
            kind = "vod"
            endpoint = "{vod.url}"

            [[storage]]
            kind = "s3"
            bucket = "{store.bucket}"
            region = "{store.region}"
            endpoint = "{store.url}"
            style = "path"
            access_key_env = "READ_KEY"
            secret_key_env = "READ_SECRET"
        """
        path = tmp_path / "rectask.toml"
        path.write_text(rules)
        own = {"RECTASK_CONFIG": str(path), "READ_KEY": account.access_key, "READ_SECRET": "not-this-one"}
        assert await check(environ_for(fake_rtc, **own), use_environ) == 1
    out = capsys.readouterr().out
    assert "ok    store tos rec-bucket" in out
    assert "ok    store vod cn-north-1" in out
    assert "FAIL  store s3 rec-bucket" in out
    assert "READ_SECRET" in out
    assert not re.search("not-this-one|[0-9a-f]{64}", out)


async def test_a_server_without_tls_where_https_is_expected(
    fake_rtc: FakeRtc, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = environ_for(fake_rtc, RECTASK_RTC_ENDPOINT=fake_rtc.url.replace("http:", "https:"))
    assert await check(environ, use_environ) == 1
    assert "SSL_CERT_FILE" in capsys.readouterr().out


async def test_each_app_is_proven(
    fake_rtc: FakeRtc, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]
) -> None:
    apps = f"prod={fake_rtc.account.app_ids[0]},gone={'6' * 24}"
    environ = environ_for(fake_rtc, RECTASK_APPS=apps)
    del environ["RECTASK_APP_ID"]
    assert await check(environ, use_environ) == 1
    out = capsys.readouterr().out
    assert "ok    signature, prod" in out
    assert "FAIL  signature, gone" in out


@pytest.mark.parametrize(
    ("off", "exit_code", "said"),
    [(10, 0, "behind"), (120, 0, "Let NTP keep"), (2000, 1, "InvalidTimestamp")],
)
async def test_the_clock(
    use_environ: UseEnviron, capsys: pytest.CaptureFixture[str], off: int, exit_code: int, said: str
) -> None:
    async with open_fake_rtc(FakeRtc(clock=lambda: datetime.now(UTC) + timedelta(seconds=off))) as fake:
        assert await check(environ_for(fake), use_environ) == exit_code
    assert said in capsys.readouterr().out


async def test_over_tls(use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]) -> None:
    """A server with a certificate that only SSL_CERT_FILE vouches for."""
    folder = Path(__file__).parents[2] / "certificates"
    key, cert = folder / "localhost.key", folder / "localhost.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with open_fake_rtc(FakeRtc(), tls=context) as fake:
        environ = environ_for(fake, RECTASK_RTC_ENDPOINT=fake.url.replace("127.0.0.1", "localhost"))
        assert await check(environ, use_environ) == 1
        assert "No secure connection to localhost: self-signed certificate" in capsys.readouterr().out
        assert await check(environ | {"SSL_CERT_FILE": str(cert)}, use_environ) == 0
        assert "TLSv1.3, the certificate fits" in capsys.readouterr().out


async def test_missing_settings(use_environ: UseEnviron, capsys: pytest.CaptureFixture[str]) -> None:
    assert await check({}, use_environ) == 78
    err = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in err] == ["No", "VOLC_ACCESSKEY", "VOLC_SECRETKEY", "RECTASK_APP_ID"]


@pytest.mark.parametrize(
    ("environ", "missing_scope", "failing", "advice"),
    [
        ({}, None, None, None),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, None, "slack token", "Bot User OAuth Token"),
        ({}, "users:read", "slack scopes", "Install the app again"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, None, "slack socket", "connections:write"),
        ({"SLACK_API_URL": "http://127.0.0.1:1/api/"}, None, "slack token", "HTTPS_PROXY"),
    ],
)
async def test_slacks_side(
    fake_rtc: FakeRtc,
    use_environ: UseEnviron,
    capsys: pytest.CaptureFixture[str],
    environ: dict[str, str],
    missing_scope: str | None,
    failing: str | None,
    advice: str | None,
) -> None:
    async with open_fake_slack(FakeSlack()) as slack:
        slack.scopes = set(slack.scopes) - {missing_scope}
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        given = environ_for(fake_rtc) | tokens | {"SLACK_API_URL": slack.api_url} | environ
        exit_code = await check(given, use_environ)
    out = capsys.readouterr().out
    assert exit_code == (0 if failing is None else 1)
    if failing is None or advice is None:
        assert out.count("ok    slack") == 4
    else:
        assert f"FAIL  {failing}" in out
        assert advice in out


@pytest.mark.parametrize("is_org_wide", [False, True])
@pytest.mark.parametrize(
    ("group", "fault", "said"),
    [
        (S_SUPPORT, None, "ok    slack group          S0SUPPORT1 has 2 members."),
        ("S0NOSUCH01", None, "Slack has no user group S0NOSUCH01"),
        (S_SUPPORT, "team_access_not_granted", "does not say who is in the user group S0SUPPORT1: team_access"),
        (S_SUPPORT, "lacking:users", "Slack's answer to usergroups.users.list cannot be used: users"),
    ],
)
async def test_the_groups_that_rules_name(
    fake_rtc: FakeRtc,
    use_environ: UseEnviron,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    *,
    is_org_wide: bool,
    group: str,
    fault: str | None,
    said: str,
) -> None:
    """Asked for as `serve` does, with the workspace where the app is installed for a whole organization."""
    config = tmp_path / "rectask.toml"
    config.write_text(f'[[allow]]\nrights = ["look_up"]\ngroups = ["{group}"]\n')
    async with open_fake_slack(FakeSlack()) as slack:
        slack.world.is_org_wide = is_org_wide
        slack.world.org_teams = [T_HOME]
        if fault is not None:
            slack.fault("usergroups.users.list", fault)
        given = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_API_URL": slack.api_url, "RECTASK_CONFIG": str(config)}
        exit_code = await check(environ_for(fake_rtc) | given, use_environ)
    out = capsys.readouterr().out
    assert said in out
    assert exit_code == (0 if out.count("ok    slack group") else 1)


@pytest.mark.parametrize(("skew", "said"), [(-360, "s ahead of Slack's"), (360, "s behind Slack's")])
async def test_a_clock_that_differs_from_slacks(
    fake_rtc: FakeRtc, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str], skew: int, said: str
) -> None:
    async with open_fake_slack(FakeSlack()) as slack:
        slack.skew = skew
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": slack.signing_secret}
        assert await check(environ_for(fake_rtc) | tokens | {"SLACK_API_URL": slack.api_url}, use_environ) == 1
    out = capsys.readouterr().out
    assert "FAIL  slack clock" in out
    assert said in out
    assert "(NTP)" in out


async def test_a_proxy_that_refuses_is_not_taken_for_slack(
    fake_rtc: FakeRtc, use_environ: UseEnviron, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxy_that_answers("407 Proxy Authentication Required") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        given = environ_for(fake_rtc, SLACK_BOT_TOKEN="xoxb-1", SLACK_API_URL="https://slack.invalid/api/")
        assert await check(given, use_environ) == 1
    out = capsys.readouterr().out
    place = proxy.rpartition("@")[2]
    assert f"Slack was not asked. The proxy {place} answered 407 Proxy Authentication Required." in out
    assert "hidden" not in out


async def test_what_is_silent_is_given_up_in_time(fake_rtc: FakeRtc, use_environ: UseEnviron, tmp_path: Path) -> None:
    """And the process is left at once, for what hangs would be waited for."""
    left: list[int] = []
    with (tmp_path / "out").open("w+") as out, socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/"
        use_environ(environ_for(fake_rtc, SLACK_BOT_TOKEN="xoxb-1", SLACK_API_URL=url))  # of nobody
        assert await asyncio.to_thread(check_now, out, limit=2.0, leave=left.append) == 1
        out.seek(0)
        said = out.read()
    assert "ok    store" in said
    assert "FAIL  slack                No answer within 2 s." in said
    assert "Check the address, and firewalls and proxies on the way." in said
    assert left == [1]
