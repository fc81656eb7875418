"""A world of feeds on loopback: WebSocket feeds of several habits, REST answers with ETags, server-sent events that resume.
Each numbers its rows and remembers them; who comes back hears all rows again (WebSocket, REST) or those behind its last
event id (SSE). Trouble is made by calling `trouble`."""
import asyncio
import gzip
import json
import random
from itertools import count

from aiohttp import WSMsgType, web

from background import background

RARE = "\ud83d\ude80"


class Feed:
    """The rows of one source, and what goes wrong with it now."""

    troubles = ("die",)

    def __init__(self, name, draw):
        self.name, self.draw, self.rows, self.connections = name, draw, [], 0
        self.refuse_until = 0.0
        self.behind = asyncio.Condition()
        self.garbage_sent, self.deaths, self.closed = 0, 0, False

    @property
    def topic(self):
        return f"many.{self.name}"

    def definition(self, base):
        raise NotImplementedError

    def common(self, base, kind, path):
        scheme = "ws" if kind == "websocket" else "http"
        return {"name": self.name, "type": kind, "url": f"{scheme}://{base}{path}/{self.name}", "topic": self.topic,
                "backoff": {"min": "100ms", "max": "1s"}, "map": {"key": "s", "id": "n"}, "require": [".n"]}

    async def grow(self):
        """One more row."""
        async with self.behind:
            number = len(self.rows) + 1
            self.rows.append({"s": self.name, "n": number, "p": f"{number}.1000000000000000001"})
            self.behind.notify_all()

    def row_text(self, number):
        return f'{{"s":"{self.name}","n":{number},"p":{number}.1000000000000000001}}'

    async def beyond(self, position, gone):
        """Waits for rows behind `position`; a connection error if there is nobody left to hear them."""
        async with self.behind:
            await self.behind.wait_for(lambda: len(self.rows) > position or gone())
        if gone():
            raise ConnectionError("gone")

    async def wake(self):
        """Whoever waits looks again."""
        async with self.behind:
            self.behind.notify_all()

    def refused(self):
        """An answer in place of service, if the feed is down."""
        if asyncio.get_running_loop().time() >= self.refuse_until:
            return None
        return self.draw.choice([web.Response(status=503, headers={"Retry-After": "1"}), web.Response(status=500),
                                 web.Response(status=429, headers={"Retry-After": "1"}), web.Response(text="<html>")])


class SocketFeed(Feed):
    """WebSocket. What differs: how it is asked, how it confirms, and how a row is wrapped."""

    troubles = ("die", "die", "stall", "garbage", "garbage", "half", "away")

    def __init__(self, name, draw):
        super().__init__(name, draw)
        self.sockets, self.stalled = [], asyncio.Event()
        self.stalled.set()

    def definition(self, base):
        return {**self.common(base, "websocket", "/ws"), "dedupe": {"by": ["key", "id"], "keep": "10m"},
                "alive": {"stale": "4s", "stale_action": "reconnect"}, **self.more()}

    def more(self):
        return {}

    async def confirm(self, socket):
        """Until the listener has asked and been answered."""

    def wrap(self, number):
        return self.row_text(number)

    async def send(self, socket, text):
        await socket.send_str(text)

    async def serve(self, request):
        if (no := self.refused()) is not None:
            return no
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.connections += 1
        self.sockets.append((socket, request.transport))
        try:
            await self.confirm(socket)
            reading = asyncio.ensure_future(self.read(socket))
            position = 0
            try:
                while not socket.closed:
                    await self.beyond(position, lambda: reading.done() or self.closed)
                    await self.stalled.wait()
                    while position < len(self.rows):
                        position += 1
                        await self.send(socket, self.wrap(position))
            finally:
                reading.cancel()
        except (ConnectionError, asyncio.TimeoutError):
            pass
        finally:
            self.sockets = [(s, t) for s, t in self.sockets if s is not socket]
        return socket

    async def read(self, socket):
        """Hears what the listener says, until it goes."""
        async for _ in socket:
            pass
        asyncio.ensure_future(self.wake())

    async def trouble(self, kind):
        loop = asyncio.get_running_loop()
        if kind == "stall":
            self.stalled.clear()
            loop.call_later(6, self.stalled.set)
        elif kind == "away":
            self.refuse_until = loop.time() + 2
        for socket, transport in list(self.sockets):
            if kind in ("die", "away"):
                self.deaths += 1
                transport.abort() if self.draw.random() < 0.5 else asyncio.ensure_future(socket.close())
            elif kind == "half":  # the beginning of a frame, then nothing
                transport.write(b"\x81\x7e\x0f\xff{\"s\":\"half")
                loop.call_later(0.2, transport.abort)
            elif kind == "garbage":
                self.garbage_sent += 1
                await self.litter(socket, transport)

    async def litter(self, socket, transport):
        try:
            which = self.draw.randrange(6)
            if which == 0:
                await self.send(socket, '{"s":"broken')
            elif which == 1:
                await self.send(socket, '{"hello":"' + RARE.encode("utf-16", "surrogatepass").decode("utf-16") + '"}')
            elif which == 2:
                await socket.send_bytes(bytes(self.draw.randrange(256) for _ in range(64)))
            elif which == 3:
                await self.send(socket, "[" * 200 + "]" * 200)
            elif which == 4:
                transport.write(b"\x81\x03\xff\xfe\xfd")       # a text frame that is no UTF-8
            else:
                transport.write(b"\xf3\x7f" + b"\xff" * 20)    # reserved bits, reserved opcode
        except ConnectionError:
            pass


