"""Somebody who may speak on the mesh and means no good: the cluster goes on as if nobody were there, says who it was, and
leaves that peer alone for a while."""
import json
import os
import struct
import threading
import time

import pytest

from fleet import Load, data_of, finish_all
from listeners import Listener
from mesh_peer import (ACK, BULK, BYE, CHUNK, DATA, DATA_LANE, DIGEST, GRAFT, HELLO, LOG_DEF, MAIN, PING, PULL, QUERY, RACE,
                       SYSTEM_LANE, VECTOR, MeshPeer, block, log_key, varint)
from patience import eventually, patient

BANNED = 6


def mesh_port(member):
    """The port on which the node listens for others: the listening one that is neither HTTP nor membership."""
    sockets = set()
    for name in os.listdir(f"/proc/{member.process.pid}/fd"):
        try:
            target = os.readlink(f"/proc/{member.process.pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    with open(f"/proc/{member.process.pid}/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    ports = {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[9] in sockets}
    rest = ports - {member.port, int(member.gossip_address.rsplit(":", 1)[1])}
    assert len(rest) == 1, ports
    return rest.pop()


class Pulse:
    """Publishes at the second member ten times a second and hears it at the third: how long live messages take between nodes
    that nobody attacks."""

    def __init__(self, members):
        self.taken, self.over = [], threading.Event()
        self.sender = members[1]
        self.listener = Listener(members[2].port, "good.pulse", keep=self.hear)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def hear(self, line):
        message = json.loads(line)
        if "data" in message:
            self.taken.append(time.time() - message["data"])

    def run(self):
        while not self.over.wait(0.1):
            self.sender.publish("good.pulse", time.time(), ack="received")

    def finish(self):
        eventually(lambda: len(self.taken) >= 5, what="a pulse: one that was not heard shows nothing")
        self.over.set()
        self.thread.join(patient(30))
        self.listener.close()
        ordered = sorted(self.taken)
        return ordered[len(ordered) // 2]


@pytest.fixture
def plain(fleet):
    """Three members in clear text with load on each, a listener at each, and the checks of all tests here."""
    fleet.config = {"mesh": {"insecure": True}}
    for _ in range(3):
        fleet.make(ring=None)
    fleet.whole()
    listeners = [member.listen("good.>,hostile.>,$sys.alert.>") for member in fleet.members]
    loads = [Load(member, f"good.{member.name}", 60) for member in fleet.members]
    for load in loads:
        load.flows(30)
    fleet.victim = fleet.members[0]
    fleet.mesh_port = mesh_port(fleet.victim)
    pulse = Pulse(fleet.members)
    yield fleet
    assert pulse.finish() < patient(0.5), f"live messages were held up: {pulse.taken}"
    for load in loads:
        load.flows(60)
    acknowledged = finish_all(loads)
    fleet.whole()
    history = fleet.settle("good.>", acknowledged, whole=not getattr(fleet, "invented", False))
    assert len(history) >= len(acknowledged)
    for member, listener in zip(fleet.members, listeners):
        heard = {tuple(data) for data in data_of(list(listener.lines)) if isinstance(data, list)}
        eventually(lambda: {tuple(payload) for payload in acknowledged} <= {
            tuple(data) for data in data_of(list(listener.lines)) if isinstance(data, list)}, 30, what="all at the listener")
        assert heard, "a listener that heard nothing shows nothing"
        assert member.rss_bytes() < 900 << 20
        assert all(state == "alive" for state in member.states().values()), member.states()


def let_in(fleet, purpose=MAIN):
    """A peer that the node has greeted. Strangers have few places, and one is free again only when the last has been missed."""
    def try_it():
        peer = MeshPeer(fleet.mesh_port)
        answer = peer.greet(purpose)
        if answer is None:
            return peer
        assert answer[0] == BYE, answer
        peer.close()
        return None
    return eventually(try_it, what="a place for a stranger", pause=0.1)


def is_named(member, peer, words="a peer broke the protocol"):
    eventually(lambda: [record for record in member.warnings() if record["msg"] == words and record.get("peer") == peer.id],
               what=f"the name of {peer.id} in the log")


def is_blamed(member, peer, kind, times=1):
    """The fault stands in the metrics and on the page about the mesh, by peer and kind."""
    eventually(lambda: member.metric("anode_mesh_peer_faults_total", peer=peer.id, kind=kind) >= times,
               what=f"{kind} of {peer.id} in the metrics")
    listed = [one for one in member.get("/v1/mesh").json()["offenders"] if one["peer"] == peer.id]
    assert listed and listed[0]["faults"].get(kind, 0) >= times, listed
    return listed[0]


def is_banned(fleet, peer):
    """The same identity is refused when it comes again; another one is not."""
    with MeshPeer(fleet.mesh_port, peer.node) as again:
        again.frame(HELLO, again.hello())
        error = again.ending()
        assert error and error[0] == BANNED, error
    let_in(fleet).close()


def huge_frame(peer):
    peer.raw(struct.pack("<IBBH", 0xFFFFFFF0, DATA, 0, 0) + b"x" * 1000)


def wrong_checksum(peer):
    peer.define(1, peer.log).announce(1, 5).data(1, block(peer.log, 1, ['"x"'], spoil=True))


def checksum_of_another_log(peer):
    peer.define(1, peer.log).announce(1, 5).data(1, block(log_key(peer.node, peer.epoch + 1), 1, ['"x"']))


def far_ahead(peer):
    peer.define(1, peer.log).announce(1, 5).data(1, block(peer.log, 1 << 50, ['"x"']))


def of_a_log_never_defined(peer):
    peer.data(77, block(peer.log, 1, ['"x"']))


def live_frame_for_repair(peer):
    peer.frame(CHUNK, b"")


ATTACKS = {  # each with the kind under which it is counted; noise may be taken for anything
    "noise after HELLO": (None, lambda peer: peer.raw(os.urandom(4096))),
    "a frame of four gigabytes": ("too-large", huge_frame),
    "a frame type that nobody knows": ("protocol", lambda peer: peer.frame(200, b"?")),
    "a second HELLO": ("protocol", lambda peer: peer.frame(HELLO, peer.hello())),
    "a wrong checksum": ("checksum", wrong_checksum),
    "a block of another log": ("checksum", checksum_of_another_log),
    "a block far ahead": ("far-ahead", far_ahead),
    "a block of an undefined log": ("unknown-log", of_a_log_never_defined),
    "a truncated chunk": ("protocol", live_frame_for_repair),
    "a digest that ends early": ("protocol", lambda peer: peer.frame(DIGEST, varint(1 << 40))),
    "a pull with a million ranges": ("too-large", lambda peer: peer.frame(PULL, struct.pack("<I", 1) + peer.log + varint(1_000_000))),
    "a vector with a million rows": ("protocol", lambda peer: peer.frame(VECTOR, struct.pack("<HB", 0, 1) + varint(1_000_000))),
    "a head past all numbers": ("too-large", lambda peer: peer.define(1, peer.log).announce(1, (1 << 64) - 1)),
    "a head far ahead": ("far-ahead", lambda peer: peer.define(1, peer.log).announce(1, 1 << 50)),
    "a wish for what cannot be": ("far-ahead", lambda peer: peer.define(1, peer.log).announce(1, 5).frame(
        GRAFT, varint(1) + varint(1 << 50) + b"\0\0")),
    "a race to the end of numbers": ("far-ahead", lambda peer: peer.define(1, peer.log).announce(1, 5).frame(
        RACE, varint(1) + varint(1 << 50))),
    "a question about an undefined log": ("unknown-log", lambda peer: peer.define(1, peer.log).frame(QUERY, varint(1) + varint(5))),
    "a question that repeats itself": ("protocol", lambda peer: peer.define(1, peer.log).frame(QUERY, varint(1000) + varint(1) * 1000)),
    "one alias for two logs": ("protocol", lambda peer: peer.define(1, peer.log).define(1, log_key(os.urandom(16), 1))),
    "a skip that wraps around": ("too-large", lambda peer: peer.define(1, peer.log).skip(1, (1 << 64) - 1, (1 << 64) + 5)),
    "bytes behind a ping": ("protocol", lambda peer: peer.frame(PING, b"\0" * 200)),
}


def test_whoever_breaks_the_protocol_is_told_named_and_banned(plain):
    # A node says the same thing ten times a minute at most, so each has its share of the attacks.
    for number, (attack, (kind, act)) in enumerate(ATTACKS.items()):
        plain.victim = plain.members[number % len(plain.members)]
        plain.mesh_port = mesh_port(plain.victim)
        with let_in(plain) as peer:
            act(peer)
            error = peer.ending()
            assert error or attack == "noise after HELLO", f"{attack}: closed without a word"
            is_named(plain.victim, peer)
            if kind:
                seen = is_blamed(plain.victim, peer, kind)
                assert seen["bans"] == 1 and 0 < seen["banned_s"] <= 60 and seen["name"] == "mallory", (attack, seen)
            is_banned(plain, peer)
            is_blamed(plain.victim, peer, "refused")
    eventually(lambda: sum(member.metric("anode_mesh_bans_total") for member in plain.members) == len(ATTACKS), what="all bans")
    assert sum(member.metric("anode_mesh_banned") for member in plain.members) >= 1


def test_noise_before_hello_leaves_no_trace_and_costs_no_place(plain):
    for noise in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(9000), struct.pack("<IBBH", 5000, HELLO, 0, 0), b"\x16\x03\x01\x02\x00\x01"):
        with MeshPeer(plain.mesh_port) as peer:
            peer.raw(noise + os.urandom(64))
            peer.ending()
    silent = [MeshPeer(plain.mesh_port) for _ in range(100)]
    try:
        for peer in silent:
            assert peer.ending() is None, "who says nothing is hung up on"
        let_in(plain).close()  # their places are free again
    finally:
        for peer in silent:
            peer.close()


def test_another_cluster_another_version_and_our_own_identity_are_refused(plain):
    with MeshPeer(plain.mesh_port, cluster="another") as peer:
        assert peer.greet()[0] == 6
    with MeshPeer(plain.mesh_port) as newer:
        newer.frame(HELLO, struct.pack("<HH", 9, 9) + newer.hello()[4:])
        assert newer.ending()[0] == 3
    with MeshPeer(plain.mesh_port) as older:
        older.frame(HELLO, struct.pack("<HH", 0, 0) + older.hello()[4:])
        assert older.ending()[0] == 3
    for skewed in (newer, older):
        is_named(plain.victim, skewed, "a connection between nodes was refused")
        is_blamed(plain.victim, skewed, "refused")
    eventually(lambda: plain.victim.metric("anode_mesh_links_refused_total") >= 3, what="refusals in the metrics")
    with MeshPeer(plain.mesh_port) as wide:
        wide.frame(HELLO, struct.pack("<HH", 9, 1) + wide.hello()[4:] + b"what a later version says more")
        assert wide.next()[0] == HELLO, "who also speaks our version is let in"
    own = bytes.fromhex(plain.victim.id[2:])
    assert len(own) == 6, "the rest of the identity is not told to clients"


def test_heads_that_nobody_can_serve_are_holes_of_their_own_logs_only(plain):
    """What an origin says of itself nobody else can judge: it is told as missing, and costs nothing but a line."""
    with let_in(plain) as peer:
        invented = [log_key(os.urandom(16), peer.epoch) for _ in range(5)] + [peer.log]
        for alias, log in enumerate(invented, 1):
            peer.define(alias, log).announce(alias, 1 << 39)
            peer.vector(log, 1, 1 << 39, 1 << 39)
        peer.skip(6, 1, 1 << 39)
        peer.pong_for(8)
    origins = {"n-" + log[:6].hex() for log in invented}
    for member in plain.members:
        assert {gap["origin"] for gap in member.ledger()} <= origins, member.ledger()
    plain.invented = True


def log_of(member):
    """The log that the member writes at present: HELLO tells node and epoch."""
    with MeshPeer(mesh_port(member)) as peer:
        peer.frame(HELLO, peer.hello())
        _, body = peer.next()
    name_at = 5 + body[4]
    return body[name_at:name_at + 24] + bytes([DATA_LANE])


CLAIMS = {
    "announce": lambda peer, log: peer.define(1, log).announce(1, 1 << 39),
    "vector": lambda peer, log: peer.vector(log, 1, 1 << 39, 1 << 39),
    "skip": lambda peer, log: peer.define(1, log).announce(1, 1 << 39).skip(1, 1, 1 << 39),
    "block": lambda peer, log: peer.define(1, log).announce(1, 1 << 39).data(1, block(log, 1 << 38, ['"forged"'], topic="hostile.x")),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_peer_invents_of_the_log_of_a_living_node_is_not_believed(plain, claim):
    plain.invented = True
    log = log_of(plain.members[1])
    with let_in(plain) as peer:
        CLAIMS[claim](peer, log)
        peer.pong_for(5)
        is_blamed(plain.victim, peer, "heads")
        is_named(plain.victim, peer, "a peer claims messages that their origin does not know of")
        eventually(lambda: plain.victim.metric("anode_mesh_heads_ignored_total") >= 1, what="ignored heads in the metrics")
    for member in plain.members:
        assert member.ledger() == [], "the origin is a neighbour and knows of no such messages"
    identity = plain.members[1].publish("good.after", ["after", 0])
    after = eventually(lambda: [message for message in plain.victim.history("good.after") if message["id"] == identity],
                       what="a message of the node that was lied about")
    assert "late" not in after[0].get("flags", []), "and what it says next is not late"


def test_who_speaks_of_the_system_in_the_data_lane_is_not_shown(plain):
    with let_in(plain) as peer:
        peer.define(1, peer.log).announce(1, 2)
        peer.data(1, block(peer.log, 1, ['{"forged":true}'], topic="$sys.alert.forged"))
        peer.data(1, block(peer.log, 2, ['{"plain":true}'], topic="hostile.plain"))
        peer.pong_for(3)
        for member in plain.members:
            eventually(lambda member=member: member.history("hostile.plain"), what="what was no offence")
            assert member.history("$sys.alert.forged") == []
            assert member.get("/v1/messages?topics=$sys.>&limit=1000").text.count("forged") == 0
        is_blamed(plain.victim, peer, "foreign-topic")
        is_named(plain.victim, peer, "a node speaks of what is not its own")


def test_who_speaks_for_another_node_in_its_system_lane_is_not_shown(plain):
    other = plain.members[1].id
    with let_in(plain) as peer:
        log = log_key(peer.node, peer.epoch, SYSTEM_LANE)
        peer.define(1, log).announce(1, 2)
        peer.data(1, block(log, 1, ['{"forged":true}'], topic=f"$sys.stats.{other}"))
        peer.data(1, block(log, 2, ['{"forged":true}'], topic="hostile.system"))
        peer.data(1, block(log, 3, ['{"own":true}'], topic=f"$sys.stats.{peer.id}"))
        peer.pong_for(3)
        is_blamed(plain.victim, peer, "foreign-topic", times=2)
        for member in plain.members:
            eventually(lambda member=member: member.history(f"$sys.stats.{peer.id}"), what="what was its own")
            assert "forged" not in str(member.history(f"$sys.stats.{other}")), "nobody speaks for another"
            assert member.history("hostile.system") == []


def test_payloads_that_are_no_json_and_blocks_that_break_the_layout_reach_nobody(plain):
    with let_in(plain) as peer:
        peer.define(1, peer.log).announce(1, 4)
        peer.data(1, block(peer.log, 1, ['{"a":1}\n{"b":2}']))
        peer.data(1, block(peer.log, 2, ["[" * 5000]))
        peer.data(1, block(peer.log, 3, ['"x"'], topic="bad topic\n"))
        peer.data(1, block(peer.log, 4, ['"good"'], topic="hostile.good"))
        peer.pong_for(3)
    for member in plain.members:
        eventually(lambda member=member: member.history("hostile.good"), what="the good one")
        assert [message["data"] for message in member.history("hostile.>")] == ["good"]
        assert "hostile" not in str([topic for topic in member.get("/v1/topics?limit=1000").json()["items"] if "bad" in str(topic)])
    assert any(record["msg"] == "a block that cannot be read was refused" for record in plain.victim.warnings())
    is_blamed(plain.victim, peer, "unreadable")


def test_stamps_of_the_far_future_do_not_move_our_clocks(plain):
    with let_in(plain) as peer:
        peer.define(1, peer.log).announce(1, 1)
        peer.data(1, block(peer.log, 1, ['"late"'], topic="hostile.future", stamp=((1 << 47) - 1) << 16))
        peer.pong_for(3)
        is_blamed(plain.victim, peer, "future")
        is_named(plain.victim, peer, "a node stamps its messages in the future")
    for member in plain.members:
        identity = member.publish("good.clock", member.name)
        assert identity < "02", f"the stamp of a new message is of today: {identity}"


def test_a_flood_of_frames_ends_in_a_ban(plain):
    with let_in(plain) as peer:
        # Of a kind that is not answered: who does not read answers is left for that alone.
        burst = frame(DIGEST, varint(0) + varint(0)) * 4000
        for _ in range(750):
            peer.raw(burst)
            if peer.closed:
                break
        # What the node has still to say may keep the connection for two seconds more.
        eventually(lambda: peer.raw(burst).closed, what="the end of who asks more than anybody has")
        peer.ending()
        is_named(plain.victim, peer)
        is_blamed(plain.victim, peer, "flood")
        is_banned(plain, peer)


def test_a_peer_that_claims_what_it_does_not_serve_is_not_believed(plain):
    """A log of a node that is gone: nobody can say that it is a lie, but three vain questions are enough."""
    plain.invented = True
    with let_in(plain) as peer:
        gone = log_key(os.urandom(16), peer.epoch)
        peer.define(1, gone).announce(1, 50)
        told = 50
        for _ in range(8):
            peer.pong_for(1.2)
            told += 1
            peer.frame(DIGEST, varint(1) + varint(1) + varint(told if told == 51 else 1) + varint(0))
        is_blamed(plain.victim, peer, "heads")
        is_named(plain.victim, peer, "a peer claims messages that it does not serve")


def test_a_peer_that_asks_for_live_blocks_and_never_reads_is_dropped(plain):
    log = log_of(plain.victim)
    with let_in(plain) as peer:
        peer.define(1, log).frame(GRAFT, varint(1) + varint(1) + b"\0\0")
        until = time.monotonic() + 8
        while time.monotonic() < until and not peer.closed:
            peer.frame(PING, b"\0" * 29)  # it lives, but gives no credit back
            time.sleep(0.2)
        is_blamed(plain.victim, peer, "unread")
        is_named(plain.victim, peer, "a link carries small frames only")


def test_many_links_of_many_names_take_nobodys_place(plain):
    crowd = []
    try:
        for purpose in [MAIN] * 30 + [BULK] * 50:
            peer = MeshPeer(plain.mesh_port)
            peer.greet(purpose)
            crowd.append(peer)
        eventually(lambda: plain.victim.metric("anode_mesh_links_refused_total") >= 5, what="many that were sent away")
        named = [one for one in plain.victim.get("/v1/mesh").json()["offenders"] if one["faults"].get("refused")]
        assert named, "who was sent away is listed"
    finally:
        for peer in crowd:
            peer.close()
    plain.whole()


def test_floods_are_bounded(plain):
    with let_in(plain) as pings:
        for _ in range(50):
            pings.raw((struct.pack("<IBBH", 29, PING, 0, 0) + b"\0" * 29) * 1000)
    with let_in(plain) as logs:
        for start in range(1, 300_000, 1000):
            logs.raw(b"".join(frame(LOG_DEF, varint(alias) + os.urandom(24) + b"\1") for alias in range(start, start + 1000)))
            if logs.closed:
                break
    with let_in(plain) as grafts:
        grafts.define(1, log_key(os.urandom(16), 5))
        for _ in range(50):
            grafts.raw(frame(GRAFT, varint(1) + varint(1) + b"\0\0") * 1000)
    with let_in(plain) as acks:
        acks.define(1, acks.log)
        acks.raw(frame(ACK, varint(1) + varint(1) + varint(1 << 60) + varint(1 << 60)) * 1000)
    crowd = [MeshPeer(plain.mesh_port) for _ in range(60)]
    try:
        for peer in crowd:
            peer.greet()
    finally:
        for peer in crowd:
            peer.close()


def test_a_peer_that_asks_for_everything_and_reads_nothing_is_left(plain):
    plain.victim.publish_lines("good.bulk", ["x" * 100_000] * 50)
    log = log_of(plain.victim)
    with let_in(plain, BULK) as greedy:
        for request in range(2000):
            greedy.frame(PULL, struct.pack("<I", request) + log + varint(1) + varint(1) + varint(1 << 30) + struct.pack("<I", 1 << 30))
            if greedy.closed:
                break
        eventually(lambda: plain.victim.metric("anode_mesh_queue_bytes") < 64 << 20, what="a bounded queue")
    assert plain.victim.get("/readyz").status == 200


def frame(kind, body):
    return struct.pack("<IBBH", len(body), kind, 0, 0) + body
