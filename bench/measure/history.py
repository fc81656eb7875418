"""3d, rare: what ten million messages weigh, how fast they are read, and how soon a rare one is found."""

import time
import urllib.request
from pathlib import Path

from .servers import Anode
from .table import Row, Series, short, spread, verdict

MESSAGES = 10_000_000
RARE_EVERY = 10_000


def filled(world):
    node = Anode(world.binary, world.fresh())
    messages = world.messages
    world.programs.run("fill", directory=node.directory / "data" / "store", messages=messages,
                       rare=RARE_EVERY)
    return node, messages


def weigh(node):
    return sum(file.stat().st_size for file in Path(node.directory, "data", "store").rglob("*")
               if file.suffix in (".sst", ".blob"))


def rare(node, topic):
    url = f"http://127.0.0.1:{node.port}/v1/topics/{topic}/messages?limit=100&format=data"
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=60) as answer:
        body = answer.read()
    took = 1000 * (time.perf_counter() - began)
    if body.count(b'"e":"trade"') != 100:
        raise RuntimeError(f"{topic}: {len(body)} bytes are not its newest 100")
    return took


def history(world):
    node, messages = filled(world)
    weight = weigh(node) / messages
    first, again, cold, warm, socket = Series(), Series(), Series(), Series(), Series()
    for _ in range(world.runs):
        with node.start() as server:
            read = lambda wire: world.programs.run("replay", port=server.port, server=server.pid,
                                                   messages=messages, wire=wire)
            first.add(rare(node, "rare.one"))
            again.add(rare(node, "rare.one"))
            cold.add(read("ndjson")["per_cpu_second"])
            warm.add(read("ndjson")["per_cpu_second"])
            socket.add(read("ws")["per_cpu_second"])
    return [
        Row("3d", "disk bytes per message of 209 B, index included", f"{weight:.1f} B", "", "", "",
            "100 B", "45 B", verdict(weight <= 100, weight <= 45)),
        replay_row(f"replay of {short(messages)} to one NDJSON listener from the disk's pages: "
                   "messages per core-second", cold),
        replay_row("the same again", warm),
        replay_row("the same, to a WebSocket listener", socket),
        Row("rare", f"newest 100 of a topic that is 1 in {RARE_EVERY:,} of {short(messages)}, over HTTP: "
            "first, again", f"{first.median:.1f}, {again.median:.1f} ms", "", "",
            f"{spread(first.values, 1)} ms", "100 ms", "10 ms",
            verdict(first.median <= 100, first.median <= 10)),
    ]


def replay_row(what, series):
    return Row("3d", what, short(series.median), "", "", f"{spread([v / 1e6 for v in series.values])} M",
               "1 M", "3 M", verdict(series.median >= 1e6, series.median >= 3e6))
