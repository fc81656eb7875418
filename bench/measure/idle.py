"""5a, 7: what waits costs nothing, and what starts is there at once."""

import time

from .clients import answer_of, end
from .servers import SERVER_CORE, Anode, nats, nats_command, nats_version, resident_kb
from .table import Row, Series, ratios, short, spread, verdict

LISTENERS = 9000
STARTS = 7


def resident_of(world, server, peer):
    time.sleep(1)
    before = resident_kb(server.pid)
    load = world.programs.begin("fanout", peer=peer, port=server.port, listeners=LISTENERS, hold=1)
    try:
        answer_of(load)
        time.sleep(0.5)
        return 1024 * (resident_kb(server.pid) - before) / LISTENERS
    finally:
        end(load)


def listeners(world):
    anode, peer = Series(), Series()
    binary = getattr(world, "faster_nats", world.nats[0])
    for _ in range(world.runs):
        with nats(binary, world.directory) as server:
            peer.add(resident_of(world, server, "nats"))
        with Anode(world.binary, world.fresh()).start() as server:
            anode.add(resident_of(world, server, "anode"))
    bytes_each = anode.median
    return [Row("5a", f"resident bytes per idle WebSocket listener ({LISTENERS:,})", f"{bytes_each:.0f} B",
                f"NATS {nats_version(binary)} {short(peer.median)} B", "", f"{spread(ratios(anode, peer))}",
                "8 KB", "1 KB", verdict(bytes_each <= 8192, bytes_each <= 1024))]


def starts(world, command, port, target):
    series = Series()
    for _ in range(STARTS):
        answer = world.programs.run("start", "--", "taskset", "-c", SERVER_CORE, *command,
                                    port=port, target=target)
        series.add(answer["ms"])
    return series


def start(world):
    target = "/v1/stream?topics=bench.f"
    binary = getattr(world, "faster_nats", world.nats[0])
    command, port = nats_command(binary, world.fresh())
    peer = starts(world, command, port, "/")
    node = Anode(world.binary, world.fresh())
    with node.start():
        pass
    empty = starts(world, node.command, node.port, target)
    node = Anode(world.binary, world.fresh())
    world.programs.run("fill", directory=node.directory / "data" / "store", gigabytes=1)
    full = starts(world, node.command, node.port, target)
    name = f"NATS {nats_version(binary)}, empty: {peer.median:.0f} ms"
    return [Row("7", f"exec to first listener accepted, {words}, median of {STARTS}",
                f"{series.median:.0f} ms", name, "", f"{spread(series.values, 0)} ms", "500 ms", aim_words,
                verdict(series.median <= 500, series.median <= aim))
            for words, series, aim, aim_words in (("empty", empty, 40, "40 ms"),
                                                  ("1 GB of history", full, 100, "100 ms"))]
