"""A feed that numbers its messages and sends each to whoever is connected; nobody hears an old one again."""

import asyncio
import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))

from aiohttp import web  # noqa: E402
from background import background  # noqa: E402

PAUSE_SECONDS = 0.02


class Feed:
    def __init__(self):
        self.number, self.sockets = 0, set()
        self.runner, self.task, self.port = background().call(self.open())

    async def open(self):
        app = web.Application()
        app.router.add_get("/feed", self.serve)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, asyncio.ensure_future(self.send()), site._server.sockets[0].getsockname()[1]

    async def serve(self, request):
        socket = web.WebSocketResponse(compress=False)
        with contextlib.suppress(ConnectionError):  # who was killed is gone at any time
            await socket.prepare(request)
            self.sockets.add(socket)
            async for _ in socket:
                pass
        self.sockets.discard(socket)
        return socket

    async def send(self):
        while True:
            self.number += 1
            for socket in list(self.sockets):
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await socket.send_str('{"n":%d}' % self.number)
            await asyncio.sleep(PAUSE_SECONDS)

    @property
    def definition(self):
        return {"name": "feed", "type": "websocket", "url": f"ws://127.0.0.1:{self.port}/feed", "topic": "bench.feed",
                "map": {"id": "n"}}

    def close(self):
        async def end():
            self.task.cancel()
            await self.runner.cleanup()
        background().call(end())
