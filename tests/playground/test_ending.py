"""How the playground ends when its terminal is closed."""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

READS = 1024


@pytest.mark.slow
def test_a_terminal_that_is_closed_leaves_nothing_behind(tmp_path: Path) -> None:
    """As Ctrl-C does, though nothing can be written any longer."""
    terminal, inner = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "playground", "--headless", "--port", "0"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        preexec_fn=lambda: os.login_tty(inner),  # noqa: PLW1509  # this process has one thread
    ) as playground:
        os.close(inner)
        said = ""
        while "Ctrl-C ends it" not in said:
            said += os.read(terminal, READS).decode()
        assert len(list(tmp_path.iterdir())) == 1
        url = re.findall(r"http://127\.0\.0\.1:\d+", said)[0]
        with urllib.request.urlopen(f"{url}/-/state") as told:  # noqa: S310  # an address on this machine
            assert told.status == 200
        os.close(terminal)
        assert playground.wait(timeout=60) == 0
    assert list(tmp_path.iterdir()) == []
