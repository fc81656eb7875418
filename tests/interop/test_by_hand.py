"""Packets and streams made by hand, the same for ours and for Go's: what one answers, the other must answer too."""
import pytest

import wire
from member import base64_of
from wire import ACK, INDIRECT, NACK, PING, Packets, Raw, pack

PLAIN = ("-compress=false",)


@pytest.fixture(params=["anode", "go"])
def member(request, make):
    """A lonely member that speaks clear text."""
    return make(request.param, "m", *PLAIN)


# -- pings: rows 5, 6, 8 -----------------------------------------------------------------------------------------------

def test_an_ack_goes_to_the_source_fields_and_else_to_the_sender(member):
    with Packets() as asker, Packets() as source:
        asker.ping(member, 300)
        assert asker.wait_ack(300)["Payload"] in (None, b"")
        asker.ping(member, 301, **source.source())
        source.wait_ack(301)
        assert not asker.acknowledged(301)


def test_a_ping_for_nobody_is_answered_and_one_for_another_is_not(member):
    with Packets() as asker:
        asker.ping(member, 1, name="")
        asker.wait_ack(1)
        asker.ping(member, 2, name="somebody else")
        assert not asker.answered_before_next(member, 2)


def test_an_ack_carries_the_bytes_of_the_application(member):
    member.ask("set-ack-payload", payload_base64=base64_of(b"\x01\xffbytes"))
    with Packets() as asker:
        asker.ping(member, 7)
        assert asker.wait_ack(7)["Payload"] == b"\x01\xffbytes"


def test_a_ping_by_stream_is_answered_with_an_empty_ack_and_a_wrong_name_with_a_close(member):
    member.ask("set-ack-payload", payload="not on streams")
    right = wire.exchange(member, wire.message(PING, {"Node": "m", "SeqNo": 70_000}))
    assert right == wire.message(ACK, {"Payload": None, "SeqNo": 70_000})
    assert wire.exchange(member, wire.message(PING, {"Node": "other", "SeqNo": 1})) == b""


def indirect(asker, target, number, nack):
    return wire.message(INDIRECT, {"SeqNo": number, "Target": b"\x7f\0\0\1", "Port": target.port, "Node": target.name,
                                   "Nack": nack, **asker.source()})


def test_a_live_target_is_pinged_in_the_relays_own_name_and_the_ack_comes_back(member):
    with Packets() as asker, Packets("target") as target:
        asker.send(member, indirect(asker, target, 4242, True))
        asked = target.until(lambda kind, _: kind == PING, "ping of the relay")
        assert asked["Node"] == b"target" and asked["SeqNo"] != 4242
        assert asked["SourceNode"] == b"m" and asked["SourcePort"] == member.port
        answer = asker.wait_ack(4242)
        assert answer["Payload"] in (None, b"")
        assert not [1 for kind, body, _ in asker.heard if kind == NACK]


def test_a_dead_target_gives_a_nack_where_one_was_asked_for_and_silence_else(make):
    for kind in ("anode", "go"):
        member = make(kind, f"relay-{kind}", *PLAIN, "-probe-timeout", "300ms")
        with Packets() as asker, Packets("silent", answers=False) as silent:
            asker.send(member, indirect(asker, silent, 11, False))
            silent.until(lambda kind, _: kind == PING, "ping of the relay")
            asker.send(member, indirect(asker, silent, 12, True))
            asker.until(lambda kind, body: kind == NACK and body["SeqNo"] == 12, "nack")
            heard = [(kind, body["SeqNo"]) for kind, body, _ in asker.heard if kind in (ACK, NACK)]
            assert heard == [(NACK, 12)], "the first request is older and got nothing"


