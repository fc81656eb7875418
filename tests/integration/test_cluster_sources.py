"""Sources of a cluster of real nodes: one runs each, others take over when it dies or drains, and nothing is heard twice."""
import asyncio
import json
import signal
import threading
import time

import pytest
from aiohttp import WSMsgType, web

from anode_node import run_anode
from background import background
from listeners import Listener
from patience import eventually, patient, stays


class Ticks:
    """A WebSocket feed that sends numbered rows to whoever is connected, at a steady pace."""

    def __init__(self, every=0.02):
        self.every, self.sockets, self.connects, self.sent = every, set(), 0, 0
        self.ticking = threading.Event()
        background().call(self._start())

    async def _start(self):
        app = web.Application()
        app.router.add_get("/{name}", self._serve)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0, shutdown_timeout=0.1)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.task = asyncio.ensure_future(self._tick())

    async def _serve(self, request):
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.connects += 1
        self.sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            self.sockets.discard(socket)
        return socket

    async def _tick(self):
        while True:
            await asyncio.sleep(self.every)
            if not (self.ticking.is_set() and self.sockets):
                continue
            self.sent += 1
            for socket in list(self.sockets):
                try:
                    await asyncio.wait_for(socket.send_str(json.dumps({"s": "x", "n": self.sent})), 0.2)
                except (OSError, asyncio.TimeoutError, RuntimeError):
                    self.sockets.discard(socket)

    def definition(self, name, **more):
        return {"name": name, "type": "websocket", "url": f"ws://127.0.0.1:{self.port}/{name}", "topic": f"feed.{name}",
                "map": {"key": "s", "id": "n"}, "dedupe": {"by": ["key", "id"], "keep": "10m"},
                "backoff": {"min": "100ms", "max": "1s"}, **more}

    def close(self):
        async def end():
            self.task.cancel()
            await self.runner.cleanup()
        background().call(end())


@pytest.fixture
def ticks():
    feed = Ticks()
    yield feed
    feed.close()


@pytest.fixture
def trio(make_node, tmp_path, ticks):
    ring, nodes = run_anode("keys", "gen").stdout, []
    for number in range(3):
        path = tmp_path / f"ring-{number}.json"
        path.write_text(ring)
        contacts = [node.get("/v1/gossip").json()["listen"] for node in nodes[:1]]
        node = make_node(start=False, ports=[ticks.port], config={"gossip": {
            "cluster": "sources", "join": contacts, "keyring": {"file": str(path)}}})
        nodes.append(node.start())
    for node in nodes:
        eventually(lambda node=node: sum(item["state"] == "alive" for item in node.get("/v1/nodes").json()["items"]) == 3,
                   30, what=f"{node.name} to see all")
    return nodes


def id_of(node):
    return (node.data / "node-id").read_text().strip()


def owner_among(nodes, name, settled=1.0):
    """The node that all of these have named as the owner for a while, if it is one of them: at first sources still find their
    places."""
    seen = []

    def agreed():
        owners = {node.source(name)["owner"] for node in nodes}
        owner = next((node for node in nodes if id_of(node) in owners), None) if len(owners) == 1 else None
        if owner is None or (seen and seen[0][0] is not owner):
            seen.clear()
        elif not seen:
            seen.append((owner, time.monotonic()))
        return seen and time.monotonic() - seen[0][1] >= settled and owner
    return eventually(agreed, 60, what=f"an owner of {name}")


def numbers(listener):
    return [json.loads(line)["data"]["n"] for line in list(listener.lines) if b'"data"' in line]


def hears_beyond(listener, number, timeout=30):
    eventually(lambda: (heard := numbers(listener)) and heard[-1] > number, timeout, what=f"rows beyond {number}")


def test_a_source_runs_once_and_every_node_shows_who_runs_it(trio, ticks):
    trio[1].add_source(ticks.definition("one"))
    eventually(lambda: len(ticks.sockets) == 1, 30, what="a connection")
    ticks.ticking.set()
    owner = owner_among(trio, "one", settled=3)
    for node in trio:
        eventually(lambda node=node: node.source("one")["state"] == "live", 20, what=f"live on {node.name}")
        shown = node.source("one")
        assert shown["role"] == ("owner" if node is owner else "standby")
        assert shown["owner_name"] == owner.name
        eventually(lambda node=node: set(node.source("one")["candidates"]) == {id_of(each) for each in trio}, 10,
                   what=f"all candidates on {node.name}")
    stays(lambda: len(ticks.sockets) == 1, 2, what="one connection")
    assert len({node.get("/v1/sources/one").headers["ETag"] for node in trio}) == 1


