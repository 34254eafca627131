"""A link of so many bytes a second: a TCP proxy on loopback, in a process of its own.

Run as `python -m bench.slow_link PORT BYTES_A_SECOND`; prints the port that it listens on.
"""

from __future__ import annotations

import asyncio
import sys
import time

_PIECE = 64 << 10


class Pace:
    """One direction of the link, shared by all connections."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = 0.0

    async def passed(self, size: int) -> None:
        """Wait until so many bytes have had their time."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + size / self._rate
        if self._free_at > now + 0.005:
            await asyncio.sleep(self._free_at - now)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pace: Pace) -> None:
    try:
        while piece := await reader.read(_PIECE):
            await pace.passed(len(piece))
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main(port: int, rate: float) -> None:
    up, down = Pace(rate), Pace(rate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(reader, back, up), _pump(there, writer, down))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