async def asked(socket):
    """The next thing the listener says, as JSON."""
    message = await socket.receive(timeout=20)
    if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
        raise ConnectionError("closed")
    return json.loads(message.data)


class NumberedFeed(SocketFeed):
    """One request with an id, one answer with the id; rows inside `data`."""

    def more(self):
        return {"connect": [{"send": {"method": "SUBSCRIBE", "params": [f"{self.name}@trade"], "id": 1}},
                            {"expect": ".id == 1", "within": "10s"}], "rows": "data"}

    async def confirm(self, socket):
        request = await asked(socket)
        await socket.send_str(json.dumps({"result": None, "id": request["id"]}))

    def wrap(self, number):
        return f'{{"stream":"x","data":{self.row_text(number)}}}'


class ItemFeed(SocketFeed):
    """One request for many items, an answer for each of them; several rows in a frame."""

    def more(self):
        return {"items": {"inst": ["A-B", "C-D"]},
                "connect": [{"send": {"op": "subscribe", "args": [{"$each": {"channel": "t", "instId": "{inst}"}}]}},
                            {"expect": '.event == "subscribe"', "item": "arg.instId", "within": "10s"}],
                "classify": [{"match": '.event == "subscribe"', "as": "ack", "item": "arg.instId"}], "rows": "data"}

    async def confirm(self, socket):
        for about in (await asked(socket))["args"]:
            await socket.send_str(json.dumps({"event": "subscribe", "arg": about}))

    def wrap(self, number):
        return f'{{"arg":{{"channel":"t","instId":"A-B"}},"data":[{self.row_text(number)},{self.row_text(number)}]}}'


class BoundFeed(SocketFeed):
    """One request an item; the answer names a channel, and only the channel comes with the rows, which are positional."""

    def more(self):
        return {"items": {"inst": ["tA", "tB"]},
                "connect": [{"send": {"event": "subscribe", "symbol": "{inst}"}},
                            {"expect": '.event == "subscribed"', "item": "symbol", "bind": "chanId", "within": "10s"}],
                "classify": [{"match": ".event", "as": "ack"}, {"match": '.[1] == "hb"', "as": "heartbeat"},
                             {"match": "(.[1] | length) == 3", "as": "data", "by": "0", "rows": "1", "columns": ["s", "n", "p"]}]}

    async def confirm(self, socket):
        for _ in range(2):
            symbol = (await asked(socket))["symbol"]
            await socket.send_str(json.dumps({"event": "subscribed", "symbol": symbol, "chanId": 7 if symbol == "tA" else 8}))
        await socket.send_str('[7,"hb"]')

    def wrap(self, number):
        return f'[{7 + number % 2},["{self.name}",{number},{number}.1000000000000000001]]'


class TypedFeed(SocketFeed):
    """An answer that repeats what is subscribed, heartbeats among the data."""

    def more(self):
        return {"connect": [{"send": {"type": "subscribe", "channels": ["matches"]}},
                            {"expect": '.type == "subscriptions"', "within": "10s"}],
                "classify": [{"match": '.type == "subscriptions"', "as": "ack"}, {"match": '.type == "heartbeat"', "as": "heartbeat"}]}

    async def confirm(self, socket):
        await asked(socket)
        await socket.send_str('{"type":"subscriptions","channels":[]}')

    async def send(self, socket, text):
        await socket.send_str('{"type":"heartbeat"}')
        await socket.send_str(text)


class ZippedFeed(SocketFeed):
    """Every frame is gzip; the feed asks, and cuts off who does not answer."""

    def more(self):
        return {"decode": ["gzip"], "classify": [{"match": ".ping", "as": "heartbeat"}],
                "alive": {"stale": "4s", "stale_action": "reconnect", "reply": [{"match": ".ping", "send": {"pong": "{.ping:number}"}}]}}

    async def confirm(self, socket):
        self.answered = 0
        await self.send(socket, '{"ping":1}')
        if (await asked(socket)) != {"pong": 1}:
            raise ConnectionError("no answer to a ping")

    async def send(self, socket, text):
        await socket.send_bytes(gzip.compress(text.encode()))


