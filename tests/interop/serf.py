"""A Serf agent as a process, and what its own command says of the cluster."""
import json
import socket
import subprocess
import time

from member import die_with_us
from patience import patient


def free_port():
    """For a program that cannot be asked for its port; it may be taken meanwhile, so starting is tried again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Agent:
    def __init__(self, program, name, *flags, log):
        self.program, self.name, self.log_file = program, name, log
        for _ in range(5):
            self.port, self.rpc = free_port(), f"127.0.0.1:{free_port()}"
            self.addr = f"127.0.0.1:{self.port}"
            with open(log, "ab") as out:
                self.process = subprocess.Popen(
                    [program, "agent", f"-node={name}", f"-bind={self.addr}", f"-rpc-addr={self.rpc}", "-profile=local",
                     "-log-level=debug", *flags], stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_us)
            if self._answers():
                return
            self.end()
        raise AssertionError(f"serf does not start: {self.log()[-1000:]}")

    def _answers(self):
        deadline = time.monotonic() + patient(10)
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.command("info").returncode == 0:
                return True
            time.sleep(0.05)
        return False

    def command(self, *arguments):
        return subprocess.run([self.program, arguments[0], f"-rpc-addr={self.rpc}", *arguments[1:]], capture_output=True, text=True,
                              timeout=patient(30))

    def members(self):
        """Name -> status, as `serf members` shows them."""
        shown = self.command("members", "-format=json")
        assert shown.returncode == 0, shown.stderr
        return {member["name"]: member["status"] for member in json.loads(shown.stdout)["members"]}

    def log(self):
        return self.log_file.read_text(errors="replace")

    def complaints(self):
        return [line for line in self.log().splitlines() if "[ERR" in line or "[WARN" in line]

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
