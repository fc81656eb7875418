"""Every row of the table of operations, as the node's own OpenAPI document tells it: what is wrong is refused before anything happens."""
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("get", "put", "post", "patch", "delete")
NAMES = {"topic": "api.test", "name": "nobody", "id": "nobody", "source": "nobody", "path": "x"}
PROBLEM = ["type", "title", "status", "code", "detail", "instance", "errors", "retry_ms"]
UNLIMITED = {"limits": {"requests": 0, "messages": 0}}


@pytest.fixture
def node(make_node):
    return make_node(config=UNLIMITED)


@pytest.fixture
def closed(make_node):
    """A node that asks for tokens."""
    return make_node(config={"auth": {"mode": "tokens"}, **UNLIMITED})


def rows(node):
    """Method, path with names filled in, and what the document says of it."""
    document = node.get("/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                yield method.upper(), re.sub(r"\{(\w+)\}", lambda m: NAMES[m[1]], path), operations[method], document


def in_query(row):
    return [parameter for parameter in row["parameters"] if parameter.get("in") == "query"]


def ask(node, method, path, body=None, query="", **headers):
    return node.request(method, path + query, body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def is_problem(answer, status, code=None, pointer=None):
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json", answer
    assert list(problem) == PROBLEM and problem["status"] == answer.status == status, answer
    assert problem["type"] == "urn:anode:problem:" + problem["code"]
    assert problem["instance"] == answer.headers["X-Request-Id"]
    if code:
        assert problem["code"] == code, answer
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]], answer


# -- every row -----------------------------------------------------------------------------------------------------------

def test_every_row_refuses_a_parameter_that_it_does_not_know(node):
    seen = 0
    for method, path, row, _ in rows(node):
        if path.startswith(("/v1/in/", "/ui")) or path == "/":
            continue  # these take any
        is_problem(ask(node, method, path, query="?no-such=1"), 400, "bad-request", "?no-such")
        seen += 1
    assert seen > 80


WRONG = {"integer": ["", "x", "1.5", "-1", "0x10", "99999999999999999999999", "１"], "boolean": ["2", "yes", "TRUE", "null"]}


def test_every_parameter_refuses_what_is_not_of_its_kind(node):
    seen = 0
    for method, path, row, _ in rows(node):
        for parameter in in_query(row):
            schema, name = parameter["schema"], parameter["name"]
            values = ["no-such-word", ""] if "enum" in schema else WRONG.get(schema.get("type"), [])
            if name == "sts":
                values = ["x", "1.5"]
            for value in values:
                query = f"?{name}={value}" if value.isascii() else f"?{name}=%EF%BC%91"
                is_problem(ask(node, method, path, query=query), 422, "invalid", "/" + name)
                seen += 1
            if schema.get("maxLength") and schema["maxLength"] <= 1024 and schema.get("type") == "string":
                answer = ask(node, method, path, query=f"?{name}=" + "x" * (schema["maxLength"] + 1))
                assert answer.status in (400, 422), (method, path, name, answer)
    assert seen > 150


def test_every_row_refuses_a_parameter_that_is_given_twice(node):
    for method, path, row, _ in rows(node):
        for parameter in in_query(row)[:1]:
            value = parameter["schema"].get("enum", ["1"])[0]
            is_problem(ask(node, method, path, query=f"?{parameter['name']}={value}&{parameter['name']}={value}"), 400,
                       "bad-request", "?" + parameter["name"])


def test_every_row_with_a_body_refuses_other_media_types(node):
    seen = 0
    for method, path, row, _ in rows(node):
        content = row.get("requestBody", {}).get("content", {})
        if content and "*/*" not in content:
            is_problem(ask(node, method, path, b"<x/>", Content_Type="application/xml"), 415, "media-type")
            is_problem(ask(node, method, path, b"{", Content_Type=next(iter(content))), 400, "bad-json")
            deep = b'{"a":' * 70 + b"1" + b"}" * 70
            is_problem(ask(node, method, path, deep, Content_Type=next(iter(content))), 422, "too-deep")
            seen += 1
    assert seen > 30


def test_every_closed_body_refuses_members_that_it_does_not_name(node):
    seen = 0
    for method, path, row, document in rows(node):
        for media_type, form in row.get("requestBody", {}).get("content", {}).items():
            name = form["schema"].get("$ref", "").rpartition("/")[2]
            schema = document["components"]["schemas"].get(name, {})
            if schema.get("additionalProperties") is not False:
                continue
            for wrong in ("[]", "1", '"x"', "null"):
                is_problem(ask(node, method, path, wrong.encode(), Content_Type=media_type), 422, "invalid")
            body = json.dumps({"no/such": 1}).encode()
            is_problem(ask(node, method, path, body, Content_Type=media_type), 422, "invalid", "/no~1such")
            seen += 1
    assert seen > 15


