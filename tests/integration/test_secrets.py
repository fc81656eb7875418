"""Planted secrets come out nowhere: not in answers, streams, metrics, logs, the audit or error texts."""
import json

from guarded import Authority, Guarded, connect
from patience import eventually

PLANTED = {
    "header": "planted-header-7c1f", "literal": "planted-literal-31bc", "file": "planted-file-9a2e", "environment": "planted-env-55d0",
    "password": "planted password 31", "cookie": "", "token": "", "ticket": "",
}


def test_planted_secrets_are_in_no_output(tmp_path):
    (tmp_path / "secret").write_text(PLANTED["file"] + "\n")
    cert, key = Authority(tmp_path / "authority").issue("node")
    node = Guarded(tmp_path / "node", environment={"PLANTED": PLANTED["environment"], "PLANTED_HEADER": PLANTED["header"]},
                   config={"log": {"level": "debug", "format": "json"}})
    planted = dict(PLANTED)
    planted["key"] = open(key).read().splitlines()[1]
    try:
        node.start()
        planted["bootstrap"] = (node.data / "bootstrap-token").read_text().strip() if (node.data / "bootstrap-token").exists() else node.admin
        planted["admin"] = node.admin.split("_", 2)[2]
        # Where secrets go in: sources, people, tokens, tickets, URLs, headers, wrong requests.
        feed = {"name": "quiet", "type": "websocket", "url": "ws://127.0.0.1:80/x", "topic": "q.x",
                "headers": {"X-Key": {"env": "PLANTED_HEADER"}},
                "auth": {"type": "bearer", "token": {"file": str(tmp_path / "secret")}}}
        first = node.post("/v1/sources?dry_run=1", feed)
        made = node.post("/v1/sources", feed) if first.status == 200 else first
        assert made.status in (201, 422), made
        for wrong in ({**feed, "name": "w1", "headers": {"Authorization": "Bearer " + planted["literal"]}},
                      {**feed, "name": "w2", "url": f"ws://user:{planted['header']}@127.0.0.1/x"},
                      {**feed, "name": "w3", "auth": {"type": "bearer", "token": planted["header"]}}):
            answer = node.post("/v1/sources", wrong)
            assert planted["header"] not in answer.text and planted["literal"] not in answer.text, answer
        assert node.request("PUT", "/v1/users/ann", {"password": planted["password"], "roles": ["A"]}).status == 201
        signed_in = node.post("/v1/session", {"name": "ann", "password": planted["password"]}, token=False)
        planted["cookie"] = signed_in.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]
        node.post("/v1/session", {"name": planted["password"][:0] + "ann", "password": planted["password"] + "x"}, token=False)
        special = node.token("special", ["S"], ["a.>"], url_ok=True)
        planted["token"] = special["token"].split("_", 2)[2]
        planted["ticket"] = node.post("/v1/tickets", {}).json()["ticket"]
        outputs = []

        def keep(what, text):
            outputs.append((what, text))
        for path in (f"/v1/topics/a.b/messages?token={special['token']}", f"/v1/whoami?ticket={planted['ticket']}",
                     f"/nowhere?token={special['token']}", f"/v1/messages?topics=a.>&token={special['token']}&nonsense=1"):
            keep("GET with a secret in its address", node.get(path, token=False).text)
        keep("wrong header", node.get("/v1/nodes", token="an_" + planted["token"]).text)
        with connect(f"ws://127.0.0.1:{node.port}/v1/ws", {"Authorization": f"Bearer {node.admin}"}) as session:
            keep("welcome", session.recv())
            session.send(json.dumps({"op": "sub", "id": 1, "topics": ["$sys.>"], "from": "earliest"}))
            keep("sub", session.recv())
            node.token("noise", ["V"])
            keep("system messages", session.recv())
        # Where they could come out: every address of the API, as an administrator.
        document = json.loads(node.get("/openapi.json").body)
        for path, methods in document["paths"].items():
            if "get" not in methods or path in ("/v1/ws", "/v1/push", "/v1/stream"):
                continue
            where = path.replace("{name}", "quiet").replace("{topic}", "q.x").replace("{id}", special["id"])
            where += {"/v1/messages": "?topics=>"}.get(path, "")
            answer = node.get(where)
            keep(where, answer.body.decode(errors="replace") + str(answer.headers))
        for topics in ("$sys.>", "$dlq.>", ">"):
            keep(topics, node.get(f"/v1/messages?topics={topics}&limit=1000").text)
        for arguments in (["status"], ["sources", "get", "quiet"], ["tokens", "ls"], ["config", "show"], ["audit"], ["tokens", "rm", "absent"]):
            done = node_cli(node, *arguments)
            keep(" ".join(arguments), done.stdout + done.stderr)
        eventually(lambda: "source" in node.log() or True, 5)
        node.signal(3)  # state to the log
        node.signal(15)
        assert node.wait_exit() == 0
        keep("log", node.log_file.read_text(errors="replace"))
        for what, text in outputs:
            for name, secret in planted.items():
                assert not secret or secret not in text, f"the {name} secret stands in: {what}"
        # A copy of the data directory is worth no token, no password and no session, and nothing that a definition only refers to.
        for file in node.data.rglob("*"):
            if not file.is_file() or file.name == "bootstrap-token":
                continue
            content = file.read_bytes()
            for name in ("token", "admin", "password", "cookie", "ticket", "header", "environment"):
                assert planted[name].encode() not in content, f"the {name} secret is in {file.name}"
    finally:
        node.clean_up()


def node_cli(node, *arguments):
    from anode_node import run_anode
    return run_anode(*arguments, environment={"ANODE_URL": node.url, "ANODE_TOKEN": node.admin}, cwd=node.directory)
