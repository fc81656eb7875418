"""One `anode` process: its configuration, its life and death, and what it says about itself. Ports are the kernel's choice."""
import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from patience import patient

_libc = ctypes.CDLL(None)


def binary():
    """The program under test. Without it a test fails; it is not skipped."""
    path = os.environ.get("ANODE_BIN") or str(Path(__file__).resolve().parents[2] / "build" / "release" / "anode")
    assert os.access(path, os.X_OK), f"no program at {path}: ./dev build, or set ANODE_BIN"
    return os.path.abspath(path)


def die_with_us():
    """In the child: the kernel ends it should the tests be killed."""
    _libc.prctl(1, signal.SIGKILL)


def plain_environment(more=None):
    """Our environment without anything that configures a node."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("ANODE_")}, **(more or {})}


def run_anode(*arguments, timeout=30, cwd=None, stdin=None, environment=None):
    """Runs a command of the program to its end."""
    return subprocess.run([binary(), *map(str, arguments)], input=stdin, capture_output=True, text=True, cwd=cwd,
                          timeout=patient(timeout), env=plain_environment(environment))


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return "{ " + ", ".join(f"{json.dumps(name)} = {toml_value(item)}" for name, item in value.items()) + " }"


def toml_text(config):
    """A configuration of tables, one level deep, and lists of tables."""
    lines = []
    for table, content in config.items():
        for entry in content if isinstance(content, list) else [content]:
            lines.append(f"[[{table}]]" if isinstance(content, list) else f"[{table}]")
            lines += [f"{json.dumps(key)} = {toml_value(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


class Answer:
    """An HTTP answer, read to its end."""

    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Node:
    """A node that a test starts, hurts and stops. The HTTP port stays the same over restarts."""

    def __init__(self, directory, name="n1", ports=(), config=None, environment=None, demo=False):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name, self.environment, self.demo = name, environment or {}, demo
        self.data = self.directory / "data"
        self.process, self.port = None, None
        self.config = {
            "node": {"name": name, "data_dir": str(self.data)},
            "http": {"listen": ["127.0.0.1:0"], "socket": str(self.directory / "anode.sock")},
            "auth": {"mode": "none"},
            "gossip": {"listen": "127.0.0.1:0", "profile": "local"},
            "mesh": {"listen": "127.0.0.1:0"},
            "egress": {"allow_private": ["127.0.0.0/8"], "ports": sorted({80, *ports})},
            "log": {"level": "info", "format": "json"},
        }
        for table, content in (config or {}).items():
            self.config[table] = {**self.config.get(table, {}), **content} if isinstance(content, dict) else content

    # -- life ------------------------------------------------------------------------------------------------------

    @property
    def config_file(self):
        return self.directory / "anode.toml"

    def write_config(self):
        self.config_file.write_text(toml_text(self.config))

    def start(self, timeout=30):
        """Starts the process and waits until it is ready."""
        self.launch()
        self.wait_ready(timeout)
        return self

    def launch(self):
        """Starts the process and waits for nothing."""
        if self.port:
            self.config["http"]["listen"] = [f"127.0.0.1:{self.port}"]
        self.write_config()
        self.log_from = self.log_file.stat().st_size if self.log_file.exists() else 0
        arguments = ["demo", "--offline"] if self.demo else ["run"]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), *arguments, "-c", str(self.config_file)], stdout=log, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, cwd=self.directory, preexec_fn=die_with_us,
                env=plain_environment(self.environment))

    def wait_ready(self, timeout=30):
        deadline = time.monotonic() + patient(timeout)
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} is not ready, exit {self.process.poll()}; log:\n{self.tail()}")
            time.sleep(0.02)

    def _ready(self):
        if self.port is None:
            found = re.search(r'"http":"127\.0\.0\.1:(\d+)"', self.log())
            if not found:
                return False
            self.port = int(found.group(1))
        try:
            return self.get("/readyz", timeout=2).status == 200
        except OSError:
            return False

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, timeout=35):
        return self.process.wait(patient(timeout))

    def stop(self, timeout=35):
        """Looks at the books, then SIGTERM; the exit code."""
        self.check_books()
        self.signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(patient(20))

    def clean_up(self):
        if self.alive:
            self.signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(20)

    # -- its log ---------------------------------------------------------------------------------------------------

    @property
    def log_file(self):
        return self.directory / "log.txt"

    def log(self):
        """What was logged since the last start."""
        return self.log_file.read_bytes()[getattr(self, "log_from", 0):].decode(errors="replace")

    def tail(self, lines=25):
        return "\n".join(self.log().splitlines()[-lines:])

    def records(self):
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    # -- talking to it ---------------------------------------------------------------------------------------------

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request(self, method, path, body=None, headers=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patient(timeout))
        try:
            if isinstance(body, (dict, list)):
                body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    def raw(self, timeout=20):
        """A plain socket to the node."""
        return socket.create_connection(("127.0.0.1", self.port), patient(timeout))

    def publish(self, topic, payload, ack="disk"):
        answer = self.post(f"/v1/topics/{topic}/messages?ack={ack}", json.dumps(payload),
                           headers={"Content-Type": "application/json"})
        assert answer.status == 200, answer
        return answer.json()["last"]

    def publish_lines(self, topic, payloads, ack="disk"):
        body = "".join(json.dumps(payload) + "\n" for payload in payloads)
        answer = self.post(f"/v1/topics/{topic}/messages?ack={ack}", body,
                           headers={"Content-Type": "application/x-ndjson"}, timeout=60)
        assert answer.status == 200 and answer.json()["accepted"] == len(payloads), answer
        return answer.json()["last"]

    def add_source(self, definition):
        answer = self.post("/v1/sources", definition)
        assert answer.status == 201, answer
        return answer.json()

    def source(self, name):
        answer = self.get(f"/v1/sources/{name}")
        assert answer.status == 200, answer
        return answer.json()

    def sources(self):
        """Every source document, over all pages."""
        found, after = [], ""
        while True:
            page = self.get(f"/v1/sources?limit=1000{after}").json()
            found += page["items"]
            if not page.get("next"):
                return found
            after = f"&after={page['next']}"

    def anode(self, *arguments, **options):
        """Runs a command against this node."""
        return run_anode(*arguments, environment={"ANODE_URL": self.url}, cwd=self.directory, **options)

    # -- its books -------------------------------------------------------------------------------------------------

    def metrics(self):
        """Samples by full name with labels, as scraped now."""
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        pairs = (line.rsplit(" ", 1) for line in answer.text.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in pairs}

    def metric(self, name, **labels):
        """The sum of all samples of this name that carry these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(value for sample, value in self.metrics().items()
                   if sample.split("{")[0] == name and all(part in sample for part in wanted))

    def stats(self):
        """The newest `$sys.stats` of the node."""
        answer = self.get("/v1/messages?topics=$sys.stats.>&limit=1")
        assert answer.status == 200, answer
        found = answer.json()["items"]
        return found[0]["data"] if found else None

    def check_books(self):
        """Double entry: whatever was taken in has gone somewhere. The node checks itself with every block it seals."""
        assert self.metric("anode_balance_errors_total") == 0, self.tail()

    def rss_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
