"""Figures beside their peers and limits, as a table."""

import datetime
import os
import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Series:
    """One quantity over the runs of one figure."""
    values: list = field(default_factory=list)

    def add(self, value):
        self.values.append(value)

    @property
    def median(self):
        return statistics.median(self.values)


def ratios(ours, theirs):
    """Of each pair of one round."""
    return [a / b for a, b in zip(ours.values, theirs.values)]


@dataclass
class Row:
    figure: str
    what: str
    anode: str
    peer: str = ""
    limit: str = ""
    ratio: str = ""
    at_least: str = ""
    aim: str = ""
    verdict: str = ""

    def cells(self):
        return [self.figure, self.what, self.anode, self.peer, self.limit, self.ratio,
                self.at_least, self.aim, self.verdict]


HEAD = ["figure", "what", "aNode", "peer", "limit", "ratio (spread)", "at least", "aim", "verdict"]


def verdict(at_least, aim):
    """Both are whether the level was met."""
    return "aim met" if aim else "met" if at_least else "MISSED"


def spread(values, digits=2):
    low, high = min(values), max(values)
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({low:.{digits}f}–{high:.{digits}f})"


def short(value):
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.2f}{unit}"
    return f"{value:.3g}"


def line(cells):
    return "| " + " | ".join(cells) + " |"


def markdown(rows):
    return "\n".join(merge([], rows))


def merge(lines, rows):
    """A table of rows and of lines of an older one, by figure."""
    body = [old for old in lines if not old.startswith(("| figure", "| ---"))]
    body += [line(row.cells()) for row in rows]
    return [line(HEAD), "|" + " --- |" * len(HEAD), *sorted(body, key=lambda text: text.split(" | ")[0])]


def machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines()
                  if line.startswith("MemTotal"))
    load = os.getloadavg()
    return (f"{os.cpu_count()} cores ({model}), {memory / 2**20:.0f} GiB, "
            f"Linux {platform.release()}, load {load[0]:.1f}, "
            f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC")
