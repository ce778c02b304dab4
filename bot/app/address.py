"""The address that `serve` listens on: why it cannot be used, and the proof of it for `check`."""

import asyncio
import errno
import socket

import aiohttp

from bot.runtime.checks import CheckResult

_PROBE_LIMIT = 3.0
_STEP = "address"
_OTHERWISE = "RECTASK_HOST is {host}, which cannot be listened on ({reason}). Example: RECTASK_HOST=0.0.0.0"
_BY_ERRNO = {
    errno.EADDRINUSE: "RECTASK_PORT is {port}, which another program uses already. Example: RECTASK_PORT={next_port}",
    errno.EACCES: "RECTASK_PORT is {port}, which this user may not listen on: ports below 1024 need a right of their "
    "own. Example: RECTASK_PORT=3000",
    errno.EADDRNOTAVAIL: "RECTASK_HOST is {host}, which is not an address of this machine. "
    "Example: RECTASK_HOST=0.0.0.0",
}


class AddressUnavailable(Exception):
    """Nothing can be listened on there; the message names the setting, with an example."""


def explain(failure: OSError, *, host: str, port: int) -> AddressUnavailable:
    """What a failed attempt to listen means for the settings."""
    if isinstance(failure, socket.gaierror):
        line = "RECTASK_HOST is {host}, a name that cannot be resolved. Example: RECTASK_HOST=0.0.0.0"
    else:
        line = _BY_ERRNO.get(failure.errno or 0, _OTHERWISE)
    reason = failure.strerror or type(failure).__name__
    next_port = port + 1 if port < 65_535 else port - 1  # noqa: PLR2004  # the last port there is
    return AddressUnavailable(line.format(host=host, port=port, next_port=next_port, reason=reason))


async def diagnose_address(*, host: str, port: int) -> CheckResult:
    """Listen for a moment, as `serve` will; that Rectask itself is there already is well."""
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE and await _is_rectask(host, port):
            return CheckResult(_STEP, is_well=True, said=f"Rectask already serves on port {port}.")
        said, _, example = str(explain(failure, host=host, port=port)).partition(" Example: ")
        return CheckResult(_STEP, is_well=False, said=said, advice=f"For example: {example}")
    server.close()
    await server.wait_closed()
    return CheckResult(_STEP, is_well=True, said=f"Port {port} of {host} is free.")


async def _is_rectask(host: str, port: int) -> bool:
    """Whether what listens there answers /healthz as Rectask does."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # looked up, not bound
    address = f"[{near}]" if ":" in near else near
    timeout = aiohttp.ClientTimeout(total=_PROBE_LIMIT)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{address}:{port}/healthz") as answer,
        ):
            return bool(await answer.json() == {"alive": True})
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False
