"""Mixed clusters in trouble: deaths, pauses, broken paths, names used twice."""
import signal

import pytest

import wire
from conftest import everyone_knows
from patience import eventually

PLAIN = ("-compress=false",)
FOUR = [("a1 g1 a2 g2", "a1"), ("a1 g1 a2 g2", "g1"), ("f1 g1 f2 g2", "f1"), ("f1 g1 f2 g2", "g1")]


def refuted(one, victim, before):
    """Alive in the table of `one`, above the incarnation from before."""
    return wire.incarnation(one, victim) > before and wire.state_of(one, victim) == "alive"


def others(members, gone):
    return [one for one in members if one is not gone]


@pytest.mark.parametrize("names, victim", [
    ("a1 g1", "a1"), ("a1 g1", "g1"), ("a1 g1 g2", "a1"), ("a1 a2 g1", "g1"), ("a1 a2 g1 g2 g3", "a2"), ("a1 a2 g1 g2 a3", "g1"),
    ("f1 f2 g1 g2 f3", "f2"), ("f1 f2 g1 g2 f3", "g1"), ("f1 a1 g1", "f1")])
def test_a_killed_member_is_declared_dead_by_both_kinds(cluster, names, victim):
    """Rows 10 and 11; with three, Go waits its longest time unless ours confirms its suspicion."""
    members = cluster(names, *PLAIN)
    gone = next(one for one in members if one.name == victim)
    gone.kill()
    for one in others(members, gone):
        one.wait("leave", node=victim)
        assert wire.state_of(one, victim) in ("dead", None)
    for one in others(members, gone):
        assert [e["node"]["name"] for e in one.find("leave")] == [victim], "and nobody else"


@pytest.mark.parametrize("victim", ["a1", "g1"])
def test_a_goodbye_is_left_and_not_dead(cluster, victim):
    """Row 14. The one who left is removed when the time of gossip to the dead is over and the round of probes has come round."""
    members = cluster("a1 g1 a2 g2", "-gossip-to-the-dead", "2s", *PLAIN)
    gone = next(one for one in members if one.name == victim)
    gone.ask("leave")
    for one in others(members, gone):
        one.wait("leave", node=victim)
        assert wire.state_of(one, victim) in ("left", None)
    gone.kill()
    for one in others(members, gone):
        eventually(lambda: wire.entry_of(one, victim) is None, 20, f"{victim} out of the table of {one.name}", pause=0.2)


@pytest.mark.parametrize("names, victim", FOUR)
def test_a_member_frozen_past_suspicion_comes_back_with_a_higher_incarnation(cluster, names, victim):
    """Row 12."""
    members = cluster(names, *PLAIN)
    frozen = next(one for one in members if one.name == victim)
    before = wire.incarnation(members[2], victim)
    marks = {one.name: one.mark() for one in members}
    frozen.freeze()
    for one in others(members, frozen):
        one.wait("leave", since=marks[one.name], node=victim)
    frozen.thaw()
    for one in others(members, frozen):
        one.wait("join", timeout=40, since=marks[one.name], node=victim)
    for one in members:
        eventually(lambda: refuted(one, victim, before), 30, f"refutation at {one.name}")
    for one in members:
        eventually(lambda: len(one.names()) == 4, 30, f"whole view of {one.name}")


@pytest.mark.parametrize("victim", ["a1", "g1"])
def test_a_suspect_that_wakes_in_time_refutes_and_nobody_saw_it_dead(cluster, victim):
    """The pause ends as soon as someone suspects; with a long time to refute nobody declares it dead."""
    members = cluster("a1 g1 a2 g2", "-suspicion-mult", "30", *PLAIN)
    frozen = next(one for one in members if one.name == victim)
    watcher = members[2] if victim == "a1" else members[0]
    before = wire.incarnation(watcher, victim)
    marks = {one.name: one.mark() for one in members}
    frozen.freeze()
    for one in others(members, frozen):
        eventually(lambda: wire.state_of(one, victim) == "suspect", 30, f"suspicion at {one.name}")
    frozen.thaw()
    for one in members:
        eventually(lambda: refuted(one, victim, before), 30, f"refutation at {one.name}")
        assert not one.find("leave", since=marks[one.name], node=victim)


@pytest.mark.parametrize("victim", ["a1", "g1"])
def test_without_packets_but_with_streams_a_member_stays_alive(cluster, victim):
    """Row 9: UDP towards one member is dead, TCP pings still reach it."""
    members = cluster("a1 g1", "-awareness-max", "2", *PLAIN)
    deaf = next(one for one in members if one.name == victim)
    other = others(members, deaf)[0]
    deaf.ask("fault", receive_loss=1)
    before, mark = other.ask("stats")["dials"], other.mark()
    eventually(lambda: other.ask("stats")["dials"] >= before + 6, 60, "pings by stream", pause=0.2)
    assert not other.find("leave", since=mark)
    assert wire.state_of(other, victim) == "alive"
    if other.name == "g1":
        assert "over TCP but UDP probes failed" in other.log()
    deaf.ask("fault", receive_loss=0)
    other.wait("ping", since=other.mark(), node=victim)


