"""A feed written byte by byte: what it sends need not be HTTP or WebSocket at all."""
import asyncio
import base64
import hashlib
import struct

from background import background


def frame(payload, first=0x81, length=None):
    """A WebSocket frame as a server sends it; `length` need not be true."""
    size = len(payload) if length is None else length
    return (bytes([first, size]) if size < 126 else bytes([first, 126]) + struct.pack(">H", size) if size < 1 << 16
            else bytes([first, 127]) + struct.pack(">Q", size)) + payload


class RawFeed:
    """Gives each connection to the script of its path: `async script(writer, head)`."""

    def __init__(self, scripts):
        self.scripts, self.asked, self.tasks = scripts, {}, set()
        background().call(self._start())

    async def _start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split()[1].split("?")[0]
            self.asked[path] = self.asked.get(path, 0) + 1
            await self.scripts[path](writer, head)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    def close(self):
        async def end():
            self.server.close()
            for task in list(self.tasks):
                task.cancel()
        background().call(end())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


async def upgrade(writer, head, extra=""):
    """The answer that makes the connection a WebSocket."""
    key = next(line.split(":", 1)[1].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:"))
    proof = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    writer.write((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Accept: {proof}\r\n{extra}\r\n").encode())
    await writer.drain()


async def send(writer, *parts, then=30.0):
    """Sends parts, then keeps the connection open without a word."""
    for part in parts:
        writer.write(part)
        await writer.drain()
    await asyncio.sleep(then)


async def flood(writer, part, times):
    """The same bytes again and again, as fast as they are taken."""
    for _ in range(times):
        writer.write(part)
        await writer.drain()
