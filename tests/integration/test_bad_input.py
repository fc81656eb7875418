"""What clients send by mistake or by malice: a clear refusal, a living process, and traffic beside it that notices nothing."""
import gzip
import json
import os
import select
import socket
import struct
import time
import zlib

import pytest

from healthy import Healthy
from listeners import Listener, WebSocketListener
from patience import eventually, patient

GIB = 1 << 30


@pytest.fixture
def node(make_node):
    """A node with healthy traffic on it."""
    node = make_node()
    with Healthy(node):
        yield node


def publish(node, body, content_type="application/json", **headers):
    return node.post("/v1/topics/bad.x/messages", body, headers={"Content-Type": content_type, **headers})


def refused(answer, statuses, codes):
    problem = answer.json()
    assert answer.status in statuses and problem["code"] in codes, answer
    assert list(problem)[:4] == ["type", "title", "status", "code"] and problem["status"] == answer.status
    return problem


NO_JSON = {
    "cut off": b'{"a":', "word": b"nul", "comma": b"[1,]", "two values": b'{"a":1}{"b":2}', "tail": b"1 x", "quote": b"'a'",
    "leading zero": b"[01]", "plus": b"[+1]", "NaN": b"[NaN]", "control": b'"a\nb"', "bad escape": rb'"\x"', "empty": b"",
    "UTF-8": b'"\xff"', "overlong UTF-8": b'"\xc0\xaf"', "surrogate in UTF-8": b'"\xed\xa0\x80"', "cut UTF-8": b'"\xe2\x82"',
    "byte order mark": b"\xef\xbb\xbf1", "NUL": b"\x00", "bare text": b"hello", "colon": b'{"a" 1}', "name": b"{a:1}",
}


def test_what_is_no_json_is_refused_and_never_stored(node):
    for what, body in NO_JSON.items():
        refused(publish(node, body), (400, 422), ("bad-json",)), what
    lines = [body for body in NO_JSON.values() if body and b"\n" not in body]
    answer = publish(node, b"\n".join([*lines, b"1", b""]), "application/x-ndjson").json()
    assert answer["accepted"] == 1, answer
    assert [entry["line"] for entry in answer["rejected"]] == list(range(1, len(lines) + 1))
    assert [m["data"] for m in node.get("/v1/messages?topics=bad.>").json()["items"]] == [1]


@pytest.mark.parametrize("depth", [65, 10_000, 1_000_000])
def test_deep_json_is_refused_as_too_deep(node, depth):
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        body = opening * depth + "1" + closing * depth
        if len(body) > 1 << 20:
            refused(publish(node, body), (400, 413, 422), ("too-deep", "too-large"))
        else:
            refused(publish(node, body), (400, 422), ("too-deep",))
        refused(publish(node, opening * min(depth, 150_000)), (400, 422), ("too-deep", "bad-json"))


def send_until_refused(sock, parts):
    """Sends until the node has answered or closed; how many bytes went out, and what came."""
    sent, answer = 0, b""
    try:
        for part in parts:
            sock.sendall(part)
            sent += len(part)
            if select.select([sock], [], [], 0)[0]:
                break
    except OSError:
        pass
    try:
        while piece := sock.recv(65536):
            answer += piece
    except OSError:
        pass
    return sent, answer