@pytest.mark.parametrize("names, victim", FOUR)
def test_a_mute_member_is_dead_until_it_is_heard_again(cluster, names, victim):
    members = cluster(names, *PLAIN)
    mute = next(one for one in members if one.name == victim)
    marks = {one.name: one.mark() for one in members}
    mute.ask("fault", send_loss=1, tcp=False)
    for one in others(members, mute):
        one.wait("leave", since=marks[one.name], node=victim)
    mute.ask("fault", send_loss=0, tcp=True)
    for one in others(members, mute):
        one.wait("join", timeout=60, since=marks[one.name], node=victim)


@pytest.mark.parametrize("first, twin", [("anode", "go"), ("go", "anode"), ("anode", "anode")])
def test_a_name_used_twice_is_a_conflict_and_the_first_keeps_it(make, first, twin):
    """Row 16, while the first is alive."""
    one, witness, second = make(first, "same"), make("go" if first == "anode" else "anode", "w"), make(twin, "same")
    witness.join(one)
    everyone_knows([one, witness])
    second.send("join", contacts=[witness.addr])
    witness.wait("conflict", node="same")
    assert witness.view()["same"]["addr"] == one.addr
    assert not witness.find("leave")


@pytest.mark.parametrize("kind", ["anode", "go"])
@pytest.mark.parametrize("end", ["kill", "leave"])
def test_a_restarted_member_of_the_same_name_and_address_is_taken_back(make, cluster, kind, end):
    """Row 15."""
    members = cluster("a1 g1")
    again = make(kind, "again")
    again.join(members[0])
    everyone_knows([*members, again])
    if end == "leave":
        again.ask("leave")
    else:
        again.kill()
    for one in members:
        one.wait("leave", node="again")
    again.end()
    marks = {one.name: one.mark() for one in members}
    back = make(kind, "again", "-port", again.port, "-meta", "second life")
    back.join(members[1])
    for one in members:
        one.wait("join", since=marks[one.name], node="again")
        eventually(lambda: one.view()["again"]["meta"] == "second life", what="the new life")


@pytest.mark.parametrize("kind", ["anode", "go"])
def test_a_member_restarted_before_anybody_missed_it_stays(make, cluster, kind):
    """Its incarnation starts below the one known: it hears so and rises above it, so that its new metadata are seen."""
    members = cluster("a1 g1", *PLAIN)
    quick = make(kind, "quick", "-meta", "first life", *PLAIN)
    quick.join(members[0])
    everyone_knows([*members, quick])
    quick.ask("update-meta", payload="older")
    for one in members:
        one.wait("update", node="quick")
    quick.kill()
    quick.end()
    back = make(kind, "quick", "-port", quick.port, "-meta", "second life", *PLAIN)
    back.join(members[1])
    for one in members:
        eventually(lambda: one.view().get("quick", {}).get("meta") == "second life", 30, f"the new life at {one.name}")


@pytest.mark.parametrize("kind", ["anode", "go"])
def test_who_left_or_died_long_ago_lets_its_name_go(make, cluster, kind):
    """Row 16: after a leave at once, after a death when the time to reclaim is over."""
    members = cluster("a1 g1", "-dead-node-reclaim", "1s", "-gossip-to-the-dead", "60s")
    owner = make(kind, "name")
    owner.join(members[0])
    everyone_knows([*members, owner])
    owner.ask("leave")
    for one in members:
        one.wait("leave", node="name")
    marks = {one.name: one.mark() for one in members}
    heir = make("go", "name", "-meta", "heir")
    heir.join(members[0])
    for one in members:
        one.wait("join", since=marks[one.name], node="name")
        assert one.view()["name"]["addr"] == heir.addr
    marks = {one.name: one.mark() for one in members}
    heir.kill()
    for one in members:
        one.wait("leave", since=marks[one.name], node="name")
    third = make(kind, "name", "-meta", "third")

    def taken():
        third.ask("join", expect=None, contacts=[one.addr for one in members])
        return all(one.view().get("name", {}).get("addr") == third.addr for one in members)
    eventually(taken, 30, "the name reclaimed", pause=0.5)


def test_a_member_that_is_told_to_end_says_goodbye(cluster):
    members = cluster("a1 g1 g2", *PLAIN)
    members[0].signal(signal.SIGTERM)
    for one in members[1:]:
        one.wait("leave", node="a1")
        assert wire.state_of(one, "a1") in ("left", None)
    assert members[0].process.wait(30) == 0
