"""The wire between hosts is cut: whole sides, one pair, one direction. Both sides go on, and afterwards all have all."""
import json

import pytest

from fleet import Load, data_of, finish_all, in_order, passes
from patience import eventually


def hears(listener, payload, timeout=30):
    """The listener gets this payload."""
    wanted = json.dumps(payload, separators=(",", ":")).encode()
    eventually(lambda: any(b'"data":' + wanted in line for line in list(listener.lines)), timeout,
               what=f"{payload} at a listener")


@pytest.mark.parametrize("alone", [2, 0], ids=["who joined", "who was joined"])
def test_both_sides_of_a_partition_go_on_and_have_the_same_histories_after_it_heals(hosts, alone):
    members = list(hosts.form(3))
    c = members.pop(alone)
    a, b = members
    listeners = [member.listen("part.>") for member in (a, b, c)]
    loads = [Load(member, f"part.{member.name}", 100) for member in (a, b, c)]
    for load in loads:
        load.flows()
    hosts.cut(a, c)
    hosts.cut(b, c)
    passes(20)
    for load in loads:
        load.flows(50)
    assert {message["node"] for message in c.history("part.>")[-20:]} == {c.id}, "nothing came over the cut"
    eventually(lambda: alive(a) == alive(b) == {a.name, b.name} and alive(c) == {c.name}, 30, what="each side to miss the other")
    a.publish("part.side", "of a")
    hears(listeners[1], "of a")
    hosts.heal()
    hosts.whole(timeout=90)
    for load in loads:
        load.flows(50)
    acknowledged = finish_all(loads)
    hosts.settle("part.>", acknowledged)
    for listener in listeners:
        wanted = {tuple(payload) for payload in acknowledged}
        eventually(lambda listener=listener: wanted <= {tuple(data) for data in data_of(list(listener.lines))}, 60,
                   what="all of it at listeners of every side", pause=0.3)
        in_order(list(listener.lines))


def alive(member):
    return {name for name, state in member.states().items() if state == "alive"}


def test_two_nodes_that_cannot_reach_each_other_hear_each_other_through_a_third(hosts):
    a, b, c = hosts.form(3)
    loads = [Load(member, f"detour.{member.name}", 100) for member in (a, b, c)]
    for load in loads:
        load.flows()
    hosts.cut(a, b)
    with a.listen("detour.mark") as at_a, b.listen("detour.mark") as at_b:
        passes(5)
        a.publish("detour.mark", "from a")
        b.publish("detour.mark", "from b")
        hears(at_a, "from b")
        hears(at_b, "from a")
    for member in (a, b, c):
        assert set(member.states().values()) <= {"alive", "suspect"}, "who can be reached by somebody is not dead"
    acknowledged = finish_all(loads)
    hosts.settle("detour.>", acknowledged)
    hosts.heal()
    hosts.whole()
    hosts.settle("detour.>", acknowledged)


def test_a_wire_that_drops_one_direction_costs_nothing_but_time(hosts):
    a, b, c = hosts.form(3)
    loads = [Load(member, f"oneway.{member.name}", 100) for member in (a, b, c)]
    for load in loads:
        load.flows()
    b.host.refuse(a.host)
    with a.listen("oneway.mark") as at_a, b.listen("oneway.mark") as at_b:
        passes(8)
        a.publish("oneway.mark", "from a")
        b.publish("oneway.mark", "from b")
        hears(at_a, "from b")
        hears(at_b, "from a")
    hosts.heal()
    hosts.whole()
    hosts.settle("oneway.>", finish_all(loads))
