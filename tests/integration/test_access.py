"""Who gets in, from where, for how long, and what is written down about it."""
import base64
import http.client
import json
import os
import socket
import stat
import time

import pytest

from anode_node import run_anode
from guarded import Guarded, Refused, connect, unlimited
from patience import eventually


@pytest.fixture
def guarded(tmp_path):
    made = []

    def make(config=None, **options):
        node = Guarded(tmp_path / f"node-{len(made)}", config={**unlimited(), **(config or {})}, **options)
        made.append(node)
        return node.start()
    yield make
    for node in made:
        node.clean_up()


def stream(node, token, topics="a.>"):
    return connect(f"ws://127.0.0.1:{node.port}/v1/stream?topics={topics}", {"Authorization": f"Bearer {token}"} if token else {})


def entry_about(node, name):
    """The audit's entry about an object; it is written beside the answer, not before it."""
    return eventually(lambda: node.audit(object=name), 10, what=f"an entry about {name}")[0]


def test_a_token_that_expires_ends_its_open_connections(guarded):
    node = guarded()
    short = node.token("short", ["S"], ["a.>"], expires="4s")["token"]
    carried = "anode.token." + base64.urlsafe_b64encode(short.encode()).decode().rstrip("=")
    one = stream(node, short)
    two = connect(f"ws://127.0.0.1:{node.port}/v1/ws", subprotocols=["anode.v1", carried])
    three = connect(f"ws://127.0.0.1:{node.port}/v1/ws")
    three.send(json.dumps({"op": "hello", "token": short}))
    ticket = node.post("/v1/tickets", {}, token=short).json()["ticket"]
    four = connect(f"ws://127.0.0.1:{node.port}/v1/stream?topics=a.>&ticket={ticket}")
    for connection in (one, two, three, four):
        assert connection.close_code() == 4401


def test_the_networks_of_a_token_hold_for_hello_too(guarded):
    node = guarded()
    elsewhere = node.token("elsewhere", ["S"], ["a.>"], networks=["10.0.0.0/8"])["token"]
    with connect(f"ws://127.0.0.1:{node.port}/v1/ws") as session:
        session.send(json.dumps({"op": "hello", "token": elsewhere}))
        assert session.close_code() == 4401


def test_what_anonymous_callers_lose_at_a_reload_ends_their_streams(guarded):
    node = guarded(config={"auth": {"anonymous": ["S:a.>"]}})
    listener = stream(node, None)
    node.config["auth"]["anonymous"] = []
    node.write_config()
    assert node.post("/v1/config:reload", {}).status == 200
    assert listener.close_code() == 4401


def test_behind_a_trusted_proxy_the_clients_address_counts(guarded):
    node = guarded(config={"http": {"trusted_proxies": ["127.0.0.0/8"], "public_url": "https://hub.example.org"}})
    bound = node.token("bound", ["V"], networks=["198.51.100.0/24"])["token"]
    forwarded = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    assert node.get("/v1/nodes", token=bound).status == 401
    assert node.get("/v1/nodes", token=bound, headers=forwarded).status == 200
    assert node.get("/v1/nodes", token=bound, headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}).status == 401
    made = node.post("/v1/tokens", {"name": "made", "roles": ["V"]}, headers=forwarded).json()["id"]
    assert entry_about(node, made)["from"] == "198.51.100.7"
    # The page of the public address is our own, and the proxy's clients have a limit of their own each.
    answer = node.post("/v1/topics/a.b/messages", {"n": 1}, headers={**forwarded, "Origin": "https://hub.example.org"})
    assert answer.status == 200, answer
    with connect(f"ws://127.0.0.1:{node.port}/v1/stream?topics=a.>", {"Authorization": f"Bearer {node.admin}", **forwarded}):
        assert node.get("/v1/listeners").json()["items"][0]["address"] == "198.51.100.7"


def test_without_a_trusted_proxy_nobodys_word_about_an_address_counts(guarded):
    node = guarded()
    made = node.post("/v1/tokens", {"name": "made", "roles": ["V"]}, headers={"X-Forwarded-For": "198.51.100.7", "Forwarded": "for=198.51.100.7"})
    assert entry_about(node, made.json()["id"])["from"] == "127.0.0.1"


