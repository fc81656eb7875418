"""3a, 3c, 6: from the network to the store."""

import time

from .clients import answer_of, end
from .servers import SERVER_CORE, Anode, free_port
from .table import Row, Series, ratios, short, spread, verdict

SOURCES = 1000


def exchange(world, **how):
    """A node with a thousand sources and the exchange they connect to; every message accounted for."""
    port = free_port()
    node = Anode(world.binary, world.fresh(), SOURCES, port)
    with node.start() as server:
        return play(world, port, server.pid, lambda whole: check(node, whole), **how)


def play(world, port, server, checked, **how):
    """The exchange for the sources of a node that runs; `checked` is told what was sent."""
    feed = world.programs.begin("exchange", port=port, server=server, clients=SOURCES, seconds=world.seconds, **how)
    try:
        answer_of(feed)  # the mark: all connected, and warm
        measured, whole = answer_of(feed), answer_of(feed)
        checked(whole)
    finally:
        end(feed)
    return measured


def check(node, whole):
    """Received, recognized as a repeat, or stored: nothing else may have happened to a message."""
    sent, repeats = whole["sent_in_all"], whole["repeats_in_all"]
    deadline = time.monotonic() + 60
    while True:
        stats, stored = node.stats(), node.stored("bench.")
        if stats["received"] >= sent and stored >= sent - repeats:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"{sent} sent, {stats['received']} received, {stored} stored")
        time.sleep(0.5)
    if (stats["received"], stats["duplicates"], stored) != (sent, repeats, sent - repeats):
        raise RuntimeError(f"{sent} sent with {repeats} repeats: {stored} stored, {stats}")


def rocks(world, **how):
    return world.programs.run("rocks_raw", core=SERVER_CORE, directory=world.fresh() / "rocks",
                              messages=1_000_000, **how)


def stored(world):
    anode, puts, ordered, blocks = Series(), Series(), Series(), Series()
    for _ in range(world.runs):
        puts.add(rocks(world, mode="puts")["per_cpu_second"])
        ordered.add(rocks(world, mode="puts", sources=SOURCES, run=10)["per_cpu_second"])
        answer = exchange(world, segment=10, repeat=0.02, warm=2)
        anode.add(answer["sent"] / answer["server_cpu"])
        blocks.add(rocks(world, mode="blocks")["per_cpu_second"])
    times, share = ratios(anode, puts), ratios(anode, blocks)
    middle, of_limit = Series(times).median, Series(share).median
    return [Row("3a", "WebSocket in, 1,000 sources, 10 a segment, parsed, de-duplicated, stored: "
                "messages per core-second", short(anode.median),
                f"RocksDB puts, batch 1,000: {short(puts.median)} (10 of a source in a row: "
                f"{short(ordered.median)})", f"RocksDB, blocks of 100: {short(blocks.median)}",
                f"{spread(times)} × puts, {spread(share)} × blocks", "1 × puts", "3 × puts, 0.7 × blocks",
                verdict(middle >= 1, middle >= 3 and of_limit >= 0.7))]


def durable(world):
    anode, tail, puts, blocks = Series(), Series(), Series(), Series()
    for _ in range(world.runs):
        puts.add(rocks(world, mode="puts", sync=1)["per_second"])
        with Anode(world.binary, world.fresh()).start() as server:
            answer = world.programs.run("push", port=server.port, server=server.pid,
                                        seconds=world.seconds, connections=16, window=1000)
        if answer["lost"] or answer["refused"]:
            raise RuntimeError(f"{answer['lost']} lost, {answer['refused']} refused")
        anode.add(answer["per_second"])
        tail.add(answer["p99_ms"])
        blocks.add(rocks(world, mode="blocks", sync=1)["per_second"])
    times, share = ratios(anode, puts), ratios(anode, blocks)
    return [Row("3c", "durable publishes a second, acknowledged one by one after the fsync (p99 ms)",
                f"{short(anode.median)} ({tail.median:.0f})",
                f"RocksDB puts, batch 1,000, synced: {short(puts.median)}",
                f"RocksDB, blocks of 100, synced: {short(blocks.median)}",
                f"{spread(times)} × puts, {spread(share)} × blocks", "100 k", "500 k, p99 ≤ 50 ms",
                verdict(anode.median >= 1e5, anode.median >= 5e5 and tail.median <= 50))]


def chain(world):
    share = Series()
    for _ in range(world.runs):
        answer = exchange(world, segment=1, rate=SOURCES * 10, warm=3)
        share.add(100 * answer["server_cores"])
    return [Row("6", "1,000 sources × 10 msg/s, whole chain on one node: % of a core",
                f"{share.median:.0f} %", "", "", f"{spread(share.values, 0)} %", "60 %", "20 %",
                verdict(share.median <= 60, share.median <= 20))]
