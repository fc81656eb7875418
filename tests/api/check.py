"""Judges the documents that a node gives of itself by linters that are not ours, and the node by its documents.

openapi-spec-validator reads openapi.json, @asyncapi/parser reads asyncapi.json, schemathesis asks a running node whatever the
former allows and much that it does not. Started by `run`, which sees that they are there.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from anode_node import Node  # noqa: E402

# Rows that end the node or its place in the cluster, streams without an end, and trials that wait for half a minute.
LEFT_OUT = ["/v1/nodes/{id}:shutdown", "/v1/nodes/{id}:drain", "/v1/cluster:leave", "/v1/stream", "/v1/ws", "/v1/push",
            "/v1/sources:test", "/v1/sources:probe", "/v1/pipelines/{name}:test", "/v1/pipelines:test", "/v1/tokens/{id}", "/ui/{path}"]


def judge_openapi(document):
    from openapi_spec_validator import OpenAPIV31SpecValidator
    errors = list(OpenAPIV31SpecValidator(document).iter_errors())
    for error in errors[:10]:
        print("openapi:", "/".join(map(str, error.absolute_path)), error.message[:300])
    return not errors


READ_ASYNCAPI = """
const {Parser} = require('@asyncapi/parser');
const text = require('fs').readFileSync(0, 'utf8');
new Parser().parse(text).then(({document, diagnostics}) => {
    const errors = diagnostics.filter(one => one.severity <= 1);
    for (const one of errors) console.log('asyncapi:', one.path.join('/'), one.message);
    process.exit(document && errors.length === 0 ? 0 : 1);
});
"""


def judge_asyncapi(text, modules):
    if not (Path(modules) / "node_modules" / "@asyncapi" / "parser").is_dir():
        print("asyncapi: skipped, @asyncapi/parser is not there")
        return True
    done = subprocess.run(["node", "-e", READ_ASYNCAPI], input=text, text=True, cwd=modules)
    return done.returncode == 0


def ask_everything(node, token, examples, seed, folder):
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(HERE / "schemathesis.toml"), "run",
               f"http://127.0.0.1:{node.port}/v1/openapi.json", "-H", f"Authorization: Bearer {token}", "--checks", "all",
               "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", str(seed),
               "--continue-on-failure", "--no-color", "--request-timeout", "30", "--warnings", "off"]
    for path in LEFT_OUT:
        command += ["--exclude-path", path]
    return subprocess.run(command, cwd=folder, env={**os.environ, "NO_COLOR": "1"}).returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--modules", required=True, help="folder with node_modules")
    parser.add_argument("--examples", type=int, default=int(os.environ.get("ANODE_API_EXAMPLES", "10")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("ANODE_API_SEED", "1")))
    parser.add_argument("--only", choices=["documents", "node"])
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        node = Node(Path(folder) / "node", config={"auth": {"mode": "tokens"}, "limits": {"requests": 0, "messages": 0}})
        try:
            node.start(timeout=90)
            token = (node.data / "bootstrap-token").read_text().strip()
            if options.only != "node":
                results["openapi"] = judge_openapi(node.get("/v1/openapi.json").json())
                results["asyncapi"] = judge_asyncapi(node.get("/v1/asyncapi.json").text, options.modules)
            if options.only != "documents":
                results["schemathesis"] = ask_everything(node, token, options.examples, options.seed, folder)
                results["node"] = node.alive and node.get("/livez").status == 200
        finally:
            node.clean_up()
    failed = [name for name, good in results.items() if not good]
    print(json.dumps(results))
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