@pytest.mark.parametrize("framing", ["content-length", "chunked", "chunked ndjson"])
def test_a_body_of_one_gib_is_cut_short_and_costs_no_memory(node, framing):
    before = node.rss_bytes()
    with node.raw(60) as sock:
        kind = "application/x-ndjson" if "ndjson" in framing else "application/json"
        head = f"POST /v1/topics/bad.x/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        mib = (b"[" + b"1," * ((1 << 19) - 1) + b"\n") if "ndjson" not in framing else (b"1\n" * (1 << 19))
        if framing == "content-length":
            sock.sendall((head + f"Content-Length: {GIB}\r\n\r\n").encode())
            parts = (mib for _ in range(1024))
        else:
            sock.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
            parts = (b"%x\r\n%b\r\n" % (len(mib), mib) for _ in range(1024))
        sent, answer = send_until_refused(sock, parts)
    assert sent < 128 << 20, f"{sent >> 20} MiB were taken"
    assert answer.startswith(b"HTTP/1.1 413") or not answer, answer[:300]
    assert node.rss_bytes() - before < 96 << 20
    assert node.get("/v1/messages?topics=bad.>").json()["items"] == []


def bomb(make, size):
    """`size` zeroes, packed."""
    packer, out = make, []
    block = b"0" * (1 << 20)
    for _ in range(size >> 20):
        out.append(packer.compress(block))
    return b"".join(out) + packer.flush()


@pytest.mark.parametrize("coding, wbits", [("gzip", 31), ("deflate", 15)])
def test_a_bomb_of_one_gib_in_a_request_is_refused(node, coding, wbits):
    body = bomb(zlib.compressobj(9, zlib.DEFLATED, wbits), GIB)
    before, began = node.rss_bytes(), time.monotonic()
    refused(publish(node, body, **{"Content-Encoding": coding}), (413,), ("too-large",))
    assert time.monotonic() - began < patient(5)
    assert node.rss_bytes() - before < 96 << 20


def test_broken_and_nested_encodings_are_refused(node):
    good = gzip.compress(b"1")
    assert publish(node, good, **{"Content-Encoding": "gzip"}).status == 200
    for body in (good[:-4], b"\x1f\x8b" + b"x" * 20, b"", good + b"tail", b"plain"):
        answer = publish(node, body, **{"Content-Encoding": "gzip"})
        assert answer.status in (400, 413, 422), (body, answer)
    for coding in ("gzip, gzip", "br", "compress", "x"):
        refused(publish(node, gzip.compress(good), **{"Content-Encoding": coding}), (415,), ("media-type",))


# -- WebSocket ---------------------------------------------------------------------------------------------------------

def frame(first, payload, length=None, masked=True):
    """A frame by hand: the first byte and, if given, a length that need not be true."""
    size = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    head = (bytes([first, bit | size]) if size < 126 else bytes([first, bit | 126]) + struct.pack(">H", size)
            if size < 1 << 16 else bytes([first, bit | 127]) + struct.pack(">Q", size))
    return head + (b"\0\0\0\0" if masked else b"") + payload


WRONG_FRAMES = {
    "not masked": (frame(0x81, b"{}", masked=False), 1002),
    "reserved bit": (frame(0xC1, b"{}"), 1002),
    "reserved opcode 3": (frame(0x83, b"{}"), 1002),
    "reserved control opcode": (frame(0x8B, b""), 1002),
    "fragmented ping": (frame(0x09, b"x"), 1002),
    "long ping": (frame(0x89, b"x" * 126), 1002),
    "continuation of nothing": (frame(0x80, b"x"), 1002),
    "new message inside another": (frame(0x01, b"{") + frame(0x81, b"}"), 1002),
    "close of one byte": (frame(0x88, b"\x03"), 1002),
    "close with a reserved code": (frame(0x88, struct.pack(">H", 1005)), 1002),
    "close reason that is no UTF-8": (frame(0x88, struct.pack(">H", 1000) + b"\xff"), 1007),
    "text that is no UTF-8": (frame(0x81, b'"\xff"'), 1007),
    "no UTF-8 over two fragments": (frame(0x01, b'"\xe2') + frame(0x80, b'\x28"'), 1007),
    "over the limit": (frame(0x81, b"x", length=65_537), 1009),
    "one EiB": (frame(0x81, b"x", length=1 << 60), (1002, 1009)),
    "negative length": (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", (1002, 1009)),
    "endless fragments": (frame(0x01, b"x") + frame(0x00, b"x") * 100, (1002, 1009)),
}


class Session(WebSocketListener):
    """A raw connection to `/v1/ws` or another path."""

    def __init__(self, port, path="/v1/ws"):
        self.path = path
        super().__init__(port, "x")

    def open(self, _, port):
        super().open(self.path, port)


def test_every_wrong_frame_closes_its_connection_with_the_right_code(node):
    for path in ("/v1/ws", "/v1/stream?topics=none.>", "/v1/push?topic=bad.x"):
        for what, (bytes_, codes) in WRONG_FRAMES.items():
            if what == "over the limit" and path.startswith("/v1/push"):
                continue  # there the limit is one MiB
            with Session(node.port, path) as session:
                session.socket.sendall(bytes_)
                eventually(lambda: session.ended, 10, what=f"{path}, {what}: the end")
                expected = codes if isinstance(codes, tuple) else (codes,)
                if path.startswith("/v1/stream") and session.closed and session.closed[0] == 4400:
                    continue  # a one-way stream may refuse any data frame before it looks inside
                assert session.closed and session.closed[0] in expected, f"{path}, {what}: {session.closed}"


def test_half_frames_and_connections_that_vanish_cost_nothing(node):
    files = node.open_files()
    for n in range(100):
        with Session(node.port) as session:
            session.socket.sendall(frame(0x81, b'{"op":"sub","id":1,"topics":["bad.>"]}')[: 1 + n % 40])
            session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(lambda: node.open_files() <= files + 5, 20, what="every descriptor back")


def test_nonsense_requests_on_the_protocol_are_answered_and_the_session_lives(node):
    with Session(node.port) as session:
        session.wait(1)
        for number, request in enumerate(['{"op":"no","id":1}', '{"op":"sub","id":2}', '{"op":"sub","id":3,"topics":"bad.>"}',
                                          '{"op":"sub","id":4,"topics":["a..b"]}', '{"op":"sub","id":5,"topics":["a"],"x":1}',
                                          '{"op":"sub","id":6,"topics":["a"],"from":"c1.nonsense"}',
                                          '{"op":"pub","id":7,"topic":"$sys.x","data":1}', '{"op":"unsub","id":8,"sid":77}',
                                          '{"op":"sub","id":9,"topics":["a"],"filter":"while(true)"}']):
            session.send_text(request)
            reply = json.loads(session.wait(number + 2)[-1])
            assert reply["op"] == "err" and reply["id"] == number + 1 and reply["code"] and reply["title"], reply
        session.send_text('{"op":"ping","id":10}')
        assert json.loads(session.wait(11)[-1])["op"] == "pong"


# -- slow and half open ------------------------------------------------------------------------------------------------

def test_listeners_that_never_read_cost_little_and_disturb_nobody(node):
    payload = "x" * 1000
    node.publish("flood.x", payload)
    before = node.rss_bytes()
    stuck = []
    for _ in range(50):
        sock = node.raw()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b"GET /v1/stream?topics=flood.> HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        stuck.append(sock)
    eventually(lambda: node.metric("anode_listeners", transport="ndjson") >= 50, what="fifty more listeners")
    with Listener(node.port, "flood.>") as reader:
        for _ in range(40):
            node.publish_lines("flood.x", [payload] * 1000, ack="received")
        eventually(lambda: reader.count >= 40_000, 30, what="the flood at a reader")
        assert all(b'"op"' not in line[:8] for line in reader.lines), "a reader that reads misses nothing"
    assert node.rss_bytes() - before < 50 * (256 << 10) + (160 << 20), "256 KiB each, beside caches"
    for sock in stuck:
        sock.close()
    eventually(lambda: node.metric("anode_listeners", transport="ndjson") <= 2, 20, what="the stuck ones gone")


def test_a_listener_that_trickles_catches_up_without_a_hole(node):
    with node.raw() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall(b"GET /v1/stream?topics=flood.> HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        eventually(lambda: node.metric("anode_listeners", transport="ndjson") >= 2)
        for batch in range(20):
            node.publish_lines("flood.x", [{"n": batch * 500 + n, "pad": "~" + "x" * 400} for n in range(500)], ack="received")
        pieces, lines, reader = [], 0, sock.makefile("rb")
        while lines < 10_000:
            pieces.append(reader.read1(3000))
            assert pieces[-1], "closed"
            lines += pieces[-1].count(b"~")
        text = b"".join(pieces)
        numbers = [json.loads(line)["data"]["n"] for line in unchunked(text).splitlines() if b'"pad"' in line and line.endswith(b"}}")]
        assert numbers == list(range(len(numbers))) and len(numbers) >= 9_900
        assert b'"op":"gap"' not in text


def unchunked(answer):
    """The whole chunks of a chunked answer."""
    rest, body = answer.split(b"\r\n\r\n", 1)[1], b""
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        size = int(size, 16)
        body, rest = body + rest[:size], rest[size + 2:]
    return body


def test_half_open_connections_are_cut_and_leave_room_for_others(node):
    files = node.open_files()
    beginnings = [b"G", b"GET /v1/version HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
                  b"POST /v1/topics/bad.x/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n12"]
    half = []
    for n in range(150):
        sock = node.raw()
        sock.sendall(beginnings[n % len(beginnings)])
        half.append(sock)
    assert node.get("/v1/version").status == 200
    for n, sock in enumerate(half):  # heads within 10 s, bodies within 30 s
        answer = b""
        try:
            while piece := sock.recv(4096):
                answer += piece
        except ConnectionError:
            pass
        assert answer == b"" or answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400")), (n, answer[:100])
        sock.close()
    eventually(lambda: node.open_files() <= files + 5, 20, what="every descriptor back")


def test_random_bytes_are_answered_with_400_or_the_end(node):
    draw = os.urandom
    for _ in range(100):
        with node.raw() as sock:
            sent, answer = send_until_refused(sock, [draw(200) + b"\r\n\r\n"])
            assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 505")), answer[:100]
