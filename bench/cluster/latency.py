"""2a, 2b, 4a, late: how soon a message is where it is wanted, between nodes. One process publishes and listens: one clock."""

import json
import socket
import tempfile
import threading
import time
from pathlib import Path

from measure.servers import CLIENT_CORE, SERVER_CORE, free_port
from measure.table import Row, Series, ratios, spread, verdict

from .nodes import NatsCluster, Nodes, note, peers, publish, until
from member import Member  # where it lies is known since .nodes
from membership.crowd import cpu_seconds

BOTH_CORES = f"{SERVER_CORE},{CLIENT_CORE}"
LISTENERS = 10
PERCENTILES = ("p50_ms", "p99_ms", "p999_ms")
HISTORY = 200_000
BROADCAST_PATIENCE, QUIET_SECONDS = 5, 2
MEMBERLIST_REACH = 3  # more are not reached by its sender alone, and passing on is left to the program


def load(world, peer, ports, core=CLIENT_CORE, **how):
    """A publisher and listeners, who all hear all of it, in order; a hole ends the run."""
    answer = world.programs.run("fanout", peer=peer, port=ports, core=core, **{"seconds": world.seconds, **how})
    if answer["lost"] or answer["wrong"]:
        raise RuntimeError(f"{peer}: {answer['lost']} lost, {answer['wrong']} wrong")
    return answer


def hop(world, cluster, peer, rate):
    """In at the first of three, out at the last."""
    ports = cluster.ports().split(",")
    return load(world, peer, ports[-1], publish=ports[0], server=cluster.pids[-1], listeners=LISTENERS, rate=rate)


def milliseconds(by_percentile):
    return " / ".join(f"{by_percentile[name].median:.3g}" for name in PERCENTILES) + " ms"


def node_to_node(figure, rate, least, aim):
    """`least` and `aim`: what each of the ratios p50, p99, p99.9 must not pass; nothing for what is not asked."""
    def words(levels):
        return ", ".join(f"{name} {level:g} ×" for name, level in zip(("p50", "p99", "p99.9"), levels) if level)

    def measured(world):
        ours, theirs = ({name: Series() for name in PERCENTILES} for _ in range(2))
        for _ in range(world.runs):
            with NatsCluster(world, 3, SERVER_CORE) as cluster:
                peer_name, answer = cluster.name, hop(world, cluster, "nats", rate)
            for name in PERCENTILES:
                theirs[name].add(answer[name])
            with Nodes(world, 3, SERVER_CORE) as cluster:
                answer = hop(world, cluster, "anode", rate)
            for name in PERCENTILES:
                ours[name].add(answer[name])
            note(f"{figure}: {answer}")
        times = {name: ratios(ours[name], theirs[name]) for name in PERCENTILES}
        held = [[not level or Series(times[name]).median <= level for name, level in zip(PERCENTILES, levels)]
                for levels in (least, aim)]
        yield Row(figure, f"node to node, {rate // 1000} k msg/s of 200 B, {LISTENERS} listeners, three nodes that all store: "
                  "p50 / p99 / p99.9", milliseconds(ours), f"{peer_name} cluster, nothing stored: {milliseconds(theirs)}", "",
                  "; ".join(f"{name} {spread(times[key])}" for name, key in zip(("p50", "p99", "p99.9"), PERCENTILES)),
                  words(least), words(aim), verdict(all(held[0]), all(held[1])))
    return measured


def memberlist_broadcast(count, messages):
    """In words: milliseconds until the last of memberlist's members has a broadcast of 200 bytes."""
    with tempfile.TemporaryDirectory() as logs:
        log = Path(logs) / "log"
        members = [Member(peers.memberlist(), f"m{i}", "-preset", "lan", "-log=false", log=log, ignore=("ping", "update", "merge"),
                          ready=False) for i in range(count)]
        try:
            for one in members:
                one.wait_ready()
            for one in members[1:]:
                one.join(members[0])
            until(lambda: all(len(one.names()) == count for one in members), 60, "a whole view of memberlist's", 0.3)
            took = [broadcast(members) for _ in range(messages)]
        finally:
            for one in members:
                one.end()
    whole = [one for one in took if one is not None]
    if not whole:
        return "none reached all"
    return f"{Series(whole).median:.0f} ms" + (f", {messages - len(whole)} of {messages} never" if len(whole) < messages else "")


def broadcast(members):
    """Nothing if somebody did not hear it: memberlist does not say it again."""
    marks = [one.mark() for one in members]
    began = time.monotonic()
    members[0].send("broadcast", payload="x" * 200)
    waiting, last = list(zip(members, marks))[1:], began
    while waiting and time.monotonic() < began + BROADCAST_PATIENCE:
        time.sleep(0.01)
        heard = [one.find("message", since=mark) for one, mark in waiting]
        last = max([last, *(found[0]["at"] for found in heard if found)])
        waiting = [one for one, found in zip(waiting, heard) if not found]
    return None if waiting else 1000 * (last - began)


def beside_memberlist(size):
    try:
        return f"; memberlist 0.7.0 {memberlist_broadcast(size, 10)}"
    except (peers.Absent, AssertionError, RuntimeError) as why:
        note(f"4a, {size} nodes: no figure of memberlist: {why}")
        return ""


