"""A configuration that contradicts itself: the start is refused with the file, the line and the column of the contradiction."""
import json

import pytest

from anode_node import run_anode

# name: (text with ⟦ before the place that must be named, words that must be said)
WRONG = {
    "an unknown key and its neighbour": ("[http]\n⟦lisen = []\n", ["http.lisen", "listen"]),
    "an unknown table": ("[⟦htpp]\nlisten = []\n", ["htpp", "http"]),
    "a key twice": ('[node]\nname = "a"\n⟦name = "b"\n', ["name"]),
    "a wrong type": ("[http]\nlisten = ⟦7\n", ["http.listen"]),
    "a wrong unit": ('[storage]\nsync_interval = ⟦"5 parsecs"\n', ["storage.sync_interval"]),
    "a share over everything": ('[storage]\nmin_free = ⟦"140%"\n', ["storage.min_free"]),
    "an unknown engine": ('[storage]\nengine = ⟦"floppy"\n', ["storage.engine"]),
    "an address without a port": ('[http]\nlisten = [⟦"127.0.0.1"]\n', ["http.listen", "port"]),
    "a port out of range": ("[egress]\nports = [80, ⟦70000]\n", ["egress.ports", "70000"]),
    "an open address without credentials": ('[http]\nlisten = ["0.0.0.0:7945"]\n[auth]\nmode = "none"\n', ["auth.mode"]),
    "half of TLS": ('[http.tls]\ncert = "/tmp/c.pem"\n', ["http.tls"]),
    "every origin": ('[http]\nallowed_origins = [⟦"*"]\n', ["allowed_origins", "*"]),
    "two sources of one name": ('[[source]]\nname = "a"\ntype = "test"\ntopic = "t"\n[[source]]\nname = "a"\ntype = "test"\ntopic = "t"\n', ['a']),
    "a source without an address": ('[[source]]\nname = "a"\ntype = "websocket"\ntopic = "t"\n', ["url"]),
    "a source of an unknown type": ('[[source]]\nname = "a"\ntype = ⟦"telex"\ntopic = "t"\n', ["telex"]),
    "an unknown key of a source": ('[[source]]\nname = "a"\ntype = "test"\ntopic = "t"\n⟦tpic = "t"\n', ["tpic", "topic"]),
    "an expression that is none": ('[[source]]\nname = "a"\ntype = "test"\ntopic = "t"\ndrop = ["..["]\n', ["drop"]),
    "a topic that cannot be": ('[[source]]\nname = "a"\ntype = "test"\ntopic = ⟦"a..b"\n', ["topic"]),
    "a topic of the system": ('[[source]]\nname = "a"\ntype = "test"\ntopic = ⟦"$sys.x"\n', ["topic"]),
    "a secret in the open": ('[[source]]\nname = "a"\ntype = "rest"\nurl = "https://x.example/"\ntopic = "t"\nauth = { type = "bearer", token = ⟦"hunter2" }\n', ["token"]),
    "no TOML": ("[node\n", []),
    "no TOML later": ('[node]\nname = "a"\nzone = n⟦owhere\n', []),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_contradiction_is_named_with_its_place(tmp_path, what):
    text, words = WRONG[what]
    before, found, after = text.partition("⟦")
    file = tmp_path / "wrong.toml"
    file.write_text(before + after)
    for command in (("run", "-c", file, "--check"), ("config", "check", file), ("run", "-c", file, "--set", f"node.data_dir={tmp_path / 'data'}")):
        done = run_anode(*command, cwd=tmp_path)
        assert done.returncode == 78, (command, done)
        said = done.stderr + done.stdout
        place = f"{file}:{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}:" if found else f"{file}:"
        assert place in said, f"{place} not in {said}"
        assert all(word in said for word in words), said
        assert "hunter2" not in said
    assert not (tmp_path / "data").exists(), "nothing is created for a configuration that is refused"


def test_all_complaints_come_at_once(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text('[http]\nlisen = []\n[storage]\nengine = "floppy"\n[[source]]\nname = "A B"\ntype = "test"\ntopic = "t"\n')
    said = run_anode("config", "check", file, cwd=tmp_path).stderr
    assert [line.split(":")[1] for line in said.splitlines() if line.startswith(str(file))] == ["2", "4", "6"], said


def test_a_wrong_variable_and_a_missing_file_are_named(tmp_path):
    done = run_anode("run", "--check", cwd=tmp_path, environment={"ANODE_STORAGE__ENGINE": "floppy"})
    assert done.returncode == 78 and "ANODE_STORAGE__ENGINE" in done.stderr, done
    done = run_anode("run", "-c", tmp_path / "absent.toml", cwd=tmp_path)
    assert done.returncode in (1, 78) and "absent.toml" in done.stderr, done
    done = run_anode("run", "--check", "--set", "storage.engine=floppy", cwd=tmp_path)
    assert done.returncode in (2, 78) and "storage.engine" in done.stderr, done


@pytest.mark.parametrize("definition, pointer", [
    ({"type": "websocket", "topic": "t"}, "/url"),
    ({"type": "websocket", "url": "wss://x.example/", "topic": "t", "alive": {"stale": "soon"}}, "/alive/stale"),
    ({"type": "rest", "url": "https://x.example/", "topic": "t", "poll": {"every": "-1s"}}, "/poll/every"),
    ({"type": "rest", "url": "https://x.example/", "topic": "t", "poll": {"evry": "1s"}}, "/poll/evry"),
    ({"type": "rest", "url": "https://user:pw@x.example/", "topic": "t"}, "/url"),
    ({"type": "rest", "url": "ftp://x.example/", "topic": "t"}, "/url"),
    ({"type": "rest", "url": "http://169.254.169.254/", "topic": "t"}, "/url"),
    ({"type": "test", "topic": "t.{", "name": "x"}, "/topic"),
    ({"type": "test", "topic": "t", "dedupe": {"by": "key"}}, "/dedupe/by"),
    ({"type": "test", "topic": "t", "classify": [{"match": ".a ==", "as": "ack"}]}, "/classify/0/match"),
    ({"type": "test", "topic": "t", "classify": [{"match": ".a", "as": "banana"}]}, "/classify/0/as"),
])
def test_a_contradiction_in_a_definition_over_the_api_is_named_with_its_pointer(make_node, definition, pointer):
    node = make_node()
    answer = node.post("/v1/sources", {"name": "x", **definition})
    assert answer.status == 422, answer
    assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer
    assert node.get("/v1/sources/x").status == 404
    assert "pw@" not in json.dumps(answer.json())
