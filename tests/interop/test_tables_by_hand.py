"""Evidence and tables made by hand: what a member believes, refutes, keeps byte for byte, and refuses."""
import pytest

import wire
from member import base64_of
from patience import eventually
from wire import DEAD, SUSPECT, VERSIONS, Packets, accusation, alive, entry

PLAIN = ("-compress=false",)
STILL = [*PLAIN, "-probe-interval", "30s", "-push-pull-interval", "0s"]  # members that do not exist stay in the table
BAD_VERSIONS = {"none": b"", "nil": None, "three": b"\x01\x05\x02", "five": VERSIONS[:5], "pmin 0": b"\0\5\2\0\0\0",
                "pmax 0": b"\1\0\2\0\0\0", "pmin above pmax": b"\5\1\2\0\0\0", "pcur outside": b"\1\5\6\0\0\0"}


@pytest.fixture(params=["anode", "go"])
def member(request, make):
    return make(request.param, "m", *STILL)


def own(member):
    return wire.table(member)["m"]


def rises(member, packet, to):
    with Packets() as hand:
        hand.send(member, packet)
    eventually(lambda: own(member)["Incarnation"] == to, what=f"incarnation {to}")
    assert own(member)["State"] == 0


def test_accusations_are_refuted_one_above_and_older_ones_are_ignored(member):
    """Row 13. The older ones are sent first: were they refuted, the numbers would not fit."""
    start = own(member)["Incarnation"] + 10
    rises(member, accusation(SUSPECT, "m", start, "x"), start + 1)
    with Packets() as hand:
        hand.send(member, accusation(SUSPECT, "m", start, "x"))
        hand.send(member, accusation(DEAD, "m", start - 1, "x"))
        hand.ping(member, 1)
        hand.wait_ack(1)
    rises(member, accusation(DEAD, "m", start + 1, "x"), start + 2)
    rises(member, alive("m", member.port, start + 20, meta=b"not mine"), start + 21)
    assert own(member)["Meta"] in (None, b"")
    rises(member, accusation(SUSPECT, "m", start + 21, "x"), start + 22)


def test_an_accusation_in_a_push_pull_is_refuted_too(member):
    start = own(member)["Incarnation"]
    for state in (1, 2, 3):
        wire.table(member, [entry("m", member.port, start + 10 * state, state=state)])
        eventually(lambda: own(member)["Incarnation"] == start + 10 * state + 1, what=f"refutation of state {state}")


@pytest.mark.parametrize("packet", [lambda: accusation(SUSPECT, "m", 0xFFFFFFFF, "x"), lambda: accusation(DEAD, "m", 0xFFFFFFFF, "x"),
                                    lambda: accusation(SUSPECT, "m", 0xFFFFFFFE, "x")], ids=["suspect", "dead", "one below"])
def test_the_highest_accusation_does_not_end_our_believability(make, packet):
    """Row 33, ours only: Go wraps to 0. A peer that joins now must still be able to hear of our changes."""
    ours, theirs = make("anode", "m", *STILL), make("go", "g1", *PLAIN)
    with Packets() as hand:
        hand.send(ours, packet())
        hand.ping(ours, 1)
        hand.wait_ack(1)
    theirs.join(ours)
    theirs.wait("join", node="m")
    ours.wait("join", node="g1")
    ours.ask("update-meta", payload="believed")
    eventually(lambda: theirs.view()["m"].get("meta") == "believed", what="a change that is believed")


@pytest.mark.parametrize("address", [b"\x7f\0\0\1", bytes(10) + b"\xff\xff\x7f\0\0\1", bytes(15) + b"\x01"], ids=["4 bytes", "mapped, 16 bytes", "IPv6"])
def test_addresses_are_passed_on_byte_for_byte(member, address):
    """Row 17. Another form of the same address is another address: a conflict, whatever the incarnation."""
    with Packets() as hand:
        hand.send(member, alive("there", 7000, 3, address))
        member.wait("join", node="there")
        assert wire.table(member)["there"]["Addr"] == address
        if len(address) == 16 and address[10:12] == b"\xff\xff":
            hand.send(member, alive("there", 7000, 4, address[12:]))
            member.wait("conflict", node="there")
            assert wire.table(member)["there"]["Addr"] == address


@pytest.mark.parametrize("count", [1, 130, 300, 5_000])
def test_tables_of_many_entries_come_back_equal(member, count):
    """Row 19: entries, their metadata, and the unsigned counters of older releases."""
    sent = [entry(f"n{i}", 10_000 + i % 50_000, 1 + i, meta=bytes([i % 256]) * (i % 60)) for i in range(count)]
    wire.table(member, sent)
    eventually(lambda: len(wire.table(member)) == count + 1, 30, "the whole table", pause=0.2)
    kept = wire.table(member)
    for wanted in sent:
        found = kept[wanted["Name"]]
        assert all(found[key] == wanted[key] for key in ("Addr", "Port", "Incarnation", "State", "Vsn")), (found, wanted)
        assert (found["Meta"] or b"") == wanted["Meta"]


