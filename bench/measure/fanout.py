"""1a, 1b, 1c: one publisher, a thousand listeners, 200 bytes."""

from .servers import Anode, Server, free_port, nats, nats_version
from .table import Row, Series, ratios, short, spread, verdict


def raw(world):
    port = free_port()
    return Server([world.programs.path("fanout_raw"), port], port, world.directory)


def load(world, server, peer, **how):
    answer = world.programs.run("fanout", peer=peer, port=server.port, server=server.pid,
                                listeners=1000, seconds=world.seconds, **how)
    if answer["lost"] or answer["wrong"]:
        raise RuntimeError(f"{peer}: {answer['lost']} lost, {answer['wrong']} wrong")
    return answer


def on_anode(world, **how):
    with Anode(world.binary, world.fresh()).start() as server:
        return load(world, server, "anode", **how)


def on_nats(world, binary, **how):
    with nats(binary, world.directory) as server:
        return load(world, server, "nats", **how)


def on_raw(world, **how):
    with raw(world) as server:
        return load(world, server, "raw", **how)


def compare(world, window):
    """Series of deliveries per server core-second: anode, each NATS, raw; alternating."""
    anode, limit = Series(), Series()
    peers = {binary: Series() for binary in world.nats}
    for _ in range(world.runs):
        for binary, series in peers.items():
            series.add(on_nats(world, binary, window=window)["per_cpu_second"])
        anode.add(on_anode(world, window=window)["per_cpu_second"])
        limit.add(on_raw(world, window=window)["per_cpu_second"])
    faster = max(peers, key=lambda binary: peers[binary].median)
    others = ", ".join(f"{nats_version(b)}: {short(s.median)}" for b, s in peers.items() if b != faster)
    name = f"NATS {nats_version(faster)} {short(peers[faster].median)}"
    world.faster_nats = faster
    return anode, peers[faster], limit, name + (f" ({others})" if others else "")


def saturated(world):
    anode, peer, limit, name = compare(world, 256)
    times, share = ratios(anode, peer), ratios(anode, limit)
    middle, of_limit = Series(times).median, Series(share).median
    return [Row("1a", "fan-out to 1,000, 200 B, 256 in flight: deliveries per server core-second",
                short(anode.median), name, f"raw ring {short(limit.median)}",
                f"{spread(times)} × NATS, {spread(share)} × raw", "1.5 × NATS", "4 × NATS, 0.8 × raw",
                verdict(middle >= 1.5, middle >= 4 and of_limit >= 0.8))]


def one_in_flight(world):
    anode, peer, limit, name = compare(world, 1)
    times, share = ratios(anode, peer), ratios(anode, limit)
    middle, of_limit = Series(times).median, Series(share).median
    return [Row("1b", "the same, 1 in flight", short(anode.median), name, f"raw {short(limit.median)}",
                f"{spread(times)} × NATS, {spread(share)} × raw", "1.2 × NATS", "2 × NATS, 0.9 × raw",
                verdict(middle >= 1.2, middle >= 2 and of_limit >= 0.9))]


def paced(world):
    """CPU for a million deliveries and p99, at once and gathered for a while."""
    binary = getattr(world, "faster_nats", world.nats[0])
    budgets = {None: "at once", "20ms": "batch=20ms", "50ms": "batch=50ms"}
    peer, limit = Series(), Series()
    cpu = {budget: Series() for budget in budgets}
    tail = {budget: Series() for budget in [*budgets, "nats"]}
    for _ in range(world.runs):
        answer = on_nats(world, binary, rate=1000)
        peer.add(answer["cpu_per_million"])
        tail["nats"].add(answer["p99_ms"])
        for budget in budgets:
            answer = on_anode(world, rate=1000, batch=budget)
            cpu[budget].add(answer["cpu_per_million"])
            tail[budget].add(answer["p99_ms"])
        limit.add(on_raw(world, rate=1000)["cpu_per_million"])
    rows = []
    for budget, words in budgets.items():
        costs, tails = ratios(cpu[budget], peer), ratios(tail[budget], tail["nats"])
        cost, slow = Series(costs).median, Series(tails).median
        rows.append(Row("1c", f"1,000 listeners × 1,000 msg/s, {words}: CPU s per million (p99 ms)",
                        f"{cpu[budget].median:.2f} ({tail[budget].median:.0f})",
                        f"NATS {nats_version(binary)} {peer.median:.2f} ({tail['nats'].median:.0f})",
                        f"raw, at once {limit.median:.2f}",
                        f"CPU {spread(costs)}, p99 {spread(tails)}", "0.9 at p99 ≤ 1", "0.35 at p99 ≤ 0.5",
                        verdict(cost <= 0.9 and slow <= 1, cost <= 0.35 and slow <= 0.5)))
    return rows
