"""Listeners of `/v1/stream`, written on plain sockets: each reads on a thread of its own and keeps what came."""
import base64
import hashlib
import os
import socket
import struct
import threading
from urllib.parse import quote

from patience import eventually, patient


def stream_path(topics, **query):
    """`/v1/stream?…`; a name that is a word of Python ends with an underscore."""
    pairs = {"topics": topics, **{name.rstrip("_"): value for name, value in query.items()}}
    return "/v1/stream?" + "&".join(f"{name}={quote(str(value), safe='.>*,-_')}" for name, value in pairs.items())


class Listener:
    """Lines that a stream delivered, in order. When the constructor returns, the subscription stands."""

    accept = "application/x-ndjson"

    def __init__(self, port, topics, keep=True, **query):
        self.lines, self.count, self.ended, self.keep = [], 0, None, keep
        self.socket = socket.create_connection(("127.0.0.1", port), patient(20))
        self.reader = self.socket.makefile("rb", 1 << 20)
        self.open(stream_path(topics, **query), port)
        self.socket.settimeout(None)
        threading.Thread(target=self._run, daemon=True).start()

    def open(self, path, port):
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: {self.accept}\r\n\r\n".encode())
        self.status = int(self.reader.readline().split()[1])
        chunked = False
        while (line := self.reader.readline().strip()):
            chunked |= line.lower() == b"transfer-encoding: chunked"
        assert self.status == 200, (self.status, self.reader.read(500))
        if chunked:
            self.reader = Unchunked(self.reader)

    def _run(self):
        try:
            self.read()
            self.ended = "end"
        except (OSError, ValueError) as problem:
            self.ended = repr(problem)

    def read(self):
        while line := self.reader.readline():
            line = line.strip()
            if line:
                self.take(line)

    def take(self, line):
        """Keeps one line; `keep` may be a function that is told instead."""
        if callable(self.keep):
            self.keep(line)
        elif self.keep:
            self.lines.append(line)
        self.count += 1

    def wait(self, count, timeout=20):
        """The first `count` lines as soon as they are there."""
        eventually(lambda: len(self.lines) >= count or self.ended, timeout,
                   what=f"line {count} (have {len(self.lines)})")
        assert len(self.lines) >= count, f"ended ({self.ended}) after {len(self.lines)} of {count} lines"
        return self.lines[:count]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Unchunked:
    """Lines of a chunked body."""

    def __init__(self, reader):
        self.reader, self.rest = reader, b""

    def readline(self):
        while b"\n" not in self.rest:
            size = self.reader.readline()
            if not size or int(size, 16) == 0:
                return b""
            self.rest += self.reader.read(int(size, 16))
            self.reader.readline()
        line, _, self.rest = self.rest.partition(b"\n")
        return line + b"\n"


class SseListener(Listener):
    """The same over server-sent events: `lines` are the data of plain events, `ids` their cursors, `events` the rest."""

    accept = "text/event-stream"

    def read(self):
        self.events, kind, data = [], None, []
        while line := self.reader.readline():
            line = line.rstrip(b"\r\n")
            name, _, value = line.partition(b":")
            value = value[1:] if value[:1] == b" " else value
            if name == b"data":
                data.append(value)
            elif name == b"event":
                kind = value.decode()
            elif not line:
                if data and kind:
                    self.events.append((kind, b"\n".join(data)))
                elif data:
                    self.take(b"\n".join(data))
                kind, data = None, []


class WebSocketListener(Listener):
    """The same over WebSocket; `closed` is the code and reason of the close frame."""

    closed = None

    def open(self, path, port):
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.status = int(self.reader.readline().split()[1])
        accepted = None
        while (line := self.reader.readline().strip()):
            if line.lower().startswith(b"sec-websocket-accept:"):
                accepted = line.split(b":", 1)[1].strip().decode()
        proof = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert self.status == 101 and accepted == base64.b64encode(proof).decode(), self.status

    def read(self):
        parts = b""
        while head := self.reader.read(2):
            final, opcode, size = head[0] & 128, head[0] & 15, head[1]
            if size == 126:
                size = struct.unpack(">H", self.reader.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.reader.read(8))[0]
            body = self.reader.read(size)
            if opcode == 8:
                self.closed = (struct.unpack(">H", body[:2])[0], body[2:].decode()) if body else (1005, "")
                self.send_frame(8, body)
                return
            if opcode == 9:
                self.send_frame(10, body)
            elif opcode < 3:
                parts += body
                if final:
                    for line in parts.split(b"\n"):
                        self.take(line)
                    parts = b""

    def send_frame(self, opcode, body, final=True, masked=True):
        """One frame as a client sends it."""
        size = len(body)
        head = bytes([(128 if final else 0) | opcode])
        mask = 128 if masked else 0
        head += (bytes([mask | size]) if size < 126 else
                 bytes([mask | 126]) + struct.pack(">H", size) if size < 1 << 16 else
                 bytes([mask | 127]) + struct.pack(">Q", size))
        key = os.urandom(4) if masked else b""
        if masked:
            body = bytes(byte ^ key[i % 4] for i, byte in enumerate(body))
        self.socket.sendall(head + key + body)

    def send_text(self, text):
        self.send_frame(1, text.encode())


KINDS = {"ndjson": Listener, "sse": SseListener, "ws": WebSocketListener}
