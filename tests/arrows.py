#!/usr/bin/env python3
"""Reads the #include lines of src/ and fails on an arrow that points the wrong way, or on a header that the core must not see."""
import re
import sys
from pathlib import Path

# Which rooms a room may include. `*` in the core: nothing but what is named.
ARROWS = {
    "base": [],
    "core/json": ["base"],
    "core/message": ["base", "core/json"],
    "core/expr": ["base", "core/json"],
    "core/codec": ["base"],
    "core/pipeline": ["base", "core/json", "core/message", "core/expr", "core/source"],
    "core/source": ["base", "core/json", "core/message", "core/expr", "core/codec"],
    "core/fanout": ["base", "core/json", "core/message", "core/expr"],
    "core/node": ["base", "core/json", "core/message", "core/expr", "core/pipeline", "core/source"],
    "core/membership": ["base", "core/json"],
    "core/mesh": ["base", "core/message"],
    "core/state": ["base", "core/json", "core/message"],
    "core/ownership": ["base", "core/state"],
    "store": ["base", "core/message", "core/json"],
    "runtime": ["base", "core/message", "core/codec", "core/source", "core/json", "core/membership", "core/mesh"],
    "api": ["base", "core/json", "core/message", "core/expr", "core/codec", "core/pipeline", "core/source", "core/fanout", "core/node",
            "core/membership", "core/mesh", "core/state", "core/ownership", "store", "runtime"],
    "app": ["base", "core/json", "core/message", "core/expr", "core/codec", "core/pipeline", "core/source", "core/fanout", "core/node",
            "core/membership", "core/mesh", "core/state", "core/ownership", "store", "runtime", "api"],
}
# The core opens no socket or file, reads no clock, starts no thread.
FORBIDDEN_IN_CORE = re.compile(
    r"^(boost/(asio|beast)|thread|mutex|shared_mutex|condition_variable|fstream|iostream|sys/socket|unistd|netdb|poll|rocksdb|curl|toml\+\+|spdlog)")
# Heavy headers stay out of ours, so that a one-file change rebuilds in seconds.
FORBIDDEN_IN_HEADERS = re.compile(r"^(boost/|simdjson|rocksdb/|toml\+\+|CLI/|curl/|openssl/|spdlog/|fmt/|jq\.h|re2/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def room_of(path):
    """The room a path of src/ lies in: two levels in the core, one elsewhere."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "core" else parts[0]


def includes(file):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1)


def complaints(source):
    for file in sorted(source.rglob("*.[ch]pp")):
        name = file.relative_to(source).as_posix()
        room = room_of(name)
        if room == "main.cpp":
            continue
        if room not in ARROWS:
            yield f"{name}: the room {room} is not in the picture"
            continue
        for number, target in includes(file):
            if (source / target).exists() and room_of(target) not in (room, *ARROWS[room]):
                yield f"{name}:{number}: {room} must not include {target}"
            if (room == "base" or room.startswith("core/")) and FORBIDDEN_IN_CORE.match(target):
                yield f"{name}:{number}: the core must not see <{target}>"
            if file.suffix == ".hpp" and FORBIDDEN_IN_HEADERS.match(target):
                yield f"{name}:{number}: <{target}> is too heavy for a header of ours"


def main():
    found = list(complaints(Path(sys.argv[1])))
    for complaint in found:
        print(complaint)
    print(f"{len(found)} arrows point the wrong way")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
