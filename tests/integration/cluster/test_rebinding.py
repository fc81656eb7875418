"""A name server of our own that answers a public address first and 127.0.0.1 next: the address that was checked is the one
that is spoken to, and a later answer is checked anew."""
import json
import os
import socket
import struct
import subprocess
import threading

import pytest

from anode_node import Node
from hosts import Host, command, why_no_hosts
from patience import eventually, stays

pytestmark = pytest.mark.skipif(why_no_hosts() is not None, reason=str(why_no_hosts()))

PUBLIC, PORT = "93.184.216.34", 8080


class NameServer:
    """Answers A questions over UDP: each name gets the next address of its list, the last for ever."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                question, client = self.socket.recvfrom(1500)
            except OSError:
                return
            name, at = [], 12
            while question[at]:
                name.append(question[at + 1:at + 1 + question[at]].decode())
                at += 1 + question[at]
            kind = struct.unpack(">H", question[at + 1:at + 3])[0]
            name = ".".join(name)
            addresses = self.answers.get(name, [])
            found = b""
            if kind == 1 and addresses:
                self.asked.append(addresses[0])
                found = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + socket.inet_aton(addresses[0])
                if len(addresses) > 1:
                    addresses.pop(0)
            head = question[:2] + b"\x81\x80\x00\x01" + (b"\x00\x01" if found else b"\x00\x00") + b"\x00\x00\x00\x00"
            self.socket.sendto(head + question[12:at + 5] + found, client)

    def close(self):
        self.socket.close()


class Web:
    """Counts who connects, and answers with JSON, or with a redirect."""

    def __init__(self, address, location=None):
        self.hits, self.location = 0, location
        self.socket = socket.create_server((address, PORT))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.hits += 1
            with client:
                client.recv(65536)
                if self.location:
                    client.sendall(f"HTTP/1.1 302 Found\r\nLocation: {self.location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                else:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}")

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # whoever waits in accept() holds it open
        self.socket.close()



class HostNode(Node):
    """A node whose sockets are those of a host, with a resolver of its own."""

    host = None

    def launch(self):
        self.host.starter.submit(super().launch).result()

    def request(self, *arguments, **options):
        return self.host.inside(super().request, *arguments, **options)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A host whose only name server is ours, with a public address of its own."""
    hub = f"anr{os.getpid()}"
    command("ip", "netns", "add", hub)
    command("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
    host = Host(hub, 1)
    command("ip", "-n", host.name, "addr", "add", f"{PUBLIC}/32", "dev", "lo")
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
    # The node is started by a small program that puts the file in place within a mount namespace.
    starter = tmp_path / "anode"
    program = os.environ.get("ANODE_BIN") or str(os.path.join(os.path.dirname(__file__), "..", "..", "..", "build", "release", "anode"))
    starter.write_text("#!/bin/sh\nexec unshare -m sh -c 'mount --bind %s /etc/resolv.conf && printf \"hosts: dns\\n\" > %s/nsswitch.conf"
                       " && mount --bind %s/nsswitch.conf /etc/nsswitch.conf && exec \"$0\" \"$@\"' %s \"$@\"\n"
                       % (resolver, tmp_path, tmp_path, os.path.abspath(program)))
    starter.chmod(0o755)
    monkeypatch.setenv("ANODE_BIN", str(starter))
    node = HostNode(tmp_path / "node", ports=[PORT], config={"egress": {"allow_private": [], "ports": [PORT]}})
    node.host, made = host, []
    try:
        yield host, node, made
    finally:
        node.clean_up()
        for one in made:
            one.close()
        host.remove()
        subprocess.run(["ip", "netns", "del", hub], check=False)


def poll(name, url, every="1s"):
    return {"name": name, "type": "rest", "url": url, "topic": f"polled.{name}", "poll": {"every": every}}


def test_the_address_that_was_checked_is_the_one_that_is_spoken_to(place):
    host, node, made = place
    names = host.inside(NameServer, {"rebind.test": [PUBLIC, "127.0.0.1"]})
    outside, inside = host.inside(Web, PUBLIC), host.inside(Web, "127.0.0.1")
    made += [names, outside, inside]
    node.start()
    assert node.post("/v1/sources", poll("turning", f"http://rebind.test:{PORT}/x")).status == 201
    eventually(lambda: outside.hits > 0, 20, what="the public address")
    # The answer is kept for half a minute; then the name server says 127.0.0.1, which is refused.
    eventually(lambda: "127.0.0.1" in names.asked, 60, what="the second question")
    stays(lambda: inside.hits == 0, 3, what="loopback left alone")
    assert "not public" in json.dumps(node.source("turning").get("last_error") or node.get("/v1/sources/turning/errors").json())
    assert node.stop() == 0


def test_a_redirect_to_an_address_inside_is_not_followed(place):
    host, node, made = place
    names = host.inside(NameServer, {"outside.test": [PUBLIC], "inside.test": ["127.0.0.1"]})
    inside = host.inside(Web, "127.0.0.1")
    made += [names, inside]
    node.start()
    for number, location in enumerate((f"http://127.0.0.1:{PORT}/", f"http://inside.test:{PORT}/", f"http://0x7f.1:{PORT}/", f"http://[::1]:{PORT}/")):
        outside = host.inside(Web, PUBLIC, location)
        name = f"led{number}"
        assert node.post("/v1/sources", poll(name, f"http://outside.test:{PORT}/x")).status == 201
        eventually(lambda: outside.hits > 0, 20, what="the public address")
        stays(lambda: inside.hits == 0, 1.5, what="loopback left alone")
        assert node.request("DELETE", f"/v1/sources/{name}").status == 204
        outside.close()
    assert node.stop() == 0
