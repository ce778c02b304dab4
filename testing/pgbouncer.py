"""A real PgBouncer that a test starts by itself, before the tests' PostgreSQL, and stops."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from testing.redis_server import free_port

PATH = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/sbin:/usr/local/sbin")
needs_pgbouncer = pytest.mark.skipif(PATH is None, reason="pgbouncer is not installed (Debian: pgbouncer)")
_STARTS_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """One that runs."""

    port: int

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


@contextmanager
def run_pgbouncer(server_url: str, *, pool_mode: str, pool_size: int = 2) -> Iterator[PgBouncer]:
    """Of at most `pool_size` connections to the server, which many clients share."""
    server = conninfo_to_dict(server_url)
    with tempfile.TemporaryDirectory(prefix="rectask-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        ini = Path(folder, "pgbouncer.ini")
        ini.write_text(
            "[databases]\n"
            f"* = host={server['host']} port={server.get('port', 5432)} user=postgres\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\n"
            f"pool_mode = {pool_mode}\ndefault_pool_size = {pool_size}\nmax_client_conn = 200\n"
            f"logfile = {folder}/log\n"
        )
        command = [str(PATH), *_as_owner_of(Path(str(server["host"])), Path(folder)), str(ini)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # ours
        try:
            _wait_for(port, process)
            yield PgBouncer(port)
        finally:
            process.kill()
            process.wait()


def _as_owner_of(sockets: Path, folder: Path) -> list[str]:
    """It refuses to run as root; the server's own user may enter the folder of the server's socket."""
    if os.getuid() != 0:
        return []
    owner = sockets.stat()
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    return ["-u", pwd.getpwuid(owner.st_uid).pw_name]


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError("PgBouncer did not start")