def test_every_path_names_its_methods_and_refuses_the_others(node):
    document = node.get("/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        known = {method.upper() for method in METHODS if method in operations}
        filled = re.sub(r"\{(\w+)\}", lambda m: NAMES[m[1]], path)
        options = ask(node, "OPTIONS", filled)
        allowed = set(options.headers["Allow"].replace(" ", "").split(","))
        assert known <= allowed and {"OPTIONS"} <= allowed, (path, allowed)
        for method in {"GET", "PUT", "POST", "PATCH", "DELETE"} - allowed:
            answer = ask(node, method, filled)
            is_problem(answer, 405, "method")
            assert set(answer.headers["Allow"].replace(" ", "").split(",")) == allowed


def test_every_guarded_row_asks_for_a_credential_and_for_its_role(closed):
    token = closed.directory.joinpath("data", "bootstrap-token").read_text().strip()
    admin = {"Authorization": "Bearer " + token}
    viewer = closed.request("POST", "/v1/tokens", json.dumps({"name": "v", "roles": ["V"]}).encode(),
                            headers={**admin, "Content-Type": "application/json"}).json()["token"]
    document = closed.request("GET", "/v1/openapi.json").json()
    seen = 0
    for path, operations in document["paths"].items():
        for method in METHODS:
            row = operations.get(method)
            if not row or row["x-anode-role"] == "-":
                continue
            filled = re.sub(r"\{(\w+)\}", lambda m: NAMES[m[1]], path)
            is_problem(ask(closed, method.upper(), filled, query="?no-such=1"), 401, "unauthenticated")
            wrong = ask(closed, method.upper(), filled, query="?no-such=1", Authorization="Bearer an_0123456789_" + "x" * 43)
            is_problem(wrong, 401, "unauthenticated")
            answer = ask(closed, method.upper(), filled, query="?no-such=1", Authorization="Bearer " + viewer)
            is_problem(answer, 400 if row["x-anode-role"] in ("V", "any") else 403)
            seen += 1
    assert seen > 60
    closed.kill()  # its books are behind the token


def test_every_json_answer_refuses_to_be_something_else(node):
    for method, path, row, _ in rows(node):
        content = row["responses"].get("200", {}).get("content", {})
        if method == "GET" and list(content)[:1] == ["application/json"] and not in_query(row):
            answer = ask(node, method, path, Accept="image/png")
            assert answer.status == 404 or is_problem(answer, 406, "not-acceptable") is None, (path, answer)


# -- conditions, versions, pages -------------------------------------------------------------------------------------------

DEFINITION = {"name": "cond", "type": "test", "topic": "cond.x", "enabled": False}


def put(node, body, **headers):
    return ask(node, "PUT", "/v1/sources/cond", json.dumps(body).encode(), Content_Type="application/json", **headers)


def test_conditions_of_a_stored_object(node):
    is_problem(put(node, DEFINITION, If_Match='"nothing"'), 404, "not-found")
    made = put(node, DEFINITION, If_None_Match="*")
    assert made.status == 201 and made.headers["Location"] == "/v1/sources/cond"
    tag = made.headers["ETag"]
    assert tag.startswith('"') and not tag.startswith("W/")
    is_problem(put(node, DEFINITION, If_None_Match="*"), 409, "exists")
    read = ask(node, "GET", "/v1/sources/cond", If_None_Match=tag)
    assert read.status == 304 and read.body == b"" and read.headers["ETag"] == tag
    tried = ask(node, "PATCH", "/v1/sources/cond", b'{"topic":"cond.y"}', query="?dry_run=1", Content_Type="application/merge-patch+json")
    assert tried.status == 200 and tried.json()["topic"] == "cond.y"
    assert node.get("/v1/sources/cond").json()["topic"] == "cond.x"
    changed = ask(node, "PATCH", "/v1/sources/cond", b'{"topic":"cond.y"}', Content_Type="application/merge-patch+json", If_Match=tag)
    assert changed.status == 200 and changed.headers["ETag"] != tag
    is_problem(ask(node, "DELETE", "/v1/sources/cond", If_Match=tag), 412, "stale-version")
    is_problem(ask(node, "DELETE", "/v1/sources/cond", query="?dry_run=1", If_Match=tag), 412, "stale-version")
    shown = ask(node, "DELETE", "/v1/sources/cond", query="?dry_run=1")
    assert shown.status == 200 and shown.json()["name"] == "cond"
    assert ask(node, "DELETE", "/v1/sources/cond", If_Match=changed.headers["ETag"]).status == 204
    is_problem(ask(node, "DELETE", "/v1/sources/cond"), 404, "not-found")


def test_a_merge_patch_removes_what_is_null(node):
    put(node, {**DEFINITION, "labels": {"a": "1", "b": "2"}})
    patched = ask(node, "PATCH", "/v1/sources/cond", b'{"labels":{"a":null}}', Content_Type="application/merge-patch+json")
    assert patched.json()["labels"] == {"b": "2"}
    is_problem(ask(node, "PATCH", "/v1/sources/cond", b'{"colour":1}', Content_Type="application/merge-patch+json"), 422, "invalid", "/colour")
    is_problem(ask(node, "PATCH", "/v1/sources/cond", b"[]", Content_Type="application/merge-patch+json"), 422, "invalid")


def test_a_list_is_walked_by_its_links(node):
    for n in range(7):
        body = json.dumps({**DEFINITION, "name": f"walk-{n}"}).encode()
        assert ask(node, "POST", "/v1/sources", body, Content_Type="application/json").status == 201
    names, path = [], "/v1/sources?limit=3&type=test"
    while path:
        page = node.get(path)
        names += [item["name"] for item in page.json()["items"]]
        link = re.match(r'<([^>]+)>; rel="next"', page.headers.get("Link") or "")
        assert bool(link) == bool(page.json()["next"])
        path = link and link[1]
    assert names == sorted(names) == [f"walk-{n}" for n in range(7)]


def test_long_answers_are_compressed_when_asked(node):
    for coding in ("gzip", "zstd"):
        answer = ask(node, "GET", "/v1/openapi.json", Accept_Encoding=coding)
        assert answer.headers["Content-Encoding"] == coding and "Accept-Encoding" in answer.headers["Vary"]
    assert ask(node, "GET", "/v1/openapi.json", Accept_Encoding="gzip;q=0, identity").headers["Content-Encoding"] is None
    assert ask(node, "GET", "/v1/version", Accept_Encoding="gzip").headers["Content-Encoding"] is None


def test_a_page_of_another_origin_gets_its_headers_only_if_it_is_listed(make_node):
    node = make_node(config={"http": {"allowed_origins": ["https://app.example.org"]}})
    preflight = ask(node, "OPTIONS", "/v1/sources", Origin="https://app.example.org", Access_Control_Request_Method="POST")
    assert preflight.status == 204 and "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    other = ask(node, "OPTIONS", "/v1/sources", Origin="https://evil.example.org", Access_Control_Request_Method="POST")
    assert other.headers["Access-Control-Allow-Origin"] is None
    is_problem(ask(node, "POST", "/v1/sources", b"{}", Origin="https://evil.example.org", Content_Type="application/json"), 403, "origin-refused")


# -- rates -----------------------------------------------------------------------------------------------------------------

def test_a_caller_that_is_too_fast_is_told_when_to_come_back(make_node):
    node = make_node(config={"limits": {"requests": 10, "messages": 50}})
    answers = [node.get("/v1/version") for _ in range(60)]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused and answers[0].headers["RateLimit-Policy"] == '"requests";q=20;w=2'
    is_problem(refused[0], 429, "rate-limited")
    assert int(refused[0].headers["Retry-After"]) >= 1 and refused[0].json()["retry_ms"] > 0
    assert all(node.get("/livez").status == 200 for _ in range(5)), "probes are not counted"
    node.kill()  # who looks at its books would be too fast as well


# -- the reference -----------------------------------------------------------------------------------------------------------

def test_the_reference_is_what_the_program_says(node):
    from anode_node import run_anode
    assert run_anode("api", "docs").stdout == (ROOT / "docs" / "api.md").read_text(), "run docs/generate"


def test_every_example_of_the_reference_runs(node):
    text = (ROOT / "docs" / "api.md").read_text()
    lines = re.findall(r"^```sh\n(curl .*)\n```$", text, re.M)
    assert len(lines) > 15
    for line in lines:
        command = line.replace("http://localhost:7945", f"http://127.0.0.1:{node.port}").replace("curl -s", "curl -s -m 20 -o /dev/null -w '%{http_code}'", 1)
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.stdout[:1] == "2", (line, done.stdout, done.stderr)


def test_the_bundle_holds_states_and_no_payloads(node):
    import io
    import tarfile
    node.publish("bundle.x", "planted-payload")
    answer = node.request("POST", "/v1/debug/bundle")
    with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as archive:
        names = archive.getnames()
        content = b"".join(archive.extractfile(name).read() for name in names)
    assert {"v1/version.json", "v1/config.json", "v1/sources.json", "metrics.txt", "log.ndjson", "v1/audit.json"} <= set(names), names
    assert b"planted-payload" not in content
