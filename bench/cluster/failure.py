"""8a, F5, F7: how soon others know that a node died, its sources flow elsewhere, and who was away has all of it."""

import json
import signal
import statistics
import threading
import time

from measure.table import Row, spread, verdict

from .feed import Feed
from .nodes import Nodes, note, peers, publish, stored, until

MISSED, BATCH = 1_000_000, 10_000
TAKEOVERS = 10
DEATHS = 5


def share(values, part):
    """The value that this part of them does not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Observers:
    """Of each node of a cluster: whom it has declared dead, and when."""

    def __init__(self, members):
        self.told = {member: {} for member in members}
        self.listeners = [self.listen(member, member.id) for member in members]

    def listen(self, member, own):
        return member.listen("$sys.event.member", keep=lambda line: self.take(member, own, line))

    def take(self, member, own, line):
        """What other nodes tell of a death comes along too; it is not this one's own knowledge."""
        at, message = time.monotonic(), json.loads(line)
        if message.get("node") == own and message.get("data", {}).get("change") == "died":
            self.told[member].setdefault(message["data"]["id"], at)

    def all_know(self, victim):
        return all(victim in told for member, told in self.told.items() if member.alive)

    def latest(self, victim):
        return max(told[victim] for member, told in self.told.items() if member.alive)


def death(cluster, victim):
    observers = Observers([member for member in cluster.running if member is not victim])
    name = victim.id
    began = time.monotonic()
    victim.signal(signal.SIGKILL)
    try:
        until(lambda: observers.all_know(name), 30, "all others to know of a death")
    finally:
        victim.kill()
        for listener in observers.listeners:
            listener.close()
    return observers.latest(name) - began


def memberlist_death(count):
    """Seconds until all others of memberlist's members know that one was killed."""
    from membership.crowd import Crowd, wait_until
    with Crowd("go", count) as crowd:
        if crowd.join() is None:
            raise RuntimeError("memberlist's members do not all see each other")
        victim = crowd.pick(1)
        others = crowd.others(victim)
        began = time.monotonic()
        victim.kill()
        wait_until(lambda: all(one.gone for one in others), 90)
        return max(one.gone[0][0] for one in others) - began


def known_by_all(figure, size, deaths):
    def measured(world):
        with Nodes(world, size) as cluster:
            took = []
            for turn in range(deaths):
                victim = cluster.members[1 + turn % (size - 1)]
                took.append(death(cluster, victim))
                note(f"{figure}, {size} nodes: {took[-1]:.3f} s")
                if turn + 1 < deaths:
                    cluster.again(victim)
        try:
            peer = memberlist_death(size)
        except (peers.Absent, AssertionError, RuntimeError, IndexError) as why:
            note(f"{figure}, {size} nodes: no figure of memberlist: {why}")
            peer = None
        middle = statistics.median(took)
        yield Row(figure, f"a node of {size} killed (SIGKILL): all others have declared it dead, {deaths} deaths",
                  f"{middle:.3f} s (worst {max(took):.3f})", f"memberlist 0.7.0 {peer:.2f} s" if peer else "", "",
                  f"{spread([one / peer for one in took], 3)} × memberlist" if peer else "", "2 s", "0.3 s",
                  verdict(max(took) <= 2, middle <= 0.3))
    return measured


class Ear:
    """Listeners on all nodes but one: when each number of the feed came first."""

    def __init__(self, members):
        self.heard, self.lock = {}, threading.Lock()
        self.listeners = [member.listen("bench.feed", keep=self.take) for member in members]

    def take(self, line):
        number, at = json.loads(line).get("data", {}).get("n"), time.monotonic()
        with self.lock:
            self.heard.setdefault(number, at)

    def first_behind(self, sent):
        """When a message came that the feed sent after `sent`."""
        with self.lock:
            return min((at for number, at in self.heard.items() if number is not None and number > sent), default=None)

    def close(self):
        for listener in self.listeners:
            listener.close()


def owner_of(cluster):
    """The node that runs the feed, when all agree."""
    names = {member.source("feed").get("owner") for member in cluster.running}
    return next((member for member in cluster.running if names == {member.id}), None)


def takeover(cluster, feed):
    victim = until(lambda: owner_of(cluster), 60, "one owner of the source, for all the same", 0.1)
    ear = Ear([member for member in cluster.running if member is not victim])
    mark = feed.number
    until(lambda: ear.first_behind(mark), 30, "the feed to flow")
    last, began = feed.number, time.monotonic()
    victim.signal(signal.SIGKILL)
    try:
        # What the dying one has passed on may still come: sent before the kernel had ended it.
        return until(lambda: ear.first_behind(last + 2), 90, "messages from another owner") - began
    finally:
        ear.close()
        victim.kill()
        cluster.again(victim)


def dead_owner(world):
    feed = Feed()
    egress = {"allow_private": ["127.0.0.0/8"], "ports": [feed.port]}
    try:
        with Nodes(world, 3, config={"egress": egress}, sources=[feed.definition]) as cluster:
            if "role" not in cluster.members[0].source("feed"):
                raise RuntimeError("this program has no owners of sources")
            took = []
            for _ in range(TAKEOVERS):
                took.append(takeover(cluster, feed))
                note(f"F5: {took[-1]:.3f} s")
    finally:
        feed.close()
    middle, tail = statistics.median(took), share(took, 0.99)
    yield Row("F5", f"the owner of a source killed, 3 nodes: the next of its messages at a listener elsewhere, {TAKEOVERS} times: "
              "p50, p99", f"{middle:.2f}, {tail:.2f} s", "", "", "", "5, 12 s", "1, 5 s",
              verdict(middle <= 5 and tail <= 12, middle <= 1 and tail <= 5))


def check_whole(member):
    """What the store counts can be read, and each number is there once."""
    answer = member.get("/v1/messages?topics=bench.missed&order=asc&format=data", headers={"Accept": "application/x-ndjson"}, timeout=120)
    numbers = [line for line in answer.body.splitlines() if line.startswith(b'{"n":')]
    if len(numbers) != MISSED or len(set(numbers)) != MISSED:
        raise RuntimeError(f"{len(set(numbers)):,} of {MISSED:,} can be read, {len(numbers) - len(set(numbers)):,} of them twice")


def missed(world):
    took = []
    lines = [json.dumps({"n": number}) + "\n" for number in range(MISSED)]
    for _ in range(max(1, world.runs - 1)):
        with Nodes(world, 3) as cluster:
            first, _, away = cluster.members
            away.stop()
            for at in range(0, MISSED, BATCH):
                publish(first, "bench.missed", lines[at:at + BATCH])
            until(lambda: all(stored(member, "bench.") == MISSED for member in cluster.running), 120, "all of it on the others", 0.2)
            began = time.monotonic()
            away.launch()
            away.wait_ready(60)
            ready = time.monotonic() - began
            until(lambda: stored(away, "bench.") == MISSED, 180, f"{MISSED:,} messages where they were missed", 0.1)
            took.append(time.monotonic() - began)
            check_whole(away)
            note(f"F7: ready after {ready:.2f} s, whole after {took[-1]:.2f} s")
    middle = statistics.median(took)
    yield Row("F7", f"one of 3 nodes was away and missed {MISSED:,} small messages: exec to its whole history", f"{middle:.1f} s", "", "",
              f"{spread(took, 1)} s", "30 s", "10 s", verdict(middle <= 30, middle <= 10))


FIGURES = {
    "8a": known_by_all("8a", 10, DEATHS),
    "8a-50": known_by_all("8a-50", 50, 1),
    "f5": dead_owner,
    "f7": missed,
}
