"""A server that takes connections and never says a word, as behind some firewalls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Silent:
    """Where it listens, and whether somebody has come."""

    port: int = 0
    somebody_came: asyncio.Event = field(default_factory=asyncio.Event)
    _inside: list[asyncio.StreamWriter] = field(default_factory=list)

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._inside.append(writer)
        self.somebody_came.set()
        while await reader.read(1024):
            pass

    def close(self) -> None:
        for writer in self._inside:
            writer.close()


@asynccontextmanager
async def open_silent() -> AsyncIterator[Silent]:
    """Silent until the block is left."""
    silent = Silent()
    server = await asyncio.start_server(silent.receive, "127.0.0.1", 0)
    silent.port = server.sockets[0].getsockname()[1]
    try:
        yield silent
    finally:
        silent.close()
        server.close()