def test_sources_spread_and_move_where_an_operator_wants_them(trio, ticks):
    for number in range(18):
        trio[number % 3].add_source(ticks.definition(f"s-{number}"))
    eventually(lambda: len(ticks.sockets) == 18, 60, what="all connections")
    owners = {id_of(owner_among(trio, f"s-{number}")) for number in range(18)}
    assert owners == {id_of(node) for node in trio}
    owner = owner_among(trio, "s-0")
    asked, target = [node for node in trio if node is not owner]
    answer = asked.post("/v1/sources/s-0:move", {"node": id_of(target)})
    assert answer.status == 200, answer
    eventually(lambda: all(node.source("s-0")["owner"] == id_of(target) for node in trio), 60, what="the move")
    eventually(lambda: len(ticks.sockets) == 18, 20, what="one connection each")
    restarts = ticks.connects
    assert asked.post("/v1/sources/s-0:restart", {}).status == 200
    eventually(lambda: ticks.connects > restarts, 20, what="a restart that another node was asked for")


def test_the_data_of_a_killed_owner_flow_again_soon(trio, ticks):
    ticks.ticking.set()
    trio[0].add_source(ticks.definition("heir"))
    owner = owner_among(trio, "heir", settled=3)
    others = [node for node in trio if node is not owner]
    listener = Listener(others[0].port, "feed.heir")
    hears_beyond(listener, 20)
    killed, before = time.monotonic(), ticks.connects
    owner.kill()
    eventually(lambda: ticks.connects > before and len(ticks.sockets) == 1, 30, what="the connection of an heir")
    marker = ticks.sent
    hears_beyond(listener, marker)
    took = time.monotonic() - killed
    print(f"\ndata flow again {took:.2f} s after the owner was killed")
    assert took < patient(10)
    assert owner_among(others, "heir") in others
    heard = numbers(listener)
    assert len(heard) == len(set(heard))
    for node in others:
        eventually(lambda node=node: "heir" in node.get("/v1/gaps?scope=source").text, 20, what="an entry of the ledger")


def test_a_frozen_owner_gives_way_when_it_wakes_and_nothing_is_heard_twice(trio, ticks):
    ticks.ticking.set()
    trio[0].add_source(ticks.definition("twin"))
    owner = owner_among(trio, "twin", settled=3)
    others = [node for node in trio if node is not owner]
    listener = Listener(others[0].port, "feed.twin")
    hears_beyond(listener, 20)
    owner.signal(signal.SIGSTOP)
    try:
        owner_among(others, "twin")
    finally:
        owner.signal(signal.SIGCONT)
    eventually(lambda: len(ticks.sockets) == 1 and owner_among(trio, "twin"), 60, what="one owner again")
    hears_beyond(listener, ticks.sent)
    heard = numbers(listener)
    assert len(heard) == len(set(heard)), "a row was heard twice"


def test_a_node_that_ends_hands_its_sources_over_without_a_hole(trio, ticks):
    ticks.ticking.set()
    trio[0].add_source(ticks.definition("baton"))
    owner = owner_among(trio, "baton", settled=3)
    others = [node for node in trio if node is not owner]
    listener = Listener(others[0].port, "feed.baton")
    hears_beyond(listener, 20)
    began = time.monotonic()
    assert owner.stop() == 0
    print(f"\nhanded over and ended in {time.monotonic() - began:.2f} s")
    hears_beyond(listener, ticks.sent + 50)
    heard = numbers(listener)
    assert heard == list(range(heard[0], heard[-1] + 1)), "a hole or a repeat at the hand-over"
    assert owner_among(others, "baton") in others