def test_remote_deaths_are_suspicions_and_goodbyes_are_believed(member):
    wire.table(member, [entry(name, 7000 + i) for i, name in enumerate(("dead", "left", "suspect"))])
    member.wait("join", node="left")
    wire.table(member, [entry("dead", 7000, 1, state=2), entry("left", 7001, 1, state=3), entry("suspect", 7002, 1, state=1),
                        entry("unknown", 7003, 1, state=2), entry("stranger", 7004, 1, state=3)])
    member.wait("leave", node="left")
    states = {name: found["State"] for name, found in wire.table(member).items()}
    assert states == {"m": 0, "dead": 1, "suspect": 1, "left": 3}


@pytest.mark.parametrize("size", [0, 1, 255, 65_536, 19 << 20])
def test_user_state_of_every_size_arrives(member, size):
    """Row 20. None at all is not an event."""
    wire.exchange(member, wire.push_pull(state=b"s" * size, join=True))
    if size:
        member.wait("merge-remote-state", join=True, bytes=size, timeout=30)
    else:
        wire.exchange(member, wire.push_pull(state=b"later"))
        member.wait("merge-remote-state", payload="later")
        assert len(member.find("merge-remote-state")) == 1


REFUSED_STREAMS = {
    "20 MiB and 1 of user state": wire.push_pull(state_bytes=(20 << 20) + 1),
    "a million entries too many": wire.push_pull(count=(1 << 20) + 1),
    "20 MiB and 1 in a message": wire.message(wire.USER, {"UserMsgLen": (20 << 20) + 1}),
    "an unknown type": b"\x63\x80",
    "a type of packets only": accusation(SUSPECT, "m", 1, "x"),
    "an entry of wrong versions": wire.push_pull([entry("bad", 7000, versions=b"\1\5\2")]),
    "a compound": wire.compound(wire.message(wire.PING, {"Node": "m", "SeqNo": 1})),
    "a label that is not ours": wire.labelled(b"blue", wire.message(wire.PING, {"Node": "m", "SeqNo": 1})),
    "a label of no length": b"\xf4\x00",
}


def test_streams_that_break_the_rules_are_closed_without_a_word(member):
    said = {}
    for what, request in REFUSED_STREAMS.items():
        answer = wire.exchange(member, request)
        if answer and what != "an entry of wrong versions":  # the table is sent before the check of theirs
            said[what] = answer[:40]
    assert said == {}
    assert set(wire.table(member)) == {"m"}


@pytest.mark.parametrize("size", [1, 300, 70_000, 19 << 20])
def test_messages_by_stream_of_every_size_arrive(member, size):
    """Row 21. One of no bytes is not delivered."""
    for data in (b"", b"x" * size):
        wire.exchange(member, wire.message(wire.USER, {"UserMsgLen": len(data)}) + data)
    member.wait("message", bytes=size, timeout=30)
    assert len(member.find("message")) == 1


@pytest.mark.parametrize("how", BAD_VERSIONS)
def test_bad_versions_never_enter_our_table(make, how):
    """Row 31, ours only: Go takes some of them and is then refused by everybody."""
    ours, theirs = make("anode", "m", *STILL), make("go", "g1", *STILL)
    with Packets() as hand:
        hand.send(ours, alive("bad", 7000, 1, versions=BAD_VERSIONS[how]))
        hand.send(ours, alive("good", 7001, 1))
        ours.wait("join", node="good")
    wire.exchange(ours, wire.push_pull([entry("worse", 7002, versions=BAD_VERSIONS[how])]))
    table = wire.table(ours)
    assert set(table) == {"m", "good"}
    assert all(len(found["Vsn"]) == 6 for found in table.values())
    theirs.join(ours)
    ours.wait("join", node="g1")


def test_no_packet_of_ours_is_above_its_budget(make):
    """Row 36: messages of mixed sizes are queued, a member made by hand counts the bytes of what it gets."""
    ours = make("anode", "m", *PLAIN, "-udp-buffer", 1400)
    with Packets("hand") as hand:
        hand.send(ours, alive("hand", hand.port))
        ours.wait("join", node="hand")
        for number in range(120):
            ours.ask("broadcast", payload_base64=base64_of(bytes([number]) * (1 + number * 37 % 1300)))
        hand.until(lambda kind, _: kind == wire.USER, "a message")
        hand.until(lambda kind, body: len({b for k, b, _ in hand.heard if k == wire.USER}) >= 100, "a hundred messages", timeout=30)
        assert max(hand.sizes) <= 1400


def test_our_own_suspicion_is_told_in_our_name(make):
    """Row 11: relaying another's would be no confirmation."""
    ours, theirs = make("anode", "m", *PLAIN), make("go", "g1", *PLAIN)
    theirs.join(ours)
    ours.wait("join", node="g1")
    with Packets("hand") as hand:
        hand.send(ours, alive("hand", hand.port))
        ours.wait("join", node="hand")
        theirs.kill()
        hand.until(lambda kind, body: kind == SUSPECT and (body["Node"], body["From"]) == (b"g1", b"m"), "suspicion of ours", timeout=30)
