"""The Redis of both deployments asks for a password: their own commands, run with a real server."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import yaml

from bot.lookup.redis.check import diagnose_redis
from testing.redis_server import free_port, packaged_redis
from tests.deploy.kustomize import documents
from tests.deploy.places import COMPOSE, KUBERNETES
from tests.lookup.redis.test_slots import a_prefix

PASSWORD = "3f9c0a6d"  # of a server of the test's own
STARTS_WITHIN = 10.0


def of_compose() -> list[str]:
    service = yaml.safe_load(COMPOSE.read_text())["services"]["redis"]
    return [word.replace("$$", "$") for word in (*service["entrypoint"], *service["command"])]


def of_kubernetes() -> list[str]:
    deployment = documents(KUBERNETES / "components" / "redis" / "redis.yaml")[0]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return [*container["command"], *container["args"]]


COMMANDS = [pytest.param(of_compose(), id="compose"), pytest.param(of_kubernetes(), id="kubernetes")]


@dataclass(frozen=True)
class Running:
    port: int
    pid: int


@contextmanager
def run(command: list[str], folder: Path) -> Iterator[Running]:
    """As its container would, but in a folder of its own and on a free port."""
    port = free_port()
    words = [word.replace("/tmp/", f"{folder}/").replace("/data/", f"{folder}/") for word in command]  # noqa: S108
    environ = {"PATH": f"{Path(packaged_redis()).parent}:{os.environ['PATH']}", "REDIS_PASSWORD": PASSWORD}
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = subprocess.Popen([*words, *options], env=environ, stdout=subprocess.DEVNULL)  # noqa: S603  # ours
    try:
        give_up_at = time.monotonic() + STARTS_WITHIN
        while not listens(port):
            assert time.monotonic() < give_up_at, "Redis does not start"
            time.sleep(0.02)
        yield Running(port, process.pid)
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_without_the_password_nobody_gets_in(command: list[str], tmp_path: Path) -> None:
    with run(command, tmp_path) as server:
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"
        assert asyncio.run(diagnose_redis(url, prefix=a_prefix())).is_well
        assert PASSWORD.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    [written] = [path for path in tmp_path.iterdir() if PASSWORD in path.read_text(errors="replace")]
    assert written.stat().st_mode & 0o077 == 0


def test_the_bot_of_compose_has_the_password() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    variable = "${REDIS_PASSWORD:?is missing in deploy/.env}"
    for bot in ("bot-1", "bot-2"):
        assert services[bot]["environment"]["RECTASK_REDIS_URL"] == f"redis://:{variable}@redis:6379/0"
    assert services["redis"]["environment"] == {"REDIS_PASSWORD": variable, "REDISCLI_AUTH": variable}


def test_the_redis_of_kubernetes_takes_it_from_the_bots_secret() -> None:
    deployment = documents(KUBERNETES / "components" / "redis" / "redis.yaml")[0]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    references = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"]}
    secret = {"name": "rectask", "key": "REDIS_PASSWORD"}
    assert references == {"REDIS_PASSWORD": secret, "REDISCLI_AUTH": secret}
