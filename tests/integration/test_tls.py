"""The public port under TLS: every route, new certificates without a dropped connection, clients with certificates."""
import base64
import json
import os
import socket
import ssl
import threading

import pytest

from guarded import Authority, Guarded, connect, eventually, secure_node
from patience import patient


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def guarded(tmp_path):
    made = []

    def make(**options):
        node = Guarded(tmp_path / f"node-{len(made)}", **options)
        made.append(node)
        return node
    yield make
    for node in made:
        node.clean_up()


def serial_of(node, context):
    """The serial number of the certificate that a new connection sees."""
    with socket.create_connection(("127.0.0.1", node.port), patient(10)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            return secure.getpeercert()["serialNumber"]


def listen(node, topics, context):
    return connect(f"wss://127.0.0.1:{node.port}/v1/stream?topics={topics}", {"Authorization": f"Bearer {node.admin}"}, tls=context)


def test_requests_streams_and_websockets_go_over_tls(guarded, authority):
    node = secure_node(guarded, authority).start()
    assert node.get("/v1/version").status == 200
    with listen(node, "a.>", node.tls) as stream:
        big = "x" * 300_000  # many records
        assert node.post("/v1/topics/a.b/messages", {"n": big}).status == 200
        assert json.loads(stream.recv())["data"] == {"n": big}
    with node.tls.wrap_socket(socket.create_connection(("127.0.0.1", node.port), patient(10)), server_hostname="localhost") as sse:
        sse.sendall((f"GET /v1/stream?topics=a.>&from=earliest HTTP/1.1\r\nHost: localhost:{node.port}\r\n"
                     f"Accept: text/event-stream\r\nAuthorization: Bearer {node.admin}\r\n\r\n").encode())
        seen = b""
        while big.encode() not in seen:
            part = sse.recv(65536)
            assert part, seen[:300]
            seen += part
        assert b"text/event-stream" in seen
    carried = "anode.token." + base64.urlsafe_b64encode(node.admin.encode()).decode().rstrip("=")
    with connect(f"wss://127.0.0.1:{node.port}/v1/ws", tls=node.tls, subprotocols=["anode.v1", carried],
                 origin=f"https://127.0.0.1:{node.port}") as session:
        assert session.subprotocol == "anode.v1"
        assert json.loads(session.recv())["op"] == "welcome"
    assert node.stop() == 0


def test_old_versions_and_wrong_names_are_refused_and_clear_text_is_told_where_to_go(guarded, authority):
    node = secure_node(guarded, authority).start()
    old = authority.trusting()
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        serial_of(node, old)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        new = authority.trusting()
        new.minimum_version = new.maximum_version = version
        assert serial_of(node, new)

    def in_clear(request):
        with node.raw() as plain:
            plain.sendall(request.encode())
            seen = b""
            while part := plain.recv(65536):
                seen += part
            return seen.decode()
    told = in_clear(f"GET /v1/version?a=b HTTP/1.1\r\nHost: localhost:{node.port}\r\n\r\n")
    assert told.startswith("HTTP/1.1 308 ") and f"Location: https://localhost:{node.port}/v1/version?a=b" in told
    for request in (f"POST /v1/tokens HTTP/1.1\r\nHost: localhost:{node.port}\r\nContent-Length: 0\r\n\r\n",
                    f"GET /v1/nodes HTTP/1.1\r\nHost: localhost:{node.port}\r\nAuthorization: Bearer {node.admin}\r\n\r\n"):
        told = in_clear(request)
        assert told.startswith("HTTP/1.1 400 ") and "https" in told and "Location" not in told
    assert " 421 " in in_clear("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").splitlines()[0]
    assert node.stop() == 0


@pytest.mark.parametrize("how", ["signal", "api", "by itself"])
def test_a_new_certificate_is_taken_without_dropping_a_connection(guarded, authority, how):
    node = secure_node(guarded, authority).start()
    before = serial_of(node, node.tls)
    with listen(node, "a.>", node.tls) as stream:
        authority.issue("node")
        if how == "signal":
            node.signal(1)
        elif how == "api":
            assert node.post("/v1/config:reload", {}).status == 200
        eventually(lambda: serial_of(node, node.tls) != before, 25, what="the new certificate")
        node.post("/v1/topics/a.b/messages", {"n": 1})
        assert json.loads(stream.recv())["data"] == {"n": 1}
    assert node.stop() == 0


def test_a_broken_certificate_is_refused_at_a_reload_and_the_old_one_stays(guarded, authority):
    node = secure_node(guarded, authority).start()
    before = serial_of(node, node.tls)
    cert = authority.directory / "node.pem"
    good = cert.read_text()
    other, _ = authority.issue("other")
    for broken, words in (("no certificate", "holds no PEM"), (good[: len(good) // 2], "certificate"),
                          (open(other).read(), "does not belong")):
        cert.write_text(broken)
        answer = node.post("/v1/config:reload", {})
        assert answer.status == 422 and words in answer.text and "http.tls" in answer.text, answer
        assert serial_of(node, node.tls) == before
    cert.write_text(good)
    assert node.post("/v1/config:reload", {}).status == 200
    assert node.stop() == 0


@pytest.mark.parametrize("wrong, words", [("absent", "cannot be read"), ("text", "holds no PEM"), ("other key", "does not belong")])
def test_a_node_does_not_start_with_files_that_are_wrong_and_says_which(guarded, authority, wrong, words):
    cert, key = authority.issue("node")
    if wrong == "absent":
        cert = str(authority.directory / "nowhere.pem")
    elif wrong == "text":
        (authority.directory / "text.pem").write_text("hello\n")
        cert = str(authority.directory / "text.pem")
    else:
        _, key = authority.issue("other")
    node = guarded(config={"http.tls": {"cert": cert, "key": {"file": key}}})
    node.launch()
    assert node.wait_exit(20) == 1
    assert words in node.log() and "http.tls" in node.log()


def test_a_client_certificate_is_the_credential_it_is_granted(guarded, authority):
    cert, key = authority.issue("node")
    node = guarded(config={"http.tls": {"cert": cert, "key": {"file": key}, "client_ca": authority.pem},
                           "auth": {"certificates": ["reader.example.org=S:mine.>", "ops=O"]}})
    node.tls = authority.trusting()
    node.start()
    node.post("/v1/topics/mine.a/messages", {"n": 1})
    node.post("/v1/topics/theirs.a/messages", {"n": 2})

    def as_holder(certificate, path):
        kept, node.tls = node.tls, authority.trusting(certificate)
        try:
            return node.get(path, token=False)
        finally:
            node.tls = kept
    reader = authority.issue("whoever", "DNS:reader.example.org")
    assert as_holder(reader, "/v1/whoami").json()["roles"] == ["S"]
    assert as_holder(reader, "/v1/topics/mine.a/messages").status == 200
    assert as_holder(reader, "/v1/topics/theirs.a/messages").status == 403
    assert as_holder(authority.issue("ops", "DNS:x.example"), "/v1/sources").status == 200
    assert as_holder(authority.issue("stranger", "DNS:stranger.example"), "/v1/whoami").status == 401
    assert node.get("/v1/whoami", token=False).status == 401, "no certificate is no error"
    forged = Authority(authority.directory / "forged").issue("ops", "DNS:x.example")
    with pytest.raises((ssl.SSLError, OSError)):
        as_holder(forged, "/v1/whoami")
    assert node.stop() == 0


def test_certificates_change_under_load_and_nobody_is_refused(guarded, authority):
    node = secure_node(guarded, authority).start()
    failed, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                if node.get("/v1/version").status != 200:
                    failed.append("status")
            except OSError as problem:
                failed.append(repr(problem))
    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for _ in range(10):
        authority.issue("node")
        assert node.post("/v1/config:reload", {}).status == 200
    stop.set()
    for asker in askers:
        asker.join()
    assert failed == []
    assert node.stop() == 0


def test_hostile_bytes_on_the_port_end_their_own_connection_only(guarded, authority):
    node = secure_node(guarded, authority).start()
    for bytes_ in (b"\x16\x03\x01\xff\xff" + os.urandom(70_000), b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", os.urandom(5000), b"\x16"):
        with node.raw() as plain:
            try:
                plain.sendall(bytes_)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(65536):
                    pass
            except OSError:
                pass
    assert node.get("/v1/version").status == 200
    assert node.stop() == 0
