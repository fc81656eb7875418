"""The load programs, on core 1."""

import json
import subprocess

from .servers import CLIENT_CORE


class Programs:
    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        return str(self.directory / f"bench_{name}")

    def command(self, name, *more, core=CLIENT_CORE, **args):
        words = [f"{key}={value}" for key, value in args.items() if value is not None]
        return ["taskset", "-c", core, self.path(name), *words, *map(str, more)]

    def run(self, name, *more, core=CLIENT_CORE, **args):
        """Runs one to its end; its answer is the last line it prints."""
        command = self.command(name, *more, core=core, **args)
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command[3:])}: {done.stderr.strip()}")
        lines = done.stdout.strip().splitlines()
        return json.loads(lines[-1]) if lines else {}

    def begin(self, name, **args):
        """Starts one that lasts until its input ends."""
        return subprocess.Popen(self.command(name, **args), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer_of(process):
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(process.stderr.read().strip() or "a load program ended early")
    return json.loads(line)


def end(process):
    process.stdin.close()
    process.wait(60)
