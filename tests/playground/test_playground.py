"""`python -m bot.playground.volcengine`: the stand-in for a person to try the command line against."""

import asyncio
import os
import re
import signal
import sys

import pytest

from bot.playground.volcengine.faults import FAULTS
from bot.playground.volcengine.rtc import OTHER_ROOMS
from bot.playground.volcengine.scenes import SCENES


@pytest.mark.slow
async def test_what_it_says_is_enough_to_look_a_recording_up() -> None:
    playground = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.playground.volcengine", "--port", "0"), stdout=asyncio.subprocess.PIPE
    )
    assert playground.stdout is not None
    said = (await playground.stdout.readuntil(b"Ctrl-C ends it.")).decode()
    assert all(room in said for room in [*SCENES, *FAULTS, *OTHER_ROOMS])
    environ = os.environ | dict(re.findall(r"export (\w+)=(\S+)", said))
    shown = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "show", "Room1", "Task1"), env=environ, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await shown.communicate()
    assert out.startswith(b"Ended after 7 min 42 s: stopped through the API. 1 file, 30.4 MB.")
    playground.send_signal(signal.SIGINT)
    await playground.wait()
    assert playground.returncode == 0
