"""A stand-in's server on this machine, which can be out of reach for a while and come back at the same address."""

import ssl

from aiohttp import web

# aiohttp takes 0 for "without end".
_GRACE = 0.001


class Listener:
    """Listens on 127.0.0.1, at the port that is named or a free one, which `port` is from then on."""

    def __init__(self, runner: web.BaseRunner, *, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self._runner = runner
        self._tls = tls
        self._site: web.TCPSite | None = None

    async def open(self) -> None:
        if self._site is None:
            site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
            await site.start()
            self._site, self.port = site, self._runner.addresses[0][1]

    async def close(self) -> None:
        """Refuses connections, and drops those that there are, whatever goes on in them."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
            assert self._runner.server is not None
            await self._runner.server.shutdown(_GRACE)
