"""`python -m bot.playground.volcengine`: the stand-in for Volcengine's gateway, to try the command line against."""

import argparse
import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from bot.playground.volcengine.faults import FAULTS
from bot.playground.volcengine.rtc import OTHER_ROOMS, FakeRtc, open_fake_rtc
from bot.playground.volcengine.scenes import SCENES

_PORT = 8322


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m bot.playground.volcengine", description=__doc__)
    parser.add_argument("--port", type=int, default=_PORT, help=f"the port on 127.0.0.1 (default {_PORT})")
    port: int = parser.parse_args().port
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(port))
    except (OSError, OverflowError):
        parser.exit(1, f"{parser.prog}: port {port} is taken or cannot be used; name another with --port\n")


async def _serve(port: int) -> None:
    async with open_fake_rtc(FakeRtc(), port=port) as fake:
        print(_how_to_use(fake), flush=True)
        await asyncio.Event().wait()


def _how_to_use(fake: FakeRtc) -> str:
    about = {**{n: s.about for n, s in SCENES.items()}, **{n: f.about for n, f in FAULTS.items()}, **OTHER_ROOMS}
    rooms = "\n".join(f"  {name:<18} {text}" for name, text in about.items())
    return f"""A stand-in for Volcengine RTC is at {fake.url}. In another terminal:

  export RECTASK_RTC_ENDPOINT={fake.url}
  export RECTASK_APP_ID={fake.account.app_ids[0]}
  export VOLC_ACCESSKEY={fake.account.access_key}
  export VOLC_SECRETKEY={fake.account.secret_key}
  {Path(sys.executable).with_name("rectask")} show Room1 Task1

Rooms (any task id will do; every other room has no tasks):
{rooms}

Ctrl-C ends it."""


if __name__ == "__main__":
    main()