def quiet_cores(cluster):
    """Who has just joined has much to say; then what all nodes together use of the processors."""
    time.sleep(len(cluster.pids) / 5)
    used = [sum(cpu_seconds(pid) for pid in cluster.pids)]
    time.sleep(QUIET_SECONDS)
    used.append(sum(cpu_seconds(pid) for pid in cluster.pids))
    return (used[1] - used[0]) / QUIET_SECONDS


def everywhere(world, figure, size, least, aim, aim_tail):
    """One message at a time, until the last of all nodes has shown it to a listener."""
    middle, tail, peer, peer_name = Series(), Series(), Series(), None
    how = {"core": BOTH_CORES, "listeners": size, "rate": 20}
    for _ in range(world.runs):
        with NatsCluster(world, size, BOTH_CORES) as cluster:
            peer_name = cluster.name
            peer.add(load(world, "nats", cluster.ports(), **how)["last_p50_ms"])
        with Nodes(world, size) as cluster:
            note(f"{figure}, {size} nodes: {quiet_cores(cluster):.2f} cores in silence")
            answer = load(world, "anode", cluster.ports(), **how)
        middle.add(answer["last_p50_ms"])
        tail.add(answer["last_p99_ms"])
        note(f"{figure}, {size} nodes: {answer}")
    told = f"{peer_name} {peer.median:.3g} ms"
    if size <= MEMBERLIST_REACH:
        told += beside_memberlist(size)
    return Row(figure, f"one message of 200 B to all of {size} nodes, listeners included: p50 (p99)",
               f"{middle.median:.3g} ({tail.median:.3g}) ms", told, "", f"{spread(ratios(middle, peer))} × NATS", f"{least} ms",
               f"{aim} ms, p99 {aim_tail} ms", verdict(middle.median <= least, middle.median <= aim and tail.median <= aim_tail))


def to_all(world):
    yield everywhere(world, "4a", 3, 2, 1, 5)
    yield everywhere(world, "4a", 10, 10, 3, 10)


def to_many(world):
    yield everywhere(world, "4a-50", 50, 50, 10, 30)


def first_live(member, began, patience=60):
    """Seconds from `began` until a listener of this node, who keeps trying, has had a live message."""
    request = b"GET /v1/stream?topics=bench.f&format=data HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/x-ndjson\r\n\r\n"
    while time.monotonic() < began + patience:
        try:
            with socket.create_connection(("127.0.0.1", member.port), patience) as connection:
                connection.sendall(request)
                heard = b""
                while b'{"n":' not in heard:
                    got = connection.recv(4096)
                    if not got:
                        raise ConnectionError
                    heard += got
                return time.monotonic() - began
        except OSError:
            time.sleep(0.005)
    raise RuntimeError("the joiner shows nothing live")


def join_under_load(world, cluster, seconds):
    """A fourth node with an empty disk, a second after the load has begun."""
    joiner, taken = cluster.make(start=False), {}
    joiner.port = free_port()

    def join():
        time.sleep(1.5)  # the load warms up for so long
        began = time.monotonic()
        joiner.launch()
        taken["live"] = first_live(joiner, began)

    joining = threading.Thread(target=join)
    joining.start()
    answer = load(world, "anode", cluster.ports(cluster.members[2:3]), publish=cluster.members[0].port, core=BOTH_CORES,
                  listeners=LISTENERS, rate=1000, seconds=seconds)
    joining.join()
    if "live" not in taken:
        raise RuntimeError("the joiner did not come to show live messages")
    return taken["live"], answer


def late_joiner(world):
    live, during, calm = Series(), Series(), Series()
    seconds = max(4, world.seconds)
    for _ in range(world.runs):
        with Nodes(world, 3) as cluster:
            lines = [json.dumps({"old": number, "pad": "x" * 160}) + "\n" for number in range(5000)]
            for _ in range(HISTORY // len(lines)):
                publish(cluster.members[1], "bench.history", lines)
            where = {"publish": cluster.members[0].port, "core": BOTH_CORES, "listeners": LISTENERS}
            calm.add(load(world, "anode", cluster.ports(cluster.members[2:3]), rate=1000, seconds=seconds, **where)["p99_ms"])
            took, answer = join_under_load(world, cluster, seconds)
            live.add(took)
            during.add(answer["p99_ms"])
            note(f"late: live after {took:.2f} s, p99 {calm.values[-1]:.2f} ms, then {answer['p99_ms']:.2f} ms")
    times = Series(ratios(during, calm)).median
    yield Row("late", f"a fourth node joins at 1,000 msg/s, {HISTORY:,} messages to copy: exec to its first live message; p99 of "
              "the others' listeners meanwhile (before)", f"{live.median:.2f} s; {during.median:.3g} ({calm.median:.3g}) ms", "", "",
              f"p99 {spread(ratios(during, calm))}", "2 s; p99 2 ×", "", verdict(live.median <= 2 and times <= 2, False))


FIGURES = {
    "2a": node_to_node("2a", 10_000, (1, 1, None), (0.6, 0.6, 1)),
    "2b": node_to_node("2b", 50_000, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
    "4a": to_all,
    "4a-50": to_many,
    "late": late_joiner,
}
