"""A TCP proxy between two programs that does to them what networks do: delays, resets, answers lost, silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

# reset: at the next bytes from the client. reset_after: when the other side has answered, before the answer is handed
# on, so that what was asked is done and nobody is told. black_hole: all bytes vanish, the connection stays. stall: all
# bytes wait until it is over, and come then.
Fault = Literal["none", "reset", "reset_after", "black_hole", "stall"]
_LOOKS_AGAIN_AFTER = 0.002
_CHUNK = 64 * 1024


@dataclass(slots=True)
class FaultProxy:
    """Faults begin and end at once, on the connections that are open too."""

    target_port: int
    port: int = 0
    fault: Fault = "none"
    delay: float = 0.0
    connections: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set, repr=False)

    def drop_all(self) -> None:
        """Reset each connection that is open now."""
        for writer in list(self._open):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, there_writer)
        self._open.update(ends)
        pumps = [
            asyncio.create_task(self._pump(reader, there_writer, "reset")),
            asyncio.create_task(self._pump(there_reader, writer, "reset_after")),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in ends:
                end.transport.abort()
            self._open.difference_update(ends)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, resets_at: Fault) -> None:
        while data := await source.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            while self.fault == "stall":  # noqa: ASYNC110  # whoever ends it sets a field
                await asyncio.sleep(_LOOKS_AGAIN_AFTER)
            if self.fault == resets_at:
                return
            if self.fault == "black_hole":
                continue
            target.write(data)
            await target.drain()


@asynccontextmanager
async def open_fault_proxy(target_port: int) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(target_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.drop_all()
        await asyncio.sleep(0)