class RestFeed(Feed):
    """Answers with all rows and an ETag."""

    troubles = ("error", "garbage", "slow", "cut")
    kind, unchanged = None, 0

    def definition(self, base):
        return {**self.common(base, "rest", "/rest"), "rows": "rows", "poll": {"every": "700ms"},
                "http": {"timeout": "2s"}, "dedupe": {"by": ["key", "id"], "keep": "10m"}}

    async def serve(self, request):
        kind, self.kind = self.kind, None
        tag = f'"{len(self.rows)}"'
        if kind == "error":
            return web.Response(status=self.draw.choice([500, 502, 503, 404]))
        if kind == "slow":
            await asyncio.sleep(4)
        if kind == "garbage":
            self.garbage_sent += 1
            return web.Response(body=self.draw.choice([b"<html>oops", b'{"rows":[{"s":', b"\xff\xfe", b'{"rows":7}', b""]),
                                content_type="application/json")
        if request.headers.get("If-None-Match") == tag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": tag})
        body = '{"rows":[' + ",".join(self.row_text(n + 1) for n in range(len(self.rows))) + "]}"
        if kind == "cut":
            answer = web.StreamResponse(headers={"Content-Length": str(len(body) + 100)})
            await answer.prepare(request)
            await answer.write(body.encode())
            request.transport.abort()
            return answer
        return web.Response(text=body, content_type="application/json", headers={"ETag": tag})

    async def trouble(self, kind):
        self.kind = kind


class SseFeed(Feed):
    """Server-sent events with ids. No repeats are allowed here: the position alone must be right."""

    troubles = ("die", "cut", "garbage", "away")

    def __init__(self, name, draw):
        super().__init__(name, draw)
        self.open, self.resumed = [], 0

    def definition(self, base):
        return {**self.common(base, "sse", "/sse"), "alive": {"stale": "6s", "stale_action": "reconnect"}}

    async def serve(self, request):
        if (no := self.refused()) is not None:
            return no
        position = int(request.headers.get("Last-Event-ID") or 0)
        self.connections += 1
        self.resumed += position > 0
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        self.open.append((answer, request.transport))
        try:
            await answer.write(b": hello\n\n")
            while True:
                await self.beyond(position, lambda: self.closed or request.transport is None)
                while position < len(self.rows):
                    position += 1
                    await answer.write(f"id: {position}\ndata: {self.row_text(position)}\n\n".encode())
        except ConnectionError:
            pass
        finally:
            self.open = [(a, t) for a, t in self.open if a is not answer]
        return answer

    async def trouble(self, kind):
        loop = asyncio.get_running_loop()
        if kind == "away":
            self.refuse_until = loop.time() + 2
        for answer, transport in list(self.open):
            try:
                if kind == "garbage":
                    self.garbage_sent += 1
                    await answer.write(self.draw.choice([b"data: no json\n\n", b"nonsense\n\n", b"data\n\n", b"event: x\ndata: {}\n\n"]))
                elif kind == "cut":
                    await answer.write(b'id: 999999\ndata: {"s":"never",')
                    loop.call_later(0.1, transport.abort)
                else:
                    self.deaths += 1
                    transport.abort()
            except ConnectionError:
                pass


SOCKET_SHAPES = [SocketFeed, NumberedFeed, ItemFeed, BoundFeed, TypedFeed, ZippedFeed]


class World:
    """Feeds behind one port, which can go away and come back."""

    def __init__(self, shapes, seed):
        self.draw = random.Random(seed)
        self.port, self.running, self.troubled = None, True, True
        background().call(self._start(shapes))

    async def _start(self, shapes):
        numbers = count(1)
        self.feeds = {f"{shape.__name__.lower()}-{next(numbers)}": shape for shape in shapes}
        self.feeds = {name: shape(name, random.Random(self.draw.random())) for name, shape in self.feeds.items()}
        application = web.Application()
        application.router.add_get("/{kind}/{name}", lambda request: self.feeds[request.match_info["name"]].serve(request))
        self.runner = web.AppRunner(application)
        await self.runner.setup()
        await self._listen()

    async def _listen(self):
        self.site = web.TCPSite(self.runner, "127.0.0.1", self.port or 0, shutdown_timeout=0.1, reuse_address=True)
        await self.site.start()
        self.port = self.site._server.sockets[0].getsockname()[1]

    def definitions(self):
        return [feed.definition(f"127.0.0.1:{self.port}") for feed in self.feeds.values()]

    def begin(self, row_every, trouble_every=None):
        """Rows begin to grow, and trouble to come, until calm() and stop()."""
        self.tasks = [background().loop.create_task(coroutine) for coroutine in
                      [self._grow(row_every)] + ([self._trouble(trouble_every)] if trouble_every else [])]

    async def _grow(self, every):
        while self.running:
            for feed in self.feeds.values():
                await feed.grow()
            await asyncio.sleep(every)

    async def _trouble(self, every):
        while self.troubled:
            feed = self.draw.choice(list(self.feeds.values()))
            await feed.trouble(self.draw.choice(feed.troubles))
            if self.draw.random() < 0.02:  # nobody listens any more, for a while
                await self.site.stop()
                await asyncio.sleep(1.5)
                await self._listen()
            await asyncio.sleep(every)

    def calm(self):
        """No more trouble."""
        async def end():
            self.troubled = False
            await self.tasks[1]
        background().call(end())

    def stop(self):
        """No more rows."""
        self.running = False

    def close(self):
        async def end():
            for task in self.tasks:
                task.cancel()
            for feed in self.feeds.values():
                feed.closed = True
                await feed.wake()
            await self.runner.cleanup()
        background().call(end())
