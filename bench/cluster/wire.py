"""4c, 6: what it costs that every node has every message: bytes between hosts, and the owner's processor."""

import base64
import itertools
import os
import random
import time

from measure import ingest
from measure.servers import CLIENT_CORE, SERVER_CORE, free_port
from measure.table import Row, Series, spread, verdict

from .nodes import Hosts, Nodes, command, note, pin, publish, stored, until, why_no_hosts

PAYLOAD, NODES = 200, 10
FLOOR = (192 * 0.75 + 8) / PAYLOAD  # base64 carries six bits a letter
TRADES = itertools.count()


def bytes_out(cluster):
    """Sent by all hosts, as their interfaces count: whatever it was for, headers included."""
    counter = "/sys/class/net/eth0/statistics/tx_bytes"
    return sum(int(command("ip", "netns", "exec", host.name, "cat", counter)) for host in cluster.hosts)


def quiet_rate(cluster, seconds):
    """Bytes a second while nothing is published."""
    before, began = bytes_out(cluster), time.monotonic()
    time.sleep(seconds)
    return (bytes_out(cluster) - before) / (time.monotonic() - began)


def opaque():
    """A JSON text of 200 bytes that is as good as random: no compression makes it shorter than FLOOR of its length."""
    room = PAYLOAD - len('{"x":""}')
    return '{"x":"%s"}\n' % base64.b64encode(os.urandom(room)).decode()[:room]


def trade():
    """As an exchange sends it, about 200 bytes."""
    price, number = random.randrange(10**10), next(TRADES)
    at = int(time.time() * 1000) + number
    return ('{"e":"trade","E":%d,"s":"C%04uUSDT","t":%d,"p":"%d.%05d000","q":"0.%05d000","b":%d,"a":%d,"T":%d,"m":"%s","M":true,'
            '"venue":"spot","kind":"retail-order"}\n' % (
                at + 3, number % 300, 3 * 10**9 + number, 100000 + price // 10**7, price % 10**5, price % 99991, 28457 * 10**6 + number * 3,
                28457 * 10**6 + number * 3 + 1, at, "buyer" if price % 2 else "maker"))


class Load:
    """So many messages a second, so many in each request, of one kind."""

    def __init__(self, kind, rate, batch, words):
        self.kind, self.rate, self.batch, self.words = kind, rate, batch, words
        self.ratios = Series()

    def run(self, cluster, seconds, quiet):
        """Bytes on the wire for each byte of payload and each other node."""
        topic = f"wire.{time.monotonic_ns()}"
        batches = [[self.kind() for _ in range(self.batch)] for _ in range(int(self.rate * seconds) // self.batch)]
        payload = sum(len(line) - 1 for lines in batches for line in lines)
        before, began = bytes_out(cluster), time.monotonic()
        for number, lines in enumerate(batches):
            time.sleep(max(0.0, began + number * self.batch / self.rate - time.monotonic()))
            publish(cluster.members[0], topic, lines)
        wanted = self.batch * len(batches)
        until(lambda: all(stored(one, topic) == wanted for one in cluster.members), 60, "all of it on all nodes", 0.2)
        took = time.monotonic() - began
        sent = bytes_out(cluster) - before - quiet * took
        note(f"4c: {self.words}: {sent:.0f} bytes for {payload} in {took:.1f} s, {quiet:.0f} a second in silence")
        self.ratios.add(sent / (payload * (len(cluster.members) - 1)))

    def row(self, least, aim, floor=None):
        middle = self.ratios.median
        told = f"{middle:.2f}" + (f", {middle / floor:.2f} of the least that its entropy allows" if floor else "")
        judged = middle / (floor or 1)
        return Row("4c", f"bytes between {NODES} hosts / (payload × {NODES - 1}), everything counted, less a silent run; {self.words}",
                   told, "", "", spread(self.ratios.values), str(least), str(aim), verdict(judged <= least, judged <= aim))


def blocks(cluster):
    """Blocks that all nodes have received, and how many of those they had already; nothing if they do not tell."""
    counters = [member.get("/v1/mesh").json().get("counters") or {} for member in cluster.members]
    if not all("duplicates" in one and "blocks_in" in one for one in counters):
        return None
    return sum(one["blocks_in"] for one in counters), sum(one["duplicates"] for one in counters)


def copies_row(before, after):
    received, again = after[0] - before[0], after[1] - before[1]
    note(f"4c: {received} blocks received, {again} of them again")
    copies = received / max(1, received - again)
    return Row("4c", f"copies of a block that each of {NODES} nodes receives, the same loads", f"{copies:.3f}", "", "", "", "1.05", "1.02",
               verdict(copies <= 1.05, copies <= 1.02))


def bytes_per_payload(world):
    why = why_no_hosts()
    if why:
        raise RuntimeError(why)
    random_ones = Load(opaque, 5000, 100, "5,000 msg/s of 200 B that hardly compress, 100 at a time")
    trades = Load(trade, 5000, 100, "5,000 msg/s of trades, 100 at a time")
    singles = Load(opaque, 500, 1, "500 msg/s of 200 B, one at a time")
    with Hosts(world, NODES) as cluster:
        time.sleep(2)
        quiet = quiet_rate(cluster, max(2, world.seconds))
        before = blocks(cluster)
        for _ in range(world.runs):
            for load in (random_ones, trades, singles):
                load.run(cluster, world.seconds, quiet)
        after = blocks(cluster)
    yield random_ones.row(1.15, 1.05, FLOOR)
    yield trades.row(1.15, 0.30)
    yield singles.row(1.15, 1.05)
    if before:
        yield copies_row(before, after)
    else:
        note("4c: nodes do not tell how many copies they received")


def sources(port):
    """Those of the first node: it alone knows them, and they are bound to it."""
    return [{"name": f"exchange-{number}", "type": "websocket", "url": f"ws://127.0.0.1:{port}/{number}",
             "topic": "bench.exchange.{.s}.trade", "map": {"key": "s", "id": "t", "time": "T", "unit": "ms"},
             "dedupe": {"by": ["key", "id"], "keep": "10m", "max": 4096}, "alive": {"protocol_ping": "0", "any": "10m"},
             "placement": {"node": "n1"}} for number in range(ingest.SOURCES)]


def owner_of_all(world):
    """The owner has core 0; the exchange and the two who are passed everything share core 1."""
    share = Series()
    for _ in range(max(1, world.runs - 1)):
        port = free_port()
        egress = {"allow_private": ["127.0.0.0/8"], "ports": [port]}
        with Nodes(world, 3, CLIENT_CORE, {"egress": egress}, first_sources=sources(port)) as cluster:
            owner = cluster.members[0]
            pin(owner.process.pid, SERVER_CORE)

            def checked(whole, cluster=cluster):
                wanted = whole["sent_in_all"] - whole["repeats_in_all"]
                until(lambda: all(stored(member, "bench.") == wanted for member in cluster.members), 60, "all of it on all nodes", 0.5)

            answer = ingest.play(world, port, owner.process.pid, checked, segment=1, rate=ingest.SOURCES * 10, warm=3)
            share.add(100 * answer["server_cores"])
            note(f"6: {answer}")
    yield Row("6-cluster", "1,000 sources × 10 msg/s, whole chain, passed to 2 more nodes: % of a core, of the owner",
              f"{share.median:.0f} %", "", "", f"{spread(share.values, 0)} %", "35 %", "20 %", verdict(share.median <= 35, share.median <= 20))


FIGURES = {"4c": bytes_per_payload, "6-cluster": owner_of_all}
