"""A second peer for S3: the server of moto, which checks no signature, and has an opinion of its own on keys."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.volcengine.gateway import Account
from testing.factories import SetClock
from testing.file_links import REF, fetch, key_file, links_of, settings_with
from tests.volcengine.files.test_presigning import ODD_KEYS

RULE = """[[storage]]
kind = "s3"
bucket = "rec-bucket"
region = "eu-central-1"
style = "path"
endpoint = "{}"
access_key_env = "READ_KEY"
secret_key_env = "READ_SECRET"
"""
# Its web framework tidies such paths, or knows none with a line's end.
NOT_FOR_IT = {key for key in ODD_KEYS if "//" in f"/{key}" or "\n" in key or not {".", ".."}.isdisjoint(key.split("/"))}


@pytest.fixture
async def peer() -> AsyncIterator[str]:
    program = "from moto.server import main; main()"
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "-H", "127.0.0.1", "-p", "0", stdout=PIPE, stderr=STDOUT
    )
    assert server.stdout is not None
    try:
        async with asyncio.timeout(60):
            async for line in server.stdout:
                if b"Running on http" in line:
                    yield line.decode().rpartition("Running on ")[2].strip()
                    break
    finally:
        server.terminate()
        await server.communicate()


async def test_files_are_downloaded_from_another_server(peer: str, tmp_path: Path, set_clock: SetClock) -> None:
    keys = [key for key in ODD_KEYS if key not in NOT_FOR_IT]
    assert len(keys) > 8
    assert (await fetch(f"{peer}/rec-bucket", method="PUT")).status == 200
    settings = settings_with(tmp_path, RULE.format(peer), Account(), READ_KEY="AKpeer", READ_SECRET="secret")
    async with links_of(settings, set_clock) as links:
        for key in keys:
            link = await links.link(REF, key_file(key))
            put = await fetch(link.url.partition("?")[0], method="PUT", body=key.encode())
            answer = await fetch(link.url)
            assert (put.status, answer.status, answer.body) == (200, 200, key.encode())
            assert answer.headers["Content-Disposition"].startswith("inline; filename=")
