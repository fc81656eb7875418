"""A third, tiny speaker of the protocol, for what no whole peer would send: packets and streams made by hand.

It speaks clear text without compression, which is how the members under test are started for it.
Source: memberlist protocol, sections 2 and 3.
"""
import select
import socket
import struct
import time
import zlib

from patience import patient

PING, INDIRECT, ACK, SUSPECT, ALIVE, DEAD, PUSH_PULL, COMPOUND, USER = range(9)
NACK, CRC, LABEL = 11, 12, 0xF4
VERSIONS = bytes([1, 5, 2, 0, 0, 0])
STATES = {0: "alive", 1: "suspect", 2: "dead", 3: "left"}


class Raw(bytes):
    """Already encoded."""


def pack(value):
    """The profile that every release accepts: raw strings, sorted keys, shortest integers."""
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_int(value)
    if isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else bytes(value)
        size = len(data)
        if size < 32:
            return bytes([0xA0 | size]) + data
        return (b"\xda" + struct.pack(">H", size) if size < 65536 else b"\xdb" + struct.pack(">I", size)) + data
    return bytes([0x80 | len(value)]) + b"".join(pack(key) + pack(value[key]) for key in sorted(value))


def pack_int(value):
    if value < 128:
        return bytes([value])
    for limit, code, width in ((1 << 8, 0xCC, ">B"), (1 << 16, 0xCD, ">H"), (1 << 32, 0xCE, ">I"), (1 << 64, 0xCF, ">Q")):
        if value < limit:
            return bytes([code]) + struct.pack(width, value)
    raise ValueError(value)


NUMBERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
SIZES = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I", 0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}


def unpack(data, at=0):
    """One value and where it ended. IndexError or struct.error where the data ends early."""
    code = data[at]
    at += 1
    if code < 0x80:
        return code, at
    if code < 0x90 or code == 0xDE:
        count = code & 15
        if code == 0xDE:
            count, at = struct.unpack_from(">H", data, at)[0], at + 2
        result = {}
        for _ in range(count):
            key, at = unpack(data, at)
            result[key.decode()], at = unpack(data, at)
        return result, at
    if 0xA0 <= code < 0xC0 or code in SIZES:
        size = code & 31
        if code in SIZES:
            size = struct.unpack_from(SIZES[code], data, at)[0]
            at += struct.calcsize(SIZES[code])
        if at + size > len(data):
            raise IndexError("ends early")
        return bytes(data[at:at + size]), at + size
    if code in NUMBERS:
        return struct.unpack_from(NUMBERS[code], data, at)[0], at + struct.calcsize(NUMBERS[code])
    if code in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[code], at
    raise ValueError(f"unexpected byte {code:#x}")


def message(kind, body):
    return bytes([kind]) + pack(body)


def compound(*parts, count=None):
    return bytes([COMPOUND, len(parts) if count is None else count]) + b"".join(struct.pack(">H", len(p)) for p in parts) + b"".join(parts)


def with_crc(packet, wrong=0):
    return bytes([CRC]) + struct.pack(">I", zlib.crc32(packet) ^ wrong) + packet


def labelled(label, packet):
    return bytes([LABEL, len(label)]) + label + packet


def split(addr):
    host, port = addr.rsplit(":", 1)
    return host.strip("[]"), int(port)


def alive(name, port, incarnation=1, address=b"\x7f\0\0\1", meta=None, versions=VERSIONS):
    return message(ALIVE, {"Node": name, "Addr": address, "Port": port, "Incarnation": incarnation, "Meta": meta, "Vsn": versions})


def accusation(kind, name, incarnation, accuser):
    return message(kind, {"Node": name, "Incarnation": incarnation, "From": accuser})


def entry(name, port, incarnation=1, state=0, address=b"\x7f\0\0\1", meta=None, versions=VERSIONS):
    """One member of a push/pull."""
    return {"Name": name, "Addr": address, "Port": port, "Incarnation": incarnation, "State": state, "Meta": meta, "Vsn": versions}


