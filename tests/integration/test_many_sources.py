"""A hundred and twenty sources of every transport and habit, for two minutes, while they die, stall, talk nonsense and come back:
every row arrives exactly once, and the books say where everything else went."""
import http.client
import json
import os
import random
import threading
import time
from collections import Counter

from feeds import SOCKET_SHAPES, RestFeed, SseFeed, World
from listeners import Listener
from patience import eventually, patient

SECONDS = float(os.environ.get("ANODE_SECONDS", "120"))
SEED = int(os.environ.get("ANODE_SEED", str(random.randrange(1 << 32))))
HOOKS = [f"hook-{n}" for n in range(15)]


class Pusher(threading.Thread):
    """Pushes rows to all webhook sources in turn. What was not answered is pushed again: the same row, not another."""

    def __init__(self, node, draw):
        super().__init__(daemon=True)
        self.node, self.draw, self.pushed, self.over = node, draw, Counter(), threading.Event()
        self.repeats, self.refused = 0, 0
        self.start()

    def push(self, connection, hook, body):
        connection.request("POST", f"/v1/in/{hook}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=patient(20))
        while not self.over.wait(0.03):
            hook = self.draw.choice(HOOKS)
            body = f'{{"s":"{hook}","n":{self.pushed[hook] + 1}}}'
            status, said = self.push(connection, hook, body)
            assert status == 200, (status, said)
            self.pushed[hook] += 1
            if self.draw.random() < 0.1:  # a sender that never saw the answer
                self.repeats += 1
                assert self.push(connection, hook, body)[0] == 200
            if self.draw.random() < 0.1:
                self.refused += 1
                assert self.push(connection, hook, self.draw.choice(['{"s":', "[1,2", '{"s":"x"}']))[0] in (400, 422)


def test_every_row_of_120_troubled_sources_arrives_exactly_once_and_the_books_balance(make_node):
    print(f"ANODE_SEED={SEED}")
    world = World([shape for shape in SOCKET_SHAPES for _ in range(10)] + [RestFeed] * 30 + [SseFeed] * 15, SEED)
    got, strange, digits = Counter(), [], []

    def take(line):
        message = json.loads(line, parse_float=str)
        if "op" in message:
            strange.append(message)
            return
        data = message["data"]
        got[(message["src"], data.get("n"))] += 1
        if "p" in data and data["p"] != f'{data["n"]}.1000000000000000001':
            digits.append(data)
        if message["topic"] != f'many.{message["src"]}' or message.get("key") != message["src"] or data["s"] != message["src"]:
            strange.append(message)

    try:
        node = make_node(ports=[world.port])
        listener = Listener(node.port, "many.>", keep=take)
        for definition in world.definitions():
            node.add_source(definition)
        for hook in HOOKS:
            node.add_source({"name": hook, "type": "webhook", "topic": f"many.{hook}", "map": {"key": "s", "id": "n"},
                             "dedupe": {"by": ["key", "id"], "keep": "10m"}, "require": [".n"]})
        assert len(node.sources()) == 120
        world.begin(row_every=0.5, trouble_every=0.05)
        pusher = Pusher(node, random.Random(SEED))
        over = time.monotonic() + SECONDS
        eventually(lambda: time.monotonic() >= over, SECONDS, pause=1)

        world.calm()
        pusher.over.set()
        pusher.join(patient(20))
        world.stop()
        due = {(name, n) for name, feed in world.feeds.items() for n in range(1, len(feed.rows) + 1)}
        due |= {(hook, n + 1) for hook in HOOKS for n in range(pusher.pushed[hook])}
        eventually(lambda: len(due - got.keys()) == 0 or listener.ended, 40, what="every row", pause=0.25)
        eventually(lambda: all(s["state"] in ("live", "stale", "connecting", "subscribing") for s in node.sources()), 20,
                   what="all sources back")

        missing, twice = due - got.keys(), [which for which, times in got.items() if times > 1]
        assert not missing, f"{len(missing)} of {len(due)} rows missing: {sorted(missing)[:5]}"
        assert not twice, f"{len(twice)} rows more than once: {sorted(twice, key=str)[:5]}"
        assert not got.keys() - due, f"rows that nobody sent: {list(got.keys() - due)[:5]}"
        assert not strange and not digits, (strange[:2], digits[:2])
        listener.close()
        compare_books(node, len(due))
        tell(node, world, pusher, due)
        show_that_trouble_came(world, pusher, node)
    finally:
        world.close()


def compare_books(node, rows):
    """received = stored + rejected + duplicates + dropped, with what the node made itself set apart."""
    assert node.metric("anode_ingest_messages_total") == rows
    sources = node.sources()
    for source in sources:
        assert node.post(f"/v1/sources/{source['name']}:disable").status == 200
    # The small state's entries are stored and shown to nobody: a definition is written when made and when disabled, and so is
    # the claim of whoever runs it; push sources have no owner.
    between_nodes = 2 * (len(sources) + sum(source["type"] != "webhook" for source in sources))

    def lines(topics):
        return node.get(f"/v1/messages?topics={topics}&order=asc", headers={"Accept": "application/x-ndjson"}, timeout=60).text.splitlines()

    def quiet():
        """Two statistics in a row that differ by one message: the first of them."""
        system = [json.loads(line) for line in lines("$sys.>,$dlq.>")]
        last = system[-2:]
        if len(last) < 2 or not all(m["topic"].startswith("$sys.stats.") for m in last):
            return None
        if last[1]["data"]["stored"] != last[0]["data"]["stored"] + 1:
            return None
        return last[1]["data"], len(system) - 1
    stats, made_here = eventually(quiet, 20, what="quiet", pause=0.5)
    stored_rows = len(lines("many.>"))
    assert stored_rows == rows, "the store holds what the listener heard"
    assert stats["stored"] == stored_rows + made_here + between_nodes, (stats, stored_rows, made_here, between_nodes)
    assert stats["received"] == stored_rows + stats["rejected"] + stats["duplicates"] + stats["dropped"], (stats, stored_rows)
    letters = len(lines("$dlq.>"))
    assert stats["rejected"] == letters, (stats, letters)


def show_that_trouble_came(world, pusher, node):
    """A quiet run would prove nothing."""
    feeds = world.feeds.values()
    assert sum(f.deaths for f in feeds) > 20 and sum(f.garbage_sent for f in feeds) > 20 and pusher.repeats > 5
    assert sum(f.unchanged for f in feeds if isinstance(f, RestFeed)) > 20, "ETags were used"
    assert sum(f.resumed for f in feeds if isinstance(f, SseFeed)) > 10, "streams were resumed by event id"
    assert node.metric("anode_source_reconnects_total") > 50


def tell(node, world, pusher, due):
    stats = node.stats()
    print(f"{len(due)} rows, {sum(f.deaths for f in world.feeds.values())} deaths, "
          f"{sum(f.garbage_sent for f in world.feeds.values())} pieces of garbage, "
          f"{node.metric('anode_source_reconnects_total'):.0f} reconnects, {stats['duplicates']} repeats removed, "
          f"{stats['rejected']} rejected, {stats['memory_bytes'] >> 20} MiB")
