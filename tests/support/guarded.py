"""A node that asks for credentials, and what tests need to have some: tokens, certificates, TLS."""
import asyncio
import http.client
import json
import ssl
import subprocess

import websockets

from anode_node import Answer, Node, run_anode
from background import background
from patience import eventually, patient


class Guarded(Node):
    """A node with `auth.mode = "tokens"`. Its own calls carry an administrator's token."""

    def __init__(self, directory, name="n1", config=None, **options):
        config = dict(config or {})
        config["auth"] = {"mode": "tokens", **config.get("auth", {})}
        super().__init__(directory, name, config=config, **options)
        self.admin, self.tls = None, None

    def start(self, timeout=30):
        super().start(timeout)
        if self.admin is None:
            self.admin = (self.data / "bootstrap-token").read_text().strip()
            self.admin = self.token("admin", ["A"])["token"]
        return self

    def request(self, method, path, body=None, headers=None, timeout=20, token=True):
        headers = dict(headers or {})
        if token is True and self.admin and "Cookie" not in headers:
            headers.setdefault("Authorization", f"Bearer {self.admin}")
        elif isinstance(token, str):
            headers["Authorization"] = f"Bearer {token}"
        if self.tls is None:
            return super().request(method, path, body, headers, timeout)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=patient(timeout), context=self.tls)
        try:
            if isinstance(body, (dict, list)):
                body, headers = json.dumps(body), {"Content-Type": "application/json", **headers}
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def token(self, name, roles, topics=(), **more):
        answer = self.post("/v1/tokens", {"name": name, "roles": roles, "topics": list(topics), **more})
        assert answer.status == 201, answer
        return answer.json()

    def audit(self, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        answer = self.get(f"/v1/audit?{query}")
        assert answer.status == 200, answer
        return answer.json()["items"]


def unlimited():
    """Configuration of a node that lets one token ask as often as it can."""
    return {"limits": {"requests": 0}} if "limits.requests" in run_anode("config", "docs").stdout else {}


def openssl(*words, cwd):
    done = subprocess.run(["openssl", *map(str, words)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Authority:
    """Issues certificates of a few days."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", cwd=directory)

    @property
    def pem(self):
        return str(self.directory / "ca.pem")

    def issue(self, name, alternatives="DNS:localhost,IP:127.0.0.1", days=30, into=None):
        """A certificate and its key; the paths of both. `into`: replaces those files as a whole."""
        into = into or name
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{into}.key.new",
                "-out", f"{into}.csr", "-subj", f"/CN={name}", cwd=self.directory)
        (self.directory / f"{into}.ext").write_text(f"subjectAltName={alternatives}\n")
        openssl("x509", "-req", "-in", f"{into}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", days, "-extfile", f"{into}.ext", "-out", f"{into}.pem.new", cwd=self.directory)
        for end in ("key", "pem"):
            (self.directory / f"{into}.{end}.new").rename(self.directory / f"{into}.{end}")
        return str(self.directory / f"{into}.pem"), str(self.directory / f"{into}.key")

    def trusting(self, certificate=None):
        """How a client that trusts this authority speaks TLS; `certificate`: the paths of its own."""
        context = ssl.create_default_context(cafile=self.pem)
        if certificate:
            context.load_cert_chain(*certificate)
        return context


def secure_node(make_node_at, authority, **tls):
    """A guarded node whose port speaks TLS."""
    cert, key = authority.issue("node")
    node = make_node_at(config={"http.tls": {"cert": cert, "key": {"file": key}, **tls}})
    node.tls = authority.trusting()
    return node


class Refused(Exception):
    """A WebSocket that was not opened; its argument is the status of the answer."""


class WebSocket:
    """A WebSocket of websockets, called from here."""

    def __init__(self, connection):
        self.connection, self.subprotocol = connection, connection.subprotocol

    def recv(self, timeout=10):
        return background().call(asyncio.wait_for(self.connection.recv(), timeout), timeout + 5)

    def send(self, text):
        background().call(self.connection.send(text))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        background().call(self.connection.close())

    def close_code(self, timeout=12):
        """The code it is closed with; what comes before is read over."""
        async def read_over():
            try:
                while True:
                    await self.connection.recv()
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None
        return background().call(asyncio.wait_for(read_over(), patient(timeout)), timeout + 5)


def connect(url, headers=None, origin=None, subprotocols=None, tls=None):
    async def open_it():
        return await websockets.connect(url, extra_headers=headers or {}, origin=origin, subprotocols=subprotocols,
                                        ssl=tls, max_size=None, open_timeout=patient(10))
    try:
        return WebSocket(background().call(open_it()))
    except websockets.InvalidStatusCode as refused:
        raise Refused(refused.status_code) from None


__all__ = ["Authority", "Guarded", "Refused", "connect", "eventually", "secure_node", "unlimited"]
