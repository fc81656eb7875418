"""F1: what was acknowledged with `disk` is there after kill -9, whenever it strikes."""

import json
import random
import signal
import socket
import struct
import threading
import time
import urllib.request

from .servers import Anode
from .table import Row, verdict

PUBLISHERS = 4
FRAMES_AT_ONCE = 50


class Publisher(threading.Thread):
    """Pushes numbered payloads until the node dies; knows which were acknowledged."""

    def __init__(self, port, topic):
        super().__init__(daemon=True)
        self.topic, self.sent, self.acknowledged = topic, 0, set()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall((f"GET /v1/push?topic={topic}&ack=disk HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.socket.recv(4096)
        self.rest = self.rest.split(b"\r\n\r\n", 1)[1]

    def run(self):
        try:
            while True:
                self.send()
                self.receive()
        except OSError:
            pass

    def send(self):
        frames = b""
        while self.sent - len(self.acknowledged) < FRAMES_AT_ONCE:
            self.sent += 1
            payload = b'{"n":%d,"pad":"%s"}' % (self.sent, b"x" * 80)
            frames += struct.pack("!BB", 0x81, 0x80 | len(payload)) + b"\0\0\0\0" + payload
        self.socket.sendall(frames)

    def receive(self):
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionResetError
        self.rest += got
        while len(self.rest) >= 2 and len(self.rest) >= 2 + self.rest[1]:  # answers are short frames
            text, self.rest = self.rest[2:2 + self.rest[1]], self.rest[2 + self.rest[1]:]
            if not text.startswith(b'{"op":"ok","n":'):
                raise RuntimeError(text)
            self.acknowledged.add(int(text[15:text.index(b",", 15)]))


def kept(port, topic):
    numbers, url = set(), f"http://127.0.0.1:{port}/v1/topics/{topic}/messages?limit=1000&format=data"
    after = ""
    while True:
        with urllib.request.urlopen(url + after, timeout=60) as answer:
            page = json.load(answer)
        numbers.update(item["n"] for item in page["items"])
        if not page.get("next") or not page["items"]:
            return numbers
        after = f"&after={page['next']}"


def crashes(world):
    dice = random.Random(world.seed)
    node = Anode(world.binary, world.fresh())
    acknowledged = lost = 0
    waiting = []
    for number in range(world.kills + 1):
        with node.start() as server:
            for publisher in waiting:
                missing = publisher.acknowledged - kept(node.port, publisher.topic)
                acknowledged += len(publisher.acknowledged)
                lost += len(missing)
            if number == world.kills:
                break
            waiting = [Publisher(node.port, f"crash.r{number}.p{i}") for i in range(PUBLISHERS)]
            for publisher in waiting:
                publisher.start()
            time.sleep(dice.uniform(0.005, 0.25))
            server.stop(signal.SIGKILL)
            for publisher in waiting:
                publisher.join(10)
    return [Row("F1", f"{acknowledged:,} messages acknowledged with `disk`, lost in {world.kills} kill -9 "
                f"at random times (seed {world.seed})", str(lost), "", "", "", "0", "0",
                verdict(lost == 0, lost == 0 and acknowledged > 0))]
