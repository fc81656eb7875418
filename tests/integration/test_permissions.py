"""Topics are permissions: 20,000 questions of callers with random grants, and no answer shows what lies outside a grant."""
import http.client
import json
import os
import random
import re
import time
from urllib.parse import quote

import pytest

from guarded import Guarded, unlimited
from patience import patient

QUESTIONS, SEED = int(os.environ.get("ANODE_QUESTIONS", "20000")), 20_260
WORDS = ("ant", "bee", "cow", "dog")
ROLES = ("V", "S", "P", "O")
#: Paths that would end or change the node under test, or wait for long; what they let through is told by their role alone.
LEFT_OUT = re.compile(r":(drain|undrain|shutdown|leave|join|forget|probe|test|compact|snapshot|verify|reload|install|use|remove)$|^/v1/debug")


def marker(topic):
    """A text that stands in the messages of a topic and nowhere else."""
    return "mark-" + topic.replace(".", "-") + "-end"


def covers(pattern, topic):
    wanted, tokens = pattern.split("."), topic.split(".")
    for i, word in enumerate(wanted):
        if word == ">":
            return len(tokens) > i
        if i >= len(tokens) or word not in ("*", tokens[i]):
            return False
    return len(tokens) == len(wanted)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A guarded node with messages, sources and listeners whose topics can be told from each other."""
    node = Guarded(tmp_path_factory.mktemp("guarded"), config=unlimited())
    try:
        node.start()
        node.topics = [f"{a}.{b}.{c}" for a in WORDS for b in WORDS for c in ("x", "y")]
        for topic in node.topics:
            for n in range(3):
                body = json.dumps({"m": marker(topic), "n": n, "k": f"key{n}"})
                assert node.post(f"/v1/topics/{topic}/messages", body, headers={"Content-Type": "application/json"}).status == 200
        yield node
    finally:
        node.clean_up()


class Asker:
    """One connection that asks as whoever is named."""

    def __init__(self, node):
        self.node = node
        self.connection = None

    def ask(self, method, path, token, body=None, accept="*/*"):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=patient(20))
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, body=body, headers=headers)
        answer = self.connection.getresponse()
        text = answer.read().decode(errors="replace")
        if answer.getheader("Connection", "") == "close":
            self.connection.close()
            self.connection = None
        return answer.status, text


def random_grant(rng):
    roles = rng.sample(ROLES, rng.randint(1, 2))
    patterns = []
    for _ in range(rng.randint(1, 3)):
        parts = [rng.choice([*WORDS, "*"]), rng.choice([*WORDS, "*"]), rng.choice(["x", "y", "*", ">"])]
        patterns.append(".".join(parts[:rng.randint(1, 3)]))
        if patterns[-1].count(".") < 2 and not patterns[-1].endswith(">"):
            patterns[-1] += ".>"
    return roles, patterns


def random_pattern(rng):
    parts = [rng.choice([*WORDS, "*"]), rng.choice([*WORDS, "*"]), rng.choice(["x", "y", "*"])]
    return rng.choice([".".join(parts), ".".join(parts[:2]) + ".>", parts[0] + ".>", ">", "$sys.>", "$dlq.>"])


def rows_of(node):
    """Every row of the route table, as the node itself describes it."""
    document = json.loads(node.get("/openapi.json").body)
    rows = []
    for path, methods in document["paths"].items():
        for method in methods:
            if method.upper() in ("GET", "POST", "PUT", "PATCH", "DELETE") and not LEFT_OUT.search(path):
                rows.append((method.upper(), path))
    assert len(rows) > 40, rows
    return rows


def address(rng, path, topics):
    """The path with its parameters filled in, and a query that asks for much."""
    topic = rng.choice(topics)
    path = path.replace("{topic}", topic).replace("{topic*}", topic).replace("{path}", "x").replace("{path*}", "x")
    path = re.sub(r"\{[a-z*]+\}", "absent", path)
    if path in ("/v1/stream", "/v1/messages"):
        # With an end in the past a stream ends by itself.
        path += f"?topics={quote(random_pattern(rng))}&from=earliest&limit={rng.randint(1, 50)}&to={int(time.time() * 1e6)}"
    elif path.endswith("/messages"):
        path += "?limit=50"
    elif path == "/v1/topics":
        path += rng.choice(["", "?prefix=" + rng.choice(WORDS), "?limit=1000"])
    return path


def test_no_answer_shows_what_lies_outside_the_grant(hub):
    rng = random.Random(SEED)
    grants = []
    for i in range(40):
        roles, patterns = random_grant(rng)
        made = hub.token(f"g{i}", roles, patterns)
        grants.append((made["token"], roles, patterns))
    rows, asker, asked, seen_own, statuses = rows_of(hub), Asker(hub), 0, 0, {}
    reads = [row for row in rows if row[0] == "GET"]
    while asked < QUESTIONS:
        token, roles, patterns = rng.choice(grants)
        method, path = rng.choice(reads if rng.random() < 0.8 else rows)
        if path in ("/v1/ws", "/v1/push"):
            continue
        where = address(rng, path, hub.topics)
        body = None if method == "GET" else json.dumps({"m": "from-the-test"})
        status, text = asker.ask(method, where, token, body, rng.choice(["*/*", "application/json", "application/x-ndjson"]))
        asked += 1
        statuses[status] = statuses.get(status, 0) + 1
        assert status < 500 or status in (503, 504), (method, where, status, text[:300])
        for topic in hub.topics:
            if marker(topic) in text:
                allowed = ("S" in roles or "O" in roles) and any(covers(pattern, topic) for pattern in patterns)
                assert allowed, f"{method} {where} as {roles} {patterns} shows {topic}: {text[:300]}"
                seen_own += 1
        if path.startswith("/v1/topics") and method == "GET" and "S" in roles and status == 200:
            for topic in hub.topics:
                if f'"{topic}"' in text:
                    assert any(covers(pattern, topic) for pattern in patterns), (where, roles, patterns, topic)
        if path == "/v1/topics/{topic}/messages" and method == "POST" and status == 200:
            topic = where.split("/")[3]
            assert "P" in roles and any(covers(pattern, topic) for pattern in patterns), (where, roles, patterns)
    print(f"{asked} questions, {seen_own} answers with data of the caller's own, statuses {dict(sorted(statuses.items()))}")
    assert seen_own > QUESTIONS / 100 and statuses.get(403, 0) > QUESTIONS / 20, "the questions must be worth asking"


def test_a_forbidden_topic_and_an_absent_one_are_answered_alike(hub):
    token = hub.token("alike", ["S"], ["ant.>"])["token"]
    asker = Asker(hub)
    for path in ("/v1/topics/{}/messages", "/v1/topics/{}", "/v1/topics/{}/last", "/v1/messages?topics={}", "/v1/stream?topics={}&from=earliest&limit=1"):
        there = asker.ask("GET", path.format("bee.ant.x"), token)
        absent = asker.ask("GET", path.format("nobody.has.this"), token)
        strip = re.compile(r'"instance":"[^"]*"|bee\.ant\.x|nobody\.has\.this')
        assert there[0] == absent[0] == 403, (path, there, absent)
        assert strip.sub("", there[1]) == strip.sub("", absent[1]), path


def test_each_row_of_the_table_asks_for_its_role(hub):
    """Somebody who holds a role too little is refused by every row that wants more."""
    document = json.loads(hub.get("/openapi.json").body)
    nothing = hub.token("publisher-only", ["P"], ["zzz.>"])["token"]
    asker, open_rows = Asker(hub), set()
    for path, methods in document["paths"].items():
        for method in methods:
            if method.upper() not in ("GET", "POST", "PUT", "PATCH", "DELETE") or path in ("/v1/ws", "/v1/push"):
                continue
            where = re.sub(r"\{[a-z*]+\}", "absent", path.replace("{topic}", "bee.ant.x"))
            if path == "/v1/stream" or path == "/v1/messages":
                where += "?topics=bee.>"
            status, text = asker.ask(method.upper(), where, nothing, None if method == "get" else "{}")
            if status not in (401, 403):
                open_rows.add((method.upper(), path, status))
    surprising = [row for row in open_rows if not re.match(
        r"^/(livez|readyz|healthz|v1/version|v1/whoami|v1/tickets|v1/session|(v1/)?(openapi|asyncapi).json|ui.*|v1/in/.*)?$", row[1])]
    assert surprising == [], surprising
