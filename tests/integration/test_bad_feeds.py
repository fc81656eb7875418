"""What feeds may send: bombs, broken protocols, endless lines. The source says what is wrong, nothing else notices."""
import asyncio
import gzip
import zlib

import pytest

from healthy import Healthy
from listeners import Listener
from patience import eventually
from raw_feed import RawFeed, flood, frame, send, upgrade

MIB = 1 << 20


def zeroes(mib, wbits):
    """Packed zeroes; the packed form is small."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    packed = b"".join(packer.compress(b"0" * MIB) for _ in range(mib))
    return packed + (packer.flush(zlib.Z_SYNC_FLUSH)[:-4] if wbits == -15 else packer.flush())


GZIP_BOMB, RAW_BOMB = zeroes(256, 31), zeroes(256, -15)


def socket_script(*parts, extra=""):
    async def script(writer, head):
        await upgrade(writer, head, extra)
        await send(writer, *parts)
    return script


def answer(body, *headers, status="200 OK"):
    """A whole HTTP answer."""
    async def script(writer, _):
        lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", *headers]
        await send(writer, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, then=0)
    return script


def endless(head, part, times):
    async def script(writer, _):
        writer.write(head)
        await flood(writer, part, times)
    return script


async def wrong_accept(writer, _):
    await send(writer, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n")


async def no_http(writer, _):
    await send(writer, b"SSH-2.0-OpenSSH_9.2\r\n" * 100, then=0)


async def endless_head(writer, _):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await flood(writer, b"X-A: " + b"a" * 8000 + b"\r\n", 2000)


async def endless_frame(writer, head):
    await upgrade(writer, head)
    writer.write(frame(b"", 0x01, length=1 << 40))
    await flood(writer, b"x" * MIB, 64)


async def endless_fragments(writer, head):
    await upgrade(writer, head)
    writer.write(frame(b"x" * MIB, 0x01))
    await flood(writer, frame(b"x" * MIB, 0x00), 64)


async def ping_flood(writer, head):
    await upgrade(writer, head)
    await flood(writer, frame(b"p", 0x89) * 1000, 300)
    await asyncio.sleep(30)  # keeps the connection: whoever closes it is the node


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

# name: (type, script, classes of which one must be counted, more of the definition)
BAD = {
    "gzip-bomb-frame": ("websocket", socket_script(frame(GZIP_BOMB, 0x82)), {"decode", "too-large"}, {"decode": ["gzip"]}),
    "no-gzip-frame": ("websocket", socket_script(frame(b"plain")), {"decode"}, {"decode": ["gzip"]}),
    "deflate-bomb": ("websocket", socket_script(frame(RAW_BOMB, 0xC1), extra="Sec-WebSocket-Extensions: permessage-deflate\r\n"),
                     {"too-large", "decode", "protocol"}, {"http": {"deflate": True}}),
    "unasked-deflate": ("websocket", socket_script(frame(b"x", 0xC1)), {"protocol"}, {}),
    "unasked-extension": ("websocket", socket_script(extra="Sec-WebSocket-Extensions: x-made-up\r\n"), {"protocol", "http"}, {}),
    "frame-over-16-mib": ("websocket", socket_script(frame(b"x" * (17 * MIB))), {"too-large"}, {}),
    "endless-frame": ("websocket", endless_frame, {"too-large"}, {}),
    "endless-fragments": ("websocket", endless_fragments, {"too-large"}, {}),
    "masked-frame": ("websocket", socket_script(b"\x81\x82abcd\x1a\x1f"), {"protocol"}, {}),
    "reserved-opcode": ("websocket", socket_script(frame(b"", 0x8F)), {"protocol"}, {}),
    "no-utf-8": ("websocket", socket_script(frame(b'{"s":"\xff"}')), {"protocol"}, {}),
    "bad-close": ("websocket", socket_script(frame(b"\x00\x01", 0x88)), {"protocol", "closed"}, {}),
    "wrong-accept": ("websocket", wrong_accept, {"protocol", "http"}, {}),
    "no-http": ("websocket", no_http, {"protocol", "http"}, {}),
    "endless-head": ("websocket", endless_head, {"protocol", "http", "too-large"}, {}),
    "answer-200": ("websocket", answer(b"hello"), {"http"}, {}),
    "no-json": ("websocket", socket_script(frame(b"hello"), frame(b"{")), {"malformed"}, {}),
    "deep-json": ("websocket", socket_script(frame(b"[" * 10_000 + b"]" * 10_000)), {"malformed", "shape"}, {}),
    "rest-gzip-bomb": ("rest", answer(GZIP_BOMB, "Content-Encoding: gzip"), {"too-large", "decode"}, {}),
    "rest-endless": ("rest", endless(CHUNKED, b"100000\r\n" + b" " * MIB + b"\r\n", 1024), {"too-large"}, {}),
    "rest-declares-much": ("rest", endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", b" " * MIB, 1024), {"too-large"}, {}),
    "rest-no-http": ("rest", no_http, {"protocol", "http"}, {}),
    "rest-endless-head": ("rest", endless_head, {"too-large", "protocol", "http"}, {}),
    "rest-loop": ("rest", answer(b"", "Location: /rest-loop", status="302 Found"), {"http", "protocol"}, {}),
    "rest-to-file": ("rest", answer(b"", "Location: file:///etc/passwd", status="302 Found"), {"http", "protocol", "blocked"}, {}),
    "rest-no-json": ("rest", answer(b"<html>"), {"malformed"}, {}),
    "rest-no-utf-8": ("rest", answer(b'{"a":"\xff"}'), {"malformed"}, {}),
    "sse-endless-line": ("sse", endless(EVENTS + b"data: ", b"x" * MIB, 1024), {"too-large"}, {}),
    "sse-endless-event": ("sse", endless(EVENTS, b"data: " + b"x" * 65529 + b"\n", 16384), {"too-large"}, {}),
    "sse-no-json": ("sse", endless(EVENTS, b"data: oops\n\n", 5), {"malformed"}, {}),
    "sse-wrong-type": ("sse", answer(b"{}"), {"http", "protocol"}, {}),
}


async def good(writer, head):
    """A feed that works, beside all the others."""
    await upgrade(writer, head)
    number = 0
    while True:
        number += 1
        writer.write(frame(f'{{"n":{number}}}'.encode()))
        await writer.drain()
        await asyncio.sleep(0.01)


def classes(node, name):
    return {entry["class"]: entry["sample"] for entry in node.get(f"/v1/sources/{name}/errors").json()["items"]}


@pytest.mark.parametrize("part", range(4))
def test_each_bad_feed_is_named_for_what_it_is_and_disturbs_nobody(make_node, part):
    bad = dict(list(BAD.items())[part::4])
    with RawFeed({**{f"/{name}": case[1] for name, case in bad.items()}, "/good": good}) as feed:
        node = make_node(ports=[feed.port])
        before = node.rss_bytes()
        with Healthy(node), Listener(node.port, "good.x") as listener:
            node.add_source({"name": "good", "type": "websocket", "url": f"ws://127.0.0.1:{feed.port}/good", "topic": "good.x"})
            for name, (kind, _, _, more) in bad.items():
                scheme = "ws" if kind == "websocket" else "http"
                node.add_source({"name": name, "type": kind, "url": f"{scheme}://127.0.0.1:{feed.port}/{name}", "topic": "bad.x",
                                 "backoff": {"min": "200ms", "max": "1s"}, **({"poll": {"every": "1s"}} if kind == "rest" else {}), **more})
            for name, (_, _, expected, _) in bad.items():
                eventually(lambda: expected & classes(node, name).keys(), 20, what=f"{name}: one of {expected}")
            count = listener.count
            eventually(lambda: listener.count > count + 100, 20, what="the good feed going on")
        assert node.rss_bytes() - before < 256 * MIB, f"{(node.rss_bytes() - before) >> 20} MiB"
        assert [m["data"] for m in node.get("/v1/messages?topics=bad.>").json()["items"]] == []




def test_a_feed_that_floods_with_pings_starves_nobody(make_node):
    with RawFeed({"/pings": ping_flood, "/good": good}) as feed:
        node = make_node(ports=[feed.port])
        with Healthy(node), Listener(node.port, "good.x") as listener:
            for name in ("pings", "good"):
                node.add_source({"name": name, "type": "websocket", "url": f"ws://127.0.0.1:{feed.port}/{name}", "topic": f"{name}.x"})
            eventually(lambda: listener.count > 200, 30, what="the good feed going on")
