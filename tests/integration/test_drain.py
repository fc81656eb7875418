"""The end that was asked for, and the reload that ends nothing: SIGTERM under load, SIGHUP with good and bad files."""
import http.client
import json
import signal
import threading

from exact import members, word
from listeners import KINDS, Listener
from patience import eventually, patient


class Load(threading.Thread):
    """Publishes numbers, acknowledged with `disk`, until it is refused or told to stop."""

    def __init__(self, node, topic="load.n", first=0):
        super().__init__(daemon=True)
        self.node, self.topic, self.next, self.acknowledged, self.refusal = node, topic, first, [], None
        self.over = threading.Event()
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=patient(20))
        while not self.over.is_set():
            try:
                connection.request("POST", f"/v1/topics/{self.topic}/messages", str(self.next),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as problem:
                self.refusal = repr(problem)
                return
            if answer.status != 200:
                self.refusal = (answer.status, json.loads(body)["code"])
                return
            self.acknowledged.append(self.next)
            self.next += 1

    def finish(self):
        self.over.set()
        self.join(patient(20))


def payloads(lines):
    return [json.loads(line)["data"] for line in lines if '"op"' not in line.decode()[:12]]


def cursor_of(line):
    return word(members(line.decode())["cursor"])


def test_sigterm_under_load_tells_listeners_ends_with_0_and_resume_is_exact(make_node):
    node = make_node()
    listeners = {kind: make(node.port, "load.>") for kind, make in KINDS.items()}
    load = Load(node)
    eventually(lambda: all(listener.count > 200 for listener in listeners.values()), what="traffic on all transports")
    node.check_books()
    node.signal(signal.SIGTERM)
    assert node.wait_exit(35) == 0
    load.join(patient(20))
    assert load.refusal is not None
    eventually(lambda: all(listener.ended for listener in listeners.values()), what="the end of every stream")

    ws, sse, ndjson = listeners["ws"], listeners["sse"], listeners["ndjson"]
    assert ws.closed and ws.closed[0] in (1001, 1012, 4503), ws.closed
    told = [json.loads(line) for line in ws.lines + ndjson.lines if line.startswith(b'{"op":"drain"')]
    assert len(told) == 2 and all({"in", "cursor"} <= drain.keys() for drain in told), told
    assert [kind for kind, _ in sse.events].count("drain") == 1, sse.events
    assert ndjson.ended == "end" and sse.ended == "end", "streams end whole, not by a reset"

    node.start()
    stored = payloads(node.get("/v1/topics/load.n/messages?order=asc", headers={"Accept": "application/x-ndjson"})
                      .text.encode().splitlines())
    assert set(load.acknowledged) <= set(stored), "acknowledged and lost"
    node.publish("load.end", -1)
    for kind, before in listeners.items():
        messages = [line for line in before.lines if b'"cursor"' in line and not line.startswith(b'{"op"')]
        with Listener(node.port, "load.>", from_=cursor_of(messages[-1])) as after:
            eventually(lambda: after.lines and payloads(after.lines[-1:]) == [-1], what=f"the rest for {kind}")
            rest = payloads(after.lines[:-1])
        assert payloads(messages) + rest == stored, f"{kind}: not exactly what was stored"


def test_while_draining_the_node_says_that_it_is_not_ready_and_refuses_publishes(make_node):
    node = make_node()
    answer = node.post(f"/v1/nodes/{node.get('/v1/nodes').json()['items'][0]['id']}:drain")
    assert answer.status in (200, 202), answer
    eventually(lambda: node.get("/readyz").status == 503, what="readyz 503")
    refused = node.post("/v1/topics/a.b/messages", "1", headers={"Content-Type": "application/json"})
    assert (refused.status, refused.json()["code"]) == (503, "draining")
    assert node.get("/livez").status == 200
    assert node.post(f"/v1/nodes/{node.get('/v1/nodes').json()['items'][0]['id']}:undrain").status in (200, 202)
    eventually(lambda: node.get("/readyz").status == 200, what="readyz 200")
    node.publish("a.b", 1)


def test_a_second_sigterm_ends_at_once_with_1_and_loses_nothing_acknowledged(make_node):
    node = make_node()
    stuck = node.raw()  # a listener that never reads and never goes
    stuck.sendall(b"GET /v1/stream?topics=load.> HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    listener, load = Listener(node.port, "load.>"), Load(node)
    eventually(lambda: len(load.acknowledged) > 50)
    node.check_books()
    node.signal(signal.SIGTERM)
    eventually(lambda: any(line.startswith(b'{"op":"drain"') for line in listener.lines[-5000:]), what="the first to be heard")
    node.signal(signal.SIGTERM)
    assert node.wait_exit(3) == 1
    load.join(patient(20))
    node.start()
    stored = payloads(node.get("/v1/topics/load.n/messages", headers={"Accept": "application/x-ndjson"})
                      .text.encode().splitlines())
    assert set(load.acknowledged) <= set(stored)
    stuck.close()


def test_sighup_takes_up_a_changed_file_without_dropping_a_connection(make_node):
    node = make_node()
    listeners = [make(node.port, "load.>") for make in KINDS.values()]
    load = Load(node)
    node.config["log"]["level"] = "debug"
    node.write_config()
    node.signal(signal.SIGHUP)
    eventually(lambda: any(item["key"] == "log.level" and item["value"] == "debug"
                           for item in node.get("/v1/config").json()["items"]), what="the new level")
    at = len(load.acknowledged)
    eventually(lambda: len(load.acknowledged) > at + 100)
    load.finish()
    assert load.refusal is None, load.refusal
    eventually(lambda: all(listener.count == len(load.acknowledged) for listener in listeners), what="every message everywhere")
    for listener in listeners:
        assert listener.ended is None and payloads(listener.lines) == load.acknowledged
        listener.close()


def test_sighup_with_a_bad_file_names_the_place_and_changes_nothing(make_node):
    node = make_node()
    with Listener(node.port, "a.>") as listener:
        node.config_file.write_text(node.config_file.read_text().replace("[log]", "[log]\nlevle = 3"))
        line = 1 + node.config_file.read_text().splitlines().index("levle = 3")
        node.signal(signal.SIGHUP)
        complaint = eventually(lambda: next((r for r in node.records() if r["level"] in ("warn", "error")
                                             and "anode.toml" in json.dumps(r)), None), what="a complaint")
        assert f"anode.toml:{line}:1" in json.dumps(complaint) and "level" in json.dumps(complaint), complaint
        node.publish("a.b", 1)
        assert payloads(listener.wait(1)) == [1]


def test_sources_declared_in_a_file_come_and_go_with_a_reload(make_node):
    node = make_node()
    node.config["source"] = [{"name": "ticks", "type": "test", "topic": "t.{key}", "rate": "50/s", "keys": 3, "shape": "counter"}]
    node.write_config()
    with Listener(node.port, "t.>") as listener:
        node.signal(signal.SIGHUP)
        listener.wait(20)
        assert node.source("ticks")["state"] == "live"
        del node.config["source"]
        node.write_config()
        node.signal(signal.SIGHUP)
        eventually(lambda: node.get("/v1/sources/ticks").status == 404, what="the source gone")
    node.publish("t.end", 1)
