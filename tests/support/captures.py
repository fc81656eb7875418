"""Recorded exchange traffic, played over real WebSocket and HTTP to whoever connects."""
import asyncio
import base64
import gzip
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from background import background
from patience import patient

FOLDER = Path(os.environ.get("ANODE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "exchange-captures"
SPEED = float(os.environ.get("ANODE_SPEED", "30"))


def capture_path(name):
    """Where a recording is, or None."""
    path = FOLDER / f"{name}.jsonl.gz"
    return path if path.exists() else None


def load(name):
    """The rows of a recording; none where it is absent."""
    path = capture_path(name)
    if path is None:
        return []
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def payload(row):
    """What was on the wire: text, or bytes of a binary frame."""
    return base64.b64decode(row["data"]) if row.get("encoding") == "base64" else row["data"]


def local_part(url):
    """Path and query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class Player:
    """A feed that repeats a recording. The first connection hears all of it; where the recorded client spoke, the player
    waits until ours has, too. A later connection hears nothing and is counted. `extra` are answers to further paths."""

    def __init__(self, rows, http_rows=(), extra=None, speed=SPEED):
        self.rows, self.speed, self.extra = rows, speed, extra or {}
        self.answers = {}
        for row in http_rows:
            self.answers.setdefault(local_part(row["url"]), []).append(row["data"])
        self.said, self.paths, self.requests, self.unknown = [], [], [], []
        self.played, self.unanswered = False, 0
        background().call(self._start())

    async def _start(self):
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", self._handle)
        self.runner = web.AppRunner(application)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0, shutdown_timeout=0.2)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    def close(self):
        background().call(self.runner.cleanup())

    async def _handle(self, request):
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._play(request)
        self.requests.append(request.path_qs)
        if request.path in self.extra:
            return web.json_response(self.extra[request.path](self.port))
        known = self.answers.get(request.path_qs)
        if not known:
            self.unknown.append(request.path_qs)
            return web.Response(status=404)
        return web.Response(text=known[0], content_type="application/json")

    async def _play(self, request):
        socket = web.WebSocketResponse(max_msg_size=0, compress=False)
        await socket.prepare(request)
        first = not self.paths
        self.paths.append(request.path_qs)
        heard = asyncio.Semaphore(0)
        playing = asyncio.ensure_future(self._frames(socket, heard)) if first else None
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.said.append(message.data)
                heard.release()
        if playing:
            playing.cancel()
        return socket

    async def _frames(self, socket, heard):
        began, waited = time.monotonic(), 0.0
        for row in self.rows:
            if row["kind"] == "sent":
                before = time.monotonic()
                try:
                    await asyncio.wait_for(heard.acquire(), patient(4))
                except asyncio.TimeoutError:
                    self.unanswered += 1
                waited += time.monotonic() - before
            elif row["kind"] == "frame":
                ahead = began + waited + row["t"] / self.speed - time.monotonic()
                if ahead > 0.002:
                    await asyncio.sleep(ahead)
                data = payload(row)
                await (socket.send_bytes(data) if isinstance(data, bytes) else socket.send_str(data))
        self.played = True
