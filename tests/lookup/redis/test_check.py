"""`rectask check` of Redis: it finds what the pace and the answers would fail on, and says it in whole words."""

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import redis

from bot.lookup.redis.check import COMMANDS, diagnose_redis
from bot.runtime.checks import CheckResult
from testing.redis_server import RedisServer, installed_redis, run_redis
from tests.lookup.redis.test_slots import a_prefix, open_replica

PASSWORD = "correct horse/battery"  # of a server of the test's own
QUOTED = "correct%20horse%2Fbattery"
LEAST = " ".join(f"+{command}" for command in COMMANDS)


@contextmanager
def user(server: RedisServer, rules: str) -> Iterator[str]:
    """The URL of a user with these rules and no others."""
    name = f"u{uuid.uuid4().hex}"
    with redis.Redis(unix_socket_path=str(server.socket_path)) as client:
        client.execute_command("ACL", "SETUSER", name, "on", f">{PASSWORD}", *rules.split())
        try:
            yield f"redis://{name}:{QUOTED}@127.0.0.1:{server.port}/0"
        finally:
            client.execute_command("ACL", "DELUSER", name)


async def test_the_commands_that_are_advised_are_enough(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    with user(redis_server, f"~{prefix}* {LEAST}") as url:
        assert await diagnose_redis(url, prefix=prefix) == CheckResult(
            "redis", is_well=True, said=f"Redis responds, and the keys {prefix}… can be used."
        )
        async with open_replica(url, prefix=prefix) as replica:
            await replica.take()
            assert replica.slots.is_shared


@pytest.mark.parametrize("command", COMMANDS)
async def test_each_command_that_is_missing_is_found_and_told(redis_server: RedisServer, command: str) -> None:
    prefix = a_prefix()
    with redis.Redis(port=redis_server.port) as client:
        client.script_flush()
    rules = " ".join(f"+{each}" for each in COMMANDS if each != command)
    with user(redis_server, f"~{prefix}* {rules}") as url:
        finding = await diagnose_redis(url, prefix=prefix)
    assert not finding.is_well
    assert "no permissions" in finding.said or "not allowed" in finding.said or "can't run this" in finding.said
    assert finding.advice is not None
    assert f"+{command}" in finding.advice
    assert PASSWORD not in str(finding)


BROKEN = [
    pytest.param("~else:* +@all", "NOPERM", id="keys of another prefix"),
    pytest.param("~* +@all -evalsha", "NOPERM", id="no evalsha"),
    pytest.param("~* +@all -hgetall", "can't run this command", id="no hgetall"),
]


@pytest.mark.parametrize(("rules", "said"), BROKEN)
async def test_the_whole_reason_is_told(redis_server: RedisServer, rules: str, said: str) -> None:
    with user(redis_server, rules) as url:
        finding = await diagnose_redis(url, prefix=a_prefix())
    assert not finding.is_well
    assert said.lower() in finding.said.lower()
    assert "this." not in finding.said


async def test_a_wrong_password_is_told_without_it(redis_server: RedisServer) -> None:
    url = f"redis://nobody:{QUOTED}@127.0.0.1:{redis_server.port}/0"
    finding = await diagnose_redis(url, prefix=a_prefix())
    assert "WRONGPASS: invalid username-password pair" in finding.said
    assert PASSWORD not in str(finding)
    assert QUOTED not in str(finding)


async def test_nothing_is_left_behind(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    await diagnose_redis(redis_server.url, prefix=prefix)
    with redis.Redis(port=redis_server.port) as client:
        assert client.keys(f"{prefix}*") == []


async def test_one_that_is_full_is_told() -> None:
    with run_redis(options=("--maxmemory", "1", "--maxmemory-policy", "noeviction")) as server:
        finding = await diagnose_redis(server.url, prefix=a_prefix())
    assert "OOM" in finding.said


SLOTS = 16_384


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[RedisServer]]:
    """Three nodes that know one another, each with a third of the slots."""
    with ExitStack() as stack:
        options = ("--cluster-enabled", "yes")
        nodes = [stack.enter_context(run_redis(binary=installed_redis(), options=options)) for _ in range(3)]
        clients = [stack.enter_context(redis.Redis(port=node.port)) for node in nodes]
        for number, client in enumerate(clients):
            first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3
            client.execute_command("CLUSTER ADDSLOTS", *range(first, last))
            client.execute_command("CLUSTER MEET", "127.0.0.1", nodes[0].port)
        for client in clients:
            give_up_at = time.monotonic() + 20
            while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < give_up_at, "the nodes do not find one another"
                time.sleep(0.05)
        yield nodes


@pytest.mark.parametrize("number", range(3))
async def test_a_cluster_is_found_at_each_of_its_nodes(cluster: list[RedisServer], number: int) -> None:
    finding = await diagnose_redis(cluster[number].url, prefix="rectask:")
    assert not finding.is_well
    assert "Redis is a cluster, which Rectask does not support" in finding.said
    async with open_replica(cluster[number].url, prefix="rectask:") as replica:
        await replica.take()  # by its own share, where the pace lies on another node