def test_a_nack_does_not_come_before_the_time_of_the_relay_is_over(make):
    """A target that answers late, yet within the relay's time, is an ack: nothing was said too early."""
    for kind in ("anode", "go"):
        member = make(kind, f"patient-{kind}", *PLAIN, "-probe-timeout", "2s")
        with Packets() as asker, Packets("slow", answers=False) as slow:
            asker.send(member, indirect(asker, slow, 21, True))
            asked = slow.until(lambda kind, _: kind == PING, "ping of the relay")
            assert not asker.collect(0.5), "neither ack nor nack yet"
            slow.send(member, wire.message(ACK, {"Payload": None, "SeqNo": asked["SeqNo"]}))
            asker.wait_ack(21)
            assert not [1 for kind, _, _ in asker.heard if kind == NACK]


# -- packets: rows 27, 28, 30 ------------------------------------------------------------------------------------------

def ping(number, name="m"):
    return wire.message(PING, {"Node": name, "SeqNo": number})


def fields(*pairs, head=None):
    """A map in just this order."""
    return Raw((head or bytes([0x80 | len(pairs)])) + b"".join(pack(key) + pack(value) for key, value in pairs))


N, S = ("Node", "m"), ("SeqNo", 9)
SKIPPED = {"nil": b"\xc0", "float": b"\xcb" + bytes(8), "float32": b"\xca" + bytes(4), "array": b"\x93\x01\x02\x03", "map": b"\x81\x01\x02",
           "nested": b"\x91\x91\x91\x80", "ext8": b"\xc7\x03\x05abc", "fixext1": b"\xd4\x05a", "bin": b"\xc4\x02ab", "str8": b"\xd9\x02ab",
           "array16": b"\xdc\x00\x01\xc0", "map32": b"\xdf\x00\x00\x00\x01\x01\x02", "int64": b"\xd3" + b"\xff" * 8, "bool": b"\xc3"}
ACCEPTED = {
    "keys in another order": fields(S, N),
    "a key twice, the last one counts": fields(("Node", "x"), N, S),
    "an unknown key": fields(N, S, ("Zebra", 1)),
    "a key in the wrong case": fields(N, S, ("node", "x")),
    "no name": fields(S),
    "a nil name": fields(("Node", None), S),
    "map16": fields(N, S, head=b"\xde\x00\x02"),
    "map32": fields(N, S, head=b"\xdf\x00\x00\x00\x02"),
    "a name as str8": fields(("Node", Raw(b"\xd9\x01m")), S),
    "a name as str16": fields(("Node", Raw(b"\xda\x00\x01m")), S),
    "a name as str32": fields(("Node", Raw(b"\xdb\x00\x00\x00\x01m")), S),
    "a name as bin8": fields(("Node", Raw(b"\xc4\x01m")), S),
    "a name as bin16": fields(("Node", Raw(b"\xc5\x00\x01m")), S),
    "a name as bin32": fields(("Node", Raw(b"\xc6\x00\x00\x00\x01m")), S),
    "a number as u8": fields(N, ("SeqNo", Raw(b"\xcc\x09"))),
    "a number as u16": fields(N, ("SeqNo", Raw(b"\xcd\x00\x09"))),
    "a number as u64": fields(N, ("SeqNo", Raw(b"\xcf" + bytes(7) + b"\x09"))),
    "a number as i8": fields(N, ("SeqNo", Raw(b"\xd0\x09"))),
    "a number as i16": fields(N, ("SeqNo", Raw(b"\xd1\x00\x09"))),
    "a number as i64": fields(N, ("SeqNo", Raw(b"\xd3" + bytes(7) + b"\x09"))),
    "bytes after the body": Raw(fields(N, S) + b"more"),
    **{f"an unknown key with {what}": fields(N, S, ("X", Raw(value))) for what, value in SKIPPED.items()},
}
REFUSED = {
    "a negative number": fields(N, ("SeqNo", Raw(b"\xff"))),
    "a number above 32 bits": fields(N, ("SeqNo", Raw(b"\xcf\x00\x00\x00\x01\x00\x00\x00\x09"))),
    "a float as number": fields(N, ("SeqNo", Raw(b"\xcb" + bytes(8)))),
    "a bool as number": fields(N, ("SeqNo", Raw(b"\xc3"))),
    "a key that is a number": fields(N, S, (5, 5)),
    "the reserved byte": fields(N, S, ("X", Raw(b"\xc1"))),
    "a body that ends early": Raw(fields(N, S)[:-1]),
    "a length beyond the end": fields(S, ("Node", Raw(b"\xdb\x7f\xff\xff\xffm"))),
    "a string where the map should be": Raw(b"\xa1m"),
}


