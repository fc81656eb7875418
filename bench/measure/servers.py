"""The servers under measurement: started on core 0, asked over HTTP, ended by their own id."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

SERVER_CORE, CLIENT_CORE = "0", "1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the server does not listen")


def resident_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


class Server:
    """A process on core 0, or those named, with a directory of its own; a context manager."""

    def __init__(self, command, port, directory=None, core=SERVER_CORE):
        self.port, self.directory = port, directory
        with open(Path(directory or tempfile.gettempdir()) / "server.log", "ab") as log:
            self.process = subprocess.Popen(["taskset", "-c", core, *map(str, command)],
                                            stdout=log, stderr=log)
        try:
            wait_for(port, self.process)
        except RuntimeError:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def nats_binaries():
    """Every nats-server at hand: those named in NATS_SERVERS (with colons), else Debian's."""
    named = [path for path in os.environ.get("NATS_SERVERS", "").split(":") if path]
    found = named or [shutil.which("nats-server", path=os.environ.get("PATH", "") + ":/usr/sbin")]
    return [path for path in found if path and Path(path).exists()]


def nats_version(binary):
    text = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout
    return text.strip().rsplit("v", 1)[-1]


def nats_command(binary, directory):
    port = free_port()
    config = Path(directory) / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:{free_port()}"\nping_interval: "30m"\n'
                      f'websocket {{ listen: "127.0.0.1:{port}", no_tls: true }}\n')
    return [binary, "-c", config], port


def nats(binary, directory):
    command, port = nats_command(binary, directory)
    return Server(command, port, directory)


SOURCE = """
[[source]]
name = "exchange-{number}"
type = "websocket"
url = "ws://127.0.0.1:{port}/{number}"
topic = "bench.exchange.{{.s}}.trade"
map = {{ key = "s", id = "t", time = "T", unit = "ms" }}
dedupe = {{ by = ["key", "id"], keep = "10m", max = 4096 }}
alive = {{ protocol_ping = "0" , any = "10m" }}
"""


class Anode:
    """Where a node lives; `command` starts it."""

    def __init__(self, binary, directory, sources=0, source_port=0):
        self.binary, self.directory, self.port = binary, Path(directory), free_port()
        self.config = self.directory / "anode.toml"
        text = f"""
[node]
data_dir = "{self.directory / 'data'}"
[http]
listen = ["127.0.0.1:{self.port}"]
[gossip]
listen = "127.0.0.1:{free_port()}"
[mesh]
listen = "127.0.0.1:{free_port()}"
[egress]
allow_private = ["127.0.0.0/8"]
ports = [{source_port or 80}]
[log]
level = "warn"
"""
        text += "".join(SOURCE.format(number=i, port=source_port) for i in range(sources))
        self.config.write_text(text)

    @property
    def command(self):
        return [str(self.binary), "run", "-c", str(self.config)]

    def start(self):
        return Server(self.command, self.port, self.directory)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return json.load(answer)

    def stats(self):
        """The node's double entry, as it publishes it each second."""
        items = self.get("/v1/messages?topics=%24sys.stats.%3E&order=desc&limit=1&format=data")
        return items["items"][0]

    def stored(self, prefix):
        total, after = 0, ""
        while True:
            page = self.get(f"/v1/topics?prefix={prefix}&limit=1000{after}")
            total += sum(topic["messages"] for topic in page["items"])
            if not page.get("next"):
                return total
            after = f"&after={page['next']}"
