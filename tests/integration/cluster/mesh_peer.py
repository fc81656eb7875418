"""A peer of the mesh that says whatever a test wants, in clear text. It knows the layout of frames and blocks
(src/core/mesh/frames.hpp, src/core/message/block.hpp) and breaks every other rule on demand."""
import os
import socket
import struct
import time

from patience import patient

HELLO, PING, PONG, CREDIT, BYE, ERROR = 1, 2, 3, 4, 5, 6
LOG_DEF, ANNOUNCE, DIGEST, GRAFT, GRAFT_OK, QUERY, DATA, SKIP, ACK, RACE = 10, 11, 12, 13, 14, 18, 20, 21, 22, 23
VECTOR, PULL, CHUNK = 31, 32, 33
MAIN, BULK = 0, 1
SYSTEM_LANE, DATA_LANE = 0, 1


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def lp(value):
    raw = value.encode() if isinstance(value, str) else value
    return varint(len(raw)) + raw


def _crc_table():
    for start in range(256):
        value = start
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


CRC_TABLE = tuple(_crc_table())


def crc32c(raw):
    value = 0xFFFFFFFF
    for byte in raw:
        value = CRC_TABLE[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def stamp_now(ahead=0.0):
    return int((time.time() + ahead) * 1000) << 16


def log_key(node, epoch, lane=DATA_LANE):
    return node + struct.pack("<QB", epoch, lane)


def block(log, first, payloads, topic="hostile.x", stamp=None, spoil=False):
    """One block of a log in its wire form. `spoil`: with a checksum that is wrong."""
    entries = b"".join(varint(1 if at else 0) + varint(0) + varint(1) + b"\0" + lp(payload)
                       for at, payload in enumerate(payloads))
    body = varint(2) + lp(topic) + lp("hostile") + entries
    header = (struct.pack("<Q", first) + varint(len(payloads)) + struct.pack("<QBB", stamp or stamp_now(), 0, 0) +
              varint(len(body)) + varint(len(body)))
    checksum = crc32c(log + header + body) ^ (1 if spoil else 0)
    return header + struct.pack("<I", checksum) + body


class MeshPeer:
    """One connection. After `greet()` the node takes us for a peer named by `node`."""

    def __init__(self, port, node=None, cluster="spec"):
        self.node, self.cluster, self.epoch = node or os.urandom(16), cluster, int(time.time() * 1e6)
        self.socket = socket.create_connection(("127.0.0.1", port), patient(20))
        self.socket.settimeout(patient(20))
        self.held, self.closed = b"", False

    @property
    def id(self):
        return "n-" + self.node[:6].hex()

    @property
    def log(self):
        return log_key(self.node, self.epoch)

    def hello(self, purpose=MAIN, protocol=1):
        return (struct.pack("<HH", protocol, 1) + lp(self.cluster) + self.node + struct.pack("<Q", self.epoch) + lp("mallory") +
                lp("") + struct.pack("<QqQIIIIB", 0, int(time.time() * 1e6), stamp_now(), 86400, 2 << 20, 4 << 20, 1 << 20, purpose))

    def raw(self, data):
        """Sends bytes; a node that has closed already is no error."""
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True
        return self

    def frame(self, kind, body=b"", flags=0):
        return self.raw(struct.pack("<IBBH", len(body), kind, flags, 0) + body)

    def next(self):
        """The next frame as (type, body); None when the node has closed."""
        try:
            while len(self.held) < 8 or len(self.held) < 8 + struct.unpack_from("<I", self.held)[0]:
                more = self.socket.recv(1 << 16)
                if not more:
                    return None
                self.held += more
        except ConnectionError:
            return None
        length, kind = struct.unpack_from("<IB", self.held)
        body, self.held = self.held[8:8 + length], self.held[8 + length:]
        return kind, body

    def greet(self, purpose=MAIN):
        """HELLO both ways. An answer other than HELLO is returned."""
        self.frame(HELLO, self.hello(purpose))
        answer = self.next()
        return None if answer and answer[0] == HELLO else answer

    def define(self, alias, log):
        return self.frame(LOG_DEF, varint(alias) + log)

    def data(self, alias, block_bytes):
        return self.frame(DATA, varint(alias) + b"\0" + block_bytes)

    def announce(self, alias, head):
        return self.frame(ANNOUNCE, varint(alias) + varint(head) + b"\0" + struct.pack("<Q", int(time.time() * 1e6)))

    def skip(self, alias, first, last, why=3):
        return self.frame(SKIP, varint(alias) + varint(first) + varint(last - first) + bytes([why]))

    def vector(self, log, lowest, watermark, head):
        row = log + varint(lowest) + varint(watermark) + varint(head) + struct.pack("<Q", stamp_now()) + varint(0)
        return self.frame(VECTOR, struct.pack("<HB", 0xFFFF, 1) + varint(1) + row)

    def pong_for(self, seconds):
        """Stays a polite neighbour for a while: answers pings, reads everything else. False: the node has closed."""
        until = time.monotonic() + seconds
        self.socket.settimeout(0.2)
        try:
            while time.monotonic() < until:
                try:
                    got = self.next()
                except TimeoutError:
                    continue
                if got is None:
                    return False
                if got[0] == PING:
                    self.frame(PONG, got[1])
            return True
        finally:
            self.socket.settimeout(patient(20))

    def ending(self):
        """Reads to the end. The code and text of the ERROR frame, or nothing if there was none."""
        error = None
        while (got := self.next()) is not None:
            if got[0] == ERROR:
                error = struct.unpack_from("<H", got[1])[0], got[1][3:].decode(errors="replace")
        return error

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