def parts_of(packet):
    """The messages of a clear, uncompressed packet as (type, body): maps where there are maps, bytes for user messages."""
    kind = packet[0]
    if kind == LABEL:
        return parts_of(packet[2 + packet[1]:])
    if kind == CRC:
        assert struct.unpack(">I", packet[1:5])[0] == zlib.crc32(packet[5:]), "wrong CRC"
        return parts_of(packet[5:])
    if kind == COMPOUND:
        count = packet[1]
        sizes, at, found = struct.unpack_from(f">{count}H", packet, 2), 2 + 2 * count, []
        for size in sizes:
            found += parts_of(packet[at:at + size])
            at += size
        return found
    return [(kind, packet[1:] if kind == USER else unpack(packet, 1)[0])]


class Packets:
    """A UDP socket that asks members and hears their answers. With a name it plays a member, which answers pings unless told
    otherwise."""

    def __init__(self, name=None, answers=True):
        self.socket, self.name, self.answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), name, answers
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard, self.sizes = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, member, packet):
        self.socket.sendto(packet, split(member.addr))

    def source(self):
        """The optional fields of a request that name this socket."""
        return {"SourceAddr": b"\x7f\0\0\1", "SourcePort": self.port, "SourceNode": self.name or "raw"}

    def ping(self, member, number, name=None, **more):
        self.send(member, message(PING, {"Node": member.name if name is None else name, "SeqNo": number, **more}))

    def collect(self, seconds):
        """Takes one datagram in, answering a ping to the member it plays. False when none came."""
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return False
        packet, sender = self.socket.recvfrom(65536)
        self.sizes.append(len(packet))
        for kind, body in parts_of(packet):
            self.heard.append((kind, body, sender))
            if kind == PING and self.name and self.answers and body.get("Node") in (self.name.encode(), b"", None):
                self.socket.sendto(message(ACK, {"Payload": None, "SeqNo": body["SeqNo"]}), sender)
        return True

    def until(self, wanted, what, timeout=10):
        """Collects until `wanted(kind, body)` holds for something heard, and gives its body."""
        deadline, seen = time.monotonic() + patient(timeout), 0
        while True:
            for kind, body, _ in self.heard[seen:]:
                if wanted(kind, body):
                    return body
            seen = len(self.heard)
            assert time.monotonic() < deadline, f"no {what}; heard {self.heard[-5:]}"
            self.collect(min(0.2, deadline - time.monotonic()))

    def acknowledged(self, number):
        return any(kind == ACK and body["SeqNo"] == number for kind, body, _ in self.heard)

    def wait_ack(self, number):
        return self.until(lambda kind, body: kind == ACK and body["SeqNo"] == number, f"ack {number}")

    def answered_before_next(self, member, number):
        """Whether ping `number` was answered, by the time that a later ping, which must be answered, is."""
        self.ping(member, number + 1_000_000)
        self.wait_ack(number + 1_000_000)
        return self.acknowledged(number)


def exchange(member, request, timeout=10):
    """Sends bytes by stream and reads to the end."""
    with socket.create_connection(split(member.addr), timeout=patient(timeout)) as stream:
        answer = b""
        try:
            stream.sendall(request)
            while True:
                piece = stream.recv(1 << 16)
                answer += piece
                if not piece:
                    return answer
        except ConnectionError:  # closed with some of ours unread
            return answer


def push_pull(entries=(), state=b"", join=False, count=None, state_bytes=None):
    header = {"Join": join, "Nodes": len(entries) if count is None else count,
              "UserStateLen": len(state) if state_bytes is None else state_bytes}
    return message(PUSH_PULL, header) + b"".join(pack(e) for e in entries) + state


def table(member, entries=(), **more):
    """The member's whole table by push/pull, by name. Needs clear streams."""
    answer = exchange(member, push_pull(entries, **more))
    assert answer and answer[0] == PUSH_PULL, answer[:100]
    header, at = unpack(answer, 1)
    found = {}
    for _ in range(header["Nodes"]):
        node, at = unpack(answer, at)
        found[node["Name"].decode()] = node
    assert len(answer) - at == header["UserStateLen"]
    return found


def entry_of(member, name):
    return table(member).get(name)


def incarnation(member, name):
    return table(member)[name]["Incarnation"]


def state_of(member, name):
    found = entry_of(member, name)
    return STATES[found["State"]] if found else None
