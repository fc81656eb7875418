"""Who may talk to whom: keys, their rotation under traffic, clear text beside sealed, labels."""
import itertools
import threading

import pytest

from conftest import everyone_knows
from member import base64_of
from patience import eventually

KEYS = ["hex:" + f"{i:02x}" * size for i, size in ((1, 16), (2, 24), (3, 32))]
pairs = pytest.mark.parametrize("first, second", [("anode", "go"), ("go", "anode")], ids=["ours is joined", "ours joins"])


def refuses(one, other):
    """A join that must fail and leave no trace on either side."""
    reply = other.join(one, expect=False)
    assert reply["error"]
    assert one.names() == [one.name] and other.names() == [other.name]


@pairs
@pytest.mark.parametrize("key", KEYS, ids=["16 bytes", "24 bytes", "32 bytes"])
@pytest.mark.parametrize("protocol", ["1", "2", "5"])
def test_keys_of_every_size_and_both_formats_open(make, first, second, key, protocol):
    """Row 23: a Go member that speaks protocol 1 seals in format 0."""
    one, other = (make(kind, kind, "-key", key, *(["-protocol", protocol] if kind == "go" else [])) for kind in (first, second))
    other.join(one)
    everyone_knows([one, other])
    if protocol != "1":  # who speaks 1 sends packets to its own port, whatever was announced
        for here, there in ((one, other), (other, one)):
            here.ask("send-best-effort", to=there.name, payload="sealed packet")
            there.wait("message", payload="sealed packet")
    for here, there in ((one, other), (other, one)):
        here.ask("send-reliable", to=there.addr, payload="sealed stream")
        there.wait("message", payload="sealed stream")


@pairs
@pytest.mark.parametrize("ours, theirs", [([], ["-key", KEYS[0]]), (["-key", KEYS[0]], []), (["-key", KEYS[0]], ["-key", KEYS[1]])],
                         ids=["clear to sealed", "sealed to clear", "another key"])
def test_a_wrong_key_is_refused_both_ways(make, first, second, ours, theirs):
    """Row 25: the error answer is understood, nobody falls over, and the right key works afterwards."""
    one, other = make(first, "one", *ours), make(second, "other", *theirs)
    refuses(one, other)
    refuses(other, one)
    one.ask("send-best-effort", expect=None, to=other.addr, payload="not for you")  # ours sends to members only
    friend = make(second, "friend", *ours)
    friend.join(one)
    everyone_knows([one, friend])
    assert not other.find("message")


@pairs
def test_clear_text_is_accepted_where_that_is_configured(make, first, second):
    """Half way to encryption: keys are known, sealed is not demanded and not sent yet."""
    one = make(first, "one", "-key", KEYS[2], "-verify-incoming=false", "-verify-outgoing=false")
    other = make(second, "other", "-key", KEYS[2], "-verify-incoming=false")
    other.join(one)
    everyone_knows([one, other])
    for here, there in ((one, other), (other, one)):
        here.ask("send-best-effort", to=there.name, payload=f"packet of {here.name}")
        there.wait("message", payload=f"packet of {here.name}")
        here.ask("send-reliable", to=there.name, payload=f"stream of {here.name}")
        there.wait("message", payload=f"stream of {here.name}")


@pairs
@pytest.mark.parametrize("ours, theirs", [("blue", "green"), ("blue", ""), ("", "blue"), ("blue", "blu"), ("b" * 255, "b" * 254)])
def test_a_wrong_label_is_refused_both_ways(make, first, second, ours, theirs):
    """Row 26."""
    one, other = make(first, "one", "-label", ours), make(second, "other", "-label", theirs)
    refuses(one, other)
    refuses(other, one)
    one.ask("send-best-effort", expect=None, to=other.addr, payload="not for you")  # ours sends to members only
    friend = make(second, "friend", "-label", ours)
    friend.join(one)
    everyone_knows([one, friend])
    assert not other.find("message")


def test_a_label_may_have_255_bytes_and_no_more(make):
    one, other = make("anode", "one", "-label", "l" * 255), make("go", "other", "-label", "l" * 255)
    other.join(one)
    everyone_knows([one, other])
    too_long = make("anode", "no", "-label", "l" * 256, ready=False)
    assert too_long.process.wait(30) != 0


class Traffic:
    """Numbered messages from each member to each other, by packet and by stream, without a pause until the end."""

    def __init__(self, members):
        self.members, self.over, self.sent, self.failed = members, threading.Event(), [], []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def _run(self):
        for number in itertools.count():
            for one, other in itertools.permutations(self.members, 2):
                how = ("send-best-effort", "send-reliable")[number % 2]
                payload = f"{number} {how} {one.name} {other.name}"
                reply = one.ask(how, expect=None, to=other.name, payload=payload)
                if not reply["ok"]:
                    self.failed.append(reply)
                self.sent.append((other, payload))
            if self.over.wait(0.01):
                return

    def more(self, count=30):
        goal = len(self.sent) + count
        eventually(lambda: len(self.sent) >= goal, 30, "traffic")

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(60)


@pytest.mark.parametrize("label", [[], ["-label", "rotate"]], ids=["no label", "label"])
def test_a_key_is_rotated_under_traffic_and_nothing_is_lost(cluster, label):
    """Row 24: install everywhere, use everywhere, remove everywhere; each message arrives, no log complains."""
    members = cluster("a1 g1 a2", "-key", KEYS[0], *label, timing=["-preset", "lan", "-gossip-interval", "50ms"])
    new = KEYS[2]
    with Traffic(members) as traffic:
        traffic.more()
        for step, key in (("add-key", new), ("use-key", new), ("remove-key", KEYS[0])):
            for one in members:
                one.ask(step, key=key)
                traffic.more(12)
        traffic.more()
    assert traffic.failed == []
    for other, payload in traffic.sent:
        other.wait("message", payload=payload)
    for one in members:
        assert one.ask("keys")["keys"] == [base64_of(b"\x03" * 32)]
        assert not one.find("leave")
    assert members[1].complaints() == []


@pytest.mark.parametrize("kind", ["anode", "go"])
def test_key_commands_refuse_what_would_cut_a_member_off(make, kind):
    one = make(kind, "one", "-key", KEYS[0])
    assert one.ask("remove-key", expect=False, key=KEYS[0])["error"], "the primary key stays"
    assert one.ask("use-key", expect=False, key=KEYS[1])["error"], "a key that is not there"
    assert one.ask("add-key", expect=False, key="hex:00")["error"], "a key of one byte"
    bare = make(kind, "bare")
    assert bare.ask("add-key", expect=False, key=KEYS[0])["error"], "no key ring"
