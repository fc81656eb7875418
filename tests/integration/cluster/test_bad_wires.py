"""Wires that lose packets, and one that is a thousand times too thin."""
import json
import time

import pytest

from fleet import Load, finish_all, passes
from patience import eventually


@pytest.mark.parametrize("percent", [10, 30])
def test_lost_packets_cost_time_and_no_message(hosts, percent):
    members = hosts.form(3)
    loads = [Load(member, f"loss.{member.name}", 60) for member in members]
    for load in loads:
        load.flows(50)
    for host in hosts.hosts:
        host.lose(percent)
    passes(15)
    for load in loads:
        load.flows(30, 60)
    if percent <= 10:
        for member in members:
            assert "dead" not in member.states().values(), "membership stands this loss"
    hosts.heal()
    hosts.whole(timeout=90)
    hosts.settle("loss.>", finish_all(loads))


def test_a_peer_behind_a_kilobyte_a_second_slows_nobody_else(hosts):
    a, b, c = hosts.form(3)
    load = Load(a, "thin.load", 200, size=500)
    load.flows()
    c.host.limit(8_000)
    passes(6)
    with b.listen("thin.mark") as listener:
        slowest = 0.0
        for number in range(20):
            begun = time.monotonic()
            a.publish("thin.mark", number)
            eventually(lambda number=number: len(listener.lines) > number, 20, what="a message at the healthy peer")
            slowest = max(slowest, time.monotonic() - begun)
        assert [json.loads(line)["data"] for line in listener.lines] == list(range(20))
    assert slowest < 10, "somebody waited for the thin wire"
    load.flows(200)
    assert a.rss_bytes() < 700 << 20 and b.rss_bytes() < 700 << 20, "what the thin wire cannot take is not piled up"
    c.host.unlimit()
    hosts.whole(timeout=90)
    hosts.settle("thin.>", finish_all([load]))