def answers(member, packet, number=9):
    """Whether this packet, a ping `number` in some guise, brings its ack."""
    with Packets() as asker:
        asker.send(member, packet)
        return asker.answered_before_next(member, number)


def test_bodies_in_every_accepted_form_are_understood(member):
    missed = [what for what, body in ACCEPTED.items() if not answers(member, bytes([PING]) + body)]
    assert missed == []


def test_bodies_that_are_wrong_are_dropped_and_the_member_lives_on(member):
    taken = [what for what, body in REFUSED.items() if answers(member, bytes([PING]) + body)]
    assert taken == []


PACKETS = {
    "a compound of one": (wire.compound(ping(9)), True),
    "a compound of 127": (wire.compound(*[ping(9)] * 127), True),
    "a compound of 255": (wire.compound(*[ping(9)] * 255), True),
    "a compound in a compound": (wire.compound(wire.compound(ping(9))), True),
    "a part of no length before": (wire.compound(b"", ping(9)), True),
    "bytes after the last part": (wire.compound(ping(9)) + b"tail", True),
    "a count without its lengths": (wire.compound(ping(9), count=40), False),
    "a part beyond the end": (wire.compound(ping(9))[:-1], False),
    "a whole part before one beyond the end": (wire.compound(ping(9), ping(10))[:-1], True),
    "a compound without a count": (bytes([wire.COMPOUND]), False),
    "a right CRC": (wire.with_crc(ping(9)), True),
    "a wrong CRC": (wire.with_crc(ping(9), wrong=1), False),
    "a CRC that ends early": (wire.with_crc(ping(9))[:4], False),
    "a CRC in a CRC": (wire.with_crc(wire.with_crc(ping(9))), False),
    "a CRC in a compound": (wire.compound(wire.with_crc(ping(9))), False),
    "a compound under a CRC": (wire.with_crc(wire.compound(ping(9))), True),
    "an unknown type": (bytes([99]) + ping(9), False),
    "a type of streams only": (bytes([wire.PUSH_PULL]) + ping(9), False),
    "a label": (wire.labelled(b"blue", ping(9)), False),
    "nothing but a type": (bytes([PING]), False),
}


def test_packets_in_every_wrapping_are_answered_or_dropped_alike(member):
    wrong = {what: want for what, (packet, want) in PACKETS.items() if answers(member, packet) != want}
    assert wrong == {}


@pytest.mark.parametrize("kind", ["anode", "go"])
def test_labels_of_every_form_are_answered_or_dropped_alike(make, kind):
    """Row 26: a member with a label of its own."""
    member = make(kind, "m", "-label", "blue", *PLAIN)
    with Packets() as asker:
        for number, (packet, want) in enumerate([
                (wire.labelled(b"blue", ping(100)), True), (ping(101), False), (wire.labelled(b"blu", ping(102)), False),
                (wire.labelled(b"blues", ping(103)), False), (b"\xf4", False), (b"\xf4\x00" + ping(105), False),
                (b"\xf4\x09blue", False), (wire.labelled(b"blue", b""), False)], start=100):
            asker.send(member, packet)
            asker.send(member, wire.labelled(b"blue", ping(1000 + number)))
            asker.wait_ack(1000 + number)
            assert asker.acknowledged(number) == want, packet
