"""kill -9 and frozen processes in the middle of load: nothing acknowledged is lost, everybody has everything afterwards."""
import signal

from fleet import Load, data_of, finish_all, in_order, passes
from patience import eventually


def test_each_node_is_killed_in_turn_under_load(fleet):
    members = fleet.form(3)
    loads = [Load(member, f"kill.{member.name}", 120, size=100) for member in members]
    for load in loads:
        load.flows()
    for victim in members:
        victim.kill()
        passes(3)
        for load in loads:
            if load.member is not victim:
                load.flows(50)
        victim.launch()
        victim.wait_ready(60)
        fleet.whole()
        loads[members.index(victim)].flows(50)
    fleet.settle("kill.>", finish_all(loads))


def test_a_node_that_is_killed_again_while_it_repairs_gets_there_all_the_same(fleet):
    a, b, c = fleet.form(3)
    loads = [Load(member, f"again.{member.name}", 150, size=400) for member in (a, b)]
    for _ in range(4):
        c.kill()
        for load in loads:
            load.flows(200)
        c.launch()
        c.wait_ready(60)
    fleet.whole()
    fleet.settle("again.>", finish_all(loads))


def test_two_of_five_die_at_once_and_copies_three_keep_their_promise(fleet):
    members = fleet.form(5)
    load = Load(members[0], "copies.x", 100, ack="copies:3")
    load.flows(200)
    members[0].kill()
    members[1].kill()
    acknowledged = load.finish()
    fleet.whole()
    fleet.settle("copies.>", acknowledged)
    for member in members[:2]:
        member.launch()
        member.wait_ready(60)
    fleet.whole()
    fleet.settle("copies.>", acknowledged)


def test_a_node_that_was_frozen_for_ten_seconds_catches_up_without_a_restart(fleet):
    members = fleet.form(3)
    loads = [Load(member, f"frozen.{member.name}", 100) for member in members]
    for load in loads:
        load.flows()
    listener = members[2].listen("frozen.>")
    members[2].signal(signal.SIGSTOP)
    passes(10)
    for load in loads[:2]:
        load.flows(50)
    members[2].signal(signal.SIGCONT)
    fleet.whole()
    for load in loads:
        load.flows(50)
    acknowledged = finish_all(loads)
    history = fleet.settle("frozen.>", acknowledged)
    assert any(message["node"] == members[0].id for message in history)
    wanted = {tuple(payload) for payload in acknowledged[-20:]}
    eventually(lambda: wanted <= {tuple(data) for data in data_of(list(listener.lines))}, 60, what="the last of it at the listener",
               pause=0.2)
    assert listener.ended is None, "it held out"
    in_order(list(listener.lines))


def test_all_nodes_die_at_once_and_come_back_with_all_that_was_acknowledged(fleet):
    members = fleet.form(3)
    loads = [Load(member, f"full.{member.name}", 150) for member in members]
    for load in loads:
        load.flows(200)
    for member in members:
        member.signal(signal.SIGKILL)
    for member in members:
        member.process.wait()
    for member in members:
        member.launch()
    for member in members:
        member.wait_ready(60)
    fleet.whole()
    for load in loads:
        load.flows(50)
    fleet.settle("full.>", finish_all(loads))
