"""Mixed clusters in health: joins, messages, metadata, user state and goodbyes, over every kind of wire."""
import base64

import pytest

from conftest import everyone_knows
from member import CALM, base64_of
from patience import eventually

KEY = "hex:000102030405060708090a0b0c0d0e0f"
LONG_KEY = "hex:" + "5a" * 32
CLEAR, KEYED, BOTH = (), ("-key", KEY), ("-key", LONG_KEY, "-label", "blue")
WIRES = {
    f"{name}, {how}": [*flags, f"-compress={compress}"]
    for name, flags in {"clear": CLEAR, "key": KEYED, "key and label": BOTH}.items()
    for how, compress in {"compressed": "true", "plain": "false"}.items()
}
every_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES.keys())
both_ways = pytest.mark.parametrize("names", ["a1 g1", "g1 a1"], ids=["ours is joined", "ours joins"])
SIZES = [1, 31, 300, 70_000]
PACKET_SIZES = [1, 1_395, 60_000]


def bytes_of(size):
    """Nothing that a compressor likes, and different at each size."""
    return bytes((i * 131 + i // 251 + size) % 256 for i in range(size))


def hears(member, payload, since=0):
    return member.wait("message", since=since, payload_base64=base64_of(payload))


@every_wire
@both_ways
def test_a_mixed_pair_joins_talks_and_parts(make, wire, names):
    """The whole acquaintance, from join to leave: rows 1, 2, 7, 14, 21 and 22 of the checklist."""
    kinds = {"a": "anode", "g": "go"}
    first, second = (make(kinds[n[0]], n, *wire, "-meta", f"meta of {n}", "-state", f"state of {n}") for n in names.split())
    second.ask("set-ack-payload", payload="ack of second")
    first.ask("set-ack-payload", payload="ack of first")
    assert second.join(first)["contacted"] == 1
    everyone_knows([first, second])
    for one, other in ((first, second), (second, first)):
        seen = one.view()[other.name]
        assert seen["meta"] == f"meta of {other.name}"
        assert seen["addr"] == other.addr
        assert seen["protocol"] == [1, 5, 2] and seen["delegate"] == [0, 0, 0]
        one.wait("merge-remote-state", join=True, payload=f"state of {other.name}")
    for one, other, payload in ((first, second, "ack of second"), (second, first, "ack of first")):
        one.wait("ping", node=other.name, rtt_us=lambda rtt: abs(rtt) < 10_000_000, payload=payload)

    for one, other in ((first, second), (second, first)):
        for size in SIZES:
            one.ask("send-reliable", to=other.name, payload_base64=base64_of(bytes_of(size)))
            hears(other, bytes_of(size))
        for size in PACKET_SIZES:
            one.ask("send-best-effort", to=other.addr, payload_base64=base64_of(bytes_of(size + 1)))
            hears(other, bytes_of(size + 1))
        one.ask("broadcast", payload=f"to all from {one.name}")
        other.wait("message", payload=f"to all from {one.name}")
        one.wait("broadcast-sent")
        for size in (0, 31, 32, 255, 256, 512):
            mark = other.mark()
            one.ask("update-meta", payload_base64=base64_of(bytes_of(size)))
            other.wait("update", since=mark, node=lambda _: other.view()[one.name]["meta_base64"] == base64_of(bytes_of(size)))
        assert "rtt_us" in one.ask("ping", to=other.name)
        refused = one.ask("update-meta", expect=False, payload_base64=base64_of(bytes_of(513)))
        assert refused["error"]

    second.ask("leave")
    first.wait("leave", node=second.name)
    assert first.names() == [first.name]


@pytest.mark.parametrize("names", ["a1 g1 a2", "g1 a1 g2", "a1 g1 g2", "g1 g2 a1"])
def test_who_joins_through_a_third_meets_everyone(make, names):
    """Each knows only the one before it: row 3."""
    members = [make({"a": "anode", "g": "go"}[n[0]], n) for n in names.split()]
    for before, one in zip(members, members[1:]):
        one.join(before)
    everyone_knows(members)
    for one in members:
        assert one.names() == sorted(names.split())


def test_nine_members_of_two_kinds_agree(cluster):
    members = cluster("a1 g1 g2 a2 g3 f3 g4 f4 f5", "-label", "nine")
    for one in members:
        eventually(lambda: len(one.names()) == 9, what=f"the view of {one.name}")
    members[0].ask("broadcast", payload="from ours")
    members[1].ask("broadcast", payload="from Go")
    for text in ("from ours", "from Go"):  # a copy goes to some; passing it on is the application's part
        eventually(lambda: sum(bool(one.find("message", payload=text)) for one in members) >= 2, what=text)
    members[1].ask("leave")
    for one in members[:1] + members[2:]:
        one.wait("leave", node="g1")
    members[0].ask("leave")
    for one in members[2:]:
        one.wait("leave", node="a1")


@pytest.mark.parametrize("flags", [(), BOTH], ids=["clear", "key and label"])
def test_an_ipv6_cluster_is_like_any_other(make, flags):
    """Row 18."""
    flags = [*flags, "-bind", "::1"]
    ours, theirs, third = make("anode", "a1", *flags), make("go", "g1", *flags), make("go", "g2", *flags)
    theirs.join(ours)
    third.join(theirs)
    everyone_knows([ours, theirs, third])
    assert theirs.view()["a1"]["addr"] == ours.addr and ours.addr.startswith("[::1]:")
    ours.ask("send-reliable", to="g2", payload="over six")
    third.wait("message", payload="over six")
    third.ask("send-best-effort", to="a1", payload="and back")
    ours.wait("message", payload="and back")
    theirs.ask("leave")
    ours.wait("leave", node="g1")
    ours.ask("leave")
    third.wait("leave", node="a1")


@pytest.mark.parametrize("names", ["a1 g1 a2 g2 a3", "g1 a1", "f1 g1 f2 g2 f3"])
def test_a_healthy_cluster_is_quiet(cluster, names):
    """Row 4: no suspicion, no complaint in Go's log, health 0 on all sides, while each member is probed a few times."""
    members = cluster(names, timing=CALM)
    marks = [one.mark() for one in members]
    for one, mark in zip(members, marks):
        for other in members:
            eventually(lambda: other is one or len(one.find("ping", since=mark, node=other.name)) >= 2, 60, "two pings each")
    for one, mark in zip(members, marks):
        assert not one.find("leave", since=mark) and not one.find("update", since=mark) and not one.find("conflict", since=mark)
        assert one.ask("stats")["health_score"] == 0
        if one.name.startswith("g"):
            assert one.complaints() == []
            assert "suspect" not in one.log().lower()


def test_user_state_follows_every_push_pull(make):
    """Not only with the join: what changes later arrives with the next periodic exchange."""
    ours = make("anode", "a1", "-push-pull-interval", "300ms", "-state", "ours at first")
    theirs = make("go", "g1", "-push-pull-interval", "300ms", "-state", "theirs at first")
    theirs.join(ours)
    ours.wait("merge-remote-state", join=True, payload="theirs at first")
    theirs.wait("merge-remote-state", join=True, payload="ours at first")
    for one, other in ((ours, theirs), (theirs, ours)):
        large = bytes_of(100_000)
        one.ask("set-state", payload_base64=base64_of(large))
        found = other.wait("merge-remote-state", join=False, bytes=100_000)
        assert base64.b64decode(found["payload_base64"]) == large


def test_a_hundred_of_ours_and_one_of_theirs_exchange_their_tables(make):
    """Row 19 with live members: one push/pull carries a hundred."""
    ours = make("anode", "a", "-members", 100, "-log=false", timing=CALM, ignore=("ping", "join", "update", "merge", "merge-remote-state"))
    theirs = make("go", "g1", timing=CALM, ignore=("ping",))
    eventually(lambda: len(ours.ask("members")["members"]) == 100, 60, "a hundred of ours")
    theirs.join(ours)
    eventually(lambda: len(theirs.names()) == 101, 30, "the view of Go")
    eventually(lambda: "g1" in ours.names(), 30, "the view of ours")