def test_the_unix_socket_is_for_its_owner_and_group_and_its_user_is_in_the_audit(guarded, tmp_path):
    node = guarded()
    path = node.config["http"]["socket"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    done = run_anode("tokens", "create", "by-hand", "--roles", "V", cwd=tmp_path,
                     environment={"ANODE_URL": node.url, "ANODE_TOKEN": node.admin})
    assert done.returncode == 0 and done.stdout.startswith("an_"), done

    class Local(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(path)
    local = Local("localhost")
    local.request("POST", "/v1/tokens", json.dumps({"name": "local", "roles": ["V"]}), {"Content-Type": "application/json"})
    answer = local.getresponse()
    assert answer.status == 201
    entry = entry_about(node, json.loads(answer.read())["id"])
    assert entry["from"] == "unix" and entry["actor"] == ("unix:root" if os.getuid() == 0 else f"unix:uid-{os.getuid()}")


def test_every_change_is_in_the_audit_with_who_where_and_what(guarded):
    node = guarded()
    node.post("/v1/sources", {"name": "ticks", "type": "test", "topic": "t.x", "enabled": False})
    node.request("PATCH", "/v1/sources/ticks", {"labels": {"a": "b"}})
    node.request("DELETE", "/v1/sources/ticks")
    node.post("/v1/config:reload", {})
    eventually(lambda: node.audit(action="config.reload"), 10, what="the last entry")
    entries = {entry["action"]: entry for entry in node.audit(limit=100)}
    for action in ("source.create", "source.change", "source.delete", "config.reload", "token.create"):
        entry = entries[action]
        assert entry["actor"] in ("admin", "bootstrap") and entry["from"] == "127.0.0.1" and entry["outcome"] == "ok", entry
    assert node.get("/v1/audit", token=node.token("v", ["V"])["token"]).status == 403


def test_a_person_signs_in_with_the_password_that_was_set_on_the_command_line(guarded):
    node = guarded()
    done = run_anode("passwd", "ann", "--roles", "A", stdin="correct horse battery\n",
                     environment={"ANODE_URL": node.url, "ANODE_TOKEN": node.admin})
    assert done.returncode == 0, done
    assert "correct horse" not in done.stdout + done.stderr
    answer = node.post("/v1/session", {"name": "ann", "password": "correct horse battery"}, token=False)
    assert answer.status == 200, answer
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    assert node.get("/v1/whoami", headers={"Cookie": cookie}).json()["name"] == "ann"
    # A WebSocket of our own page takes the cookie; one from elsewhere, or from a program without an Origin, does not.
    own = {"Cookie": cookie}
    with connect(f"ws://127.0.0.1:{node.port}/v1/ws", own, origin=node.url) as session:
        assert json.loads(session.recv())["op"] == "welcome"
        node.request("DELETE", "/v1/users/ann")
        assert session.close_code() == 4401
    for origin in ("https://evil.example", None):
        with pytest.raises(Refused) as refused:
            connect(f"ws://127.0.0.1:{node.port}/v1/stream?topics=a.>", own, origin=origin)
        assert refused.value.args[0] in (401, 403)


def test_unknown_names_take_as_long_as_wrong_passwords(guarded):
    node = guarded()
    answer = node.request("PUT", "/v1/users/ann", {"password": "correct horse battery", "roles": ["V"]})
    assert answer.status == 201, answer

    def took(name):
        best = 10.0
        for _ in range(2):
            began = time.monotonic()
            assert node.post("/v1/session", {"name": name, "password": "wrong password"}, token=False).status == 401
            best = min(best, time.monotonic() - began)
        return best
    known, unknown = took("ann"), took("nobody")
    assert unknown > known / 3, (known, unknown)


def test_the_secret_of_a_token_is_compared_in_a_time_that_does_not_tell_ids_apart(guarded):
    node = guarded()
    made = node.token("t", ["V"])
    wrong = {"known": f"an_{made['id']}_" + "x" * 43, "unknown": "an_0000000000_" + "x" * 43}
    times = {"known": [], "unknown": []}
    for _ in range(150):
        for kind, token in wrong.items():
            began = time.perf_counter()
            assert node.get("/v1/whoami", token=token).status == 401
            times[kind].append(time.perf_counter() - began)
    middle = {kind: sorted(list_)[len(list_) // 2] for kind, list_ in times.items()}
    assert abs(middle["known"] - middle["unknown"]) < max(middle.values()) / 2, middle