def test_an_edit_and_a_removal_reach_all_nodes(trio, ticks):
    trio[0].add_source(ticks.definition("edited", labels={"v": "1"}))
    eventually(lambda: all(node.get("/v1/sources/edited").status == 200 for node in trio), 20, what="the source everywhere")
    answer = trio[2].request("PATCH", "/v1/sources/edited", json.dumps({"labels": {"v": "2"}}),
                             headers={"Content-Type": "application/merge-patch+json"})
    assert answer.status == 200, answer
    eventually(lambda: all(node.source("edited")["labels"] == {"v": "2"} for node in trio), 20, what="the edit everywhere")
    assert trio[1].request("DELETE", "/v1/sources/edited").status in (200, 204)
    eventually(lambda: all(node.get("/v1/sources/edited").status == 404 for node in trio), 20, what="the removal everywhere")
    eventually(lambda: not ticks.sockets, 20, what="the end of the connection")


def test_a_warm_standby_is_connected_and_silent_and_goes_on_when_the_owner_dies(trio, ticks):
    ticks.ticking.set()
    trio[0].add_source(ticks.definition("warm", placement={"standby": "warm"}))
    owner = owner_among(trio, "warm", settled=3)
    others = [node for node in trio if node is not owner]
    eventually(lambda: len(ticks.sockets) == 2, 20, what="the connection of the standby")
    standby = next(node for node in others if id_of(node) == owner.source("warm")["standby"])
    eventually(lambda: standby.source("warm").get("standby_state") == "live", 20, what="a live standby")
    listener = Listener(others[0].port, "feed.warm")
    hears_beyond(listener, ticks.sent + 20)
    killed, connects = time.monotonic(), ticks.connects
    owner.kill()
    marker = ticks.sent + 5
    hears_beyond(listener, marker)
    took = time.monotonic() - killed
    print(f"\na warm standby's data flow {took:.2f} s after the owner was killed")
    assert owner_among(others, "warm") is standby
    heard = numbers(listener)
    assert len(heard) == len(set(heard)), "the standby was silent"
    eventually(lambda: len(ticks.sockets) == 2, 30, what="a new standby")
    assert ticks.connects == connects + 1, "only the new standby has connected"


def test_a_restarted_standby_shows_that_it_stands_by_at_once(trio, ticks):
    trio[0].add_source(ticks.definition("calm"))
    owner = owner_among(trio, "calm", settled=3)
    other = next(node for node in trio if node is not owner)
    other.kill()
    other.start()
    shown = other.source("calm")
    assert shown["role"] == "standby" and shown["owner"] == id_of(owner), shown
    assert shown["state"] in ("standby", "live"), shown


def test_nothing_is_left_of_a_source_that_was_removed(trio, ticks):
    trio[0].add_source(ticks.definition("brief"))
    owner_among(trio, "brief")
    assert trio[1].request("DELETE", "/v1/sources/brief").status in (200, 204)
    eventually(lambda: all(node.get("/v1/sources/brief").status == 404 for node in trio), 20, what="the removal everywhere")
    stays(lambda: all(node.get("/v1/sources/brief").status == 404 for node in trio), 2, what="the removal")
    trio[2].add_source(ticks.definition("brief"))
    eventually(lambda: trio[2].source("brief")["owner"], 20, what="an owner")
    stays(lambda: trio[2].source("brief")["term"] == 1, 2, what="the first term, as of any new source")


def test_many_declared_sources_are_shared_without_a_wait(make_node, ticks):
    node = make_node(start=False, ports=[ticks.port], config={
        "source": [ticks.definition(f"d-{number}", enabled=False) for number in range(1500)]})
    node.start()
    began = time.monotonic()
    eventually(lambda: node.get("/v1/sources/d-1499").status == 200, 30, what="the last of them")
    assert time.monotonic() - began < patient(5)
    eventually(lambda: node.metric("anode_state_adopting", kind="declared-source") == 0, 10, what="the end of it")


def test_changes_past_the_rate_are_refused_with_a_time_to_wait(make_node, ticks):
    node = make_node(ports=[ticks.port])
    answers = []
    for number in range(3000):
        answers.append(node.post("/v1/pipelines", {"name": "p", "input": "in.a", "output": "out.a", "steps": []})
                       if number == 0 else node.request("PATCH", "/v1/pipelines/p", {"enabled": bool(number % 2)}))
        if answers[-1].status == 429:
            break
    refused = answers[-1]
    assert (refused.status, refused.json()["code"]) == (429, "rate-limited"), refused
    assert refused.json()["retry_ms"] and refused.headers["Retry-After"]
    eventually(lambda: node.request("PATCH", "/v1/pipelines/p", {"enabled": True}).status == 200, 10, what="room again")
