#!/usr/bin/env python3
"""Compares docs/protocol.md with the code: every frame of the mesh by number and name, and some numbers that pages tend to
keep when code moves on. tests/protocol_page.py ROOT."""
import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
page = (root / "docs/protocol.md").read_text(encoding="utf-8")


def code(path):
    return (root / "src" / path).read_text(encoding="utf-8")


def frames_of_the_code():
    body = re.search(r"enum class Type .*?\{(.*?)\};", code("core/mesh/frames.hpp"), re.S).group(1)
    return {int(number): name.upper() for name, number in re.findall(r"(\w+) = (\d+)", body) if not name.startswith("Pass")}


def frames_of_the_page():
    rows = re.findall(r"^\| ([\d, ]+) \| ([A-Z_, ]+) \|", page, re.M)
    return {int(number): name.replace("_", "") for numbers, names in rows for number, name in zip(numbers.split(", "), names.split(", "))}


FAST = r"struct FastTiming[^}]*?"
SAYS = [  # what the page says of a number, and where the code has it
    ('salt = "{}"', "runtime/mesh_tls.cpp", r'kSalt = "(.*?)";'),
    ("suite `{}`", "runtime/mesh_tls.cpp", r'"(TLS_[A-Z0-9_]+)"'),
    ("**Probe**: each {} ms one member", "core/membership/config.hpp", FAST + r"probe_interval = (\d+)ms"),
    ("**Suspicion**: {} s,", "core/membership/config.hpp", FAST + r"suspicion_max = (\d+)s"),
    ("who holds the suspicion for 0.{}", "core/membership/swim/jury.cpp", r"kPatience = (\d)00ms"),
    ("(suspicions, refutations, deaths) goes out after {} ms", "core/membership/swim/gossip.cpp", r"kUrgent = (\d+)ms"),
    ("(every {} ms, stretched", "core/mesh/config.hpp", r"digest = (\d+)ms"),
    ("stays ahead for {} ms", "core/mesh/config.hpp", r"lag_min = (\d+)ms"),
]
wrong = []
if frames_of_the_code() != frames_of_the_page():
    wrong.append(f"frames: {sorted(set(frames_of_the_code().items()) ^ set(frames_of_the_page().items()))}")
for sentence, path, pattern in SAYS:
    number = re.search(pattern, code(path), re.S)
    if number is None or sentence.format(number.group(1)) not in page:
        wrong.append(f"{sentence}: {path} has {number and number.group(1)}")
if wrong:
    sys.exit("docs/protocol.md and the code disagree:\n  " + "\n  ".join(wrong))
print(f"{len(frames_of_the_page())} frames as in the code")
