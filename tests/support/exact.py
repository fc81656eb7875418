"""JSON text taken apart without touching it: numbers keep their digits, members their order, strings their escapes."""
import json
import re

_decode = json.JSONDecoder().raw_decode
_strings_or_space = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')
_plain = re.compile(r'^"[^"\\]*"$')


def compact(text):
    """The same text without white space between tokens."""
    return _strings_or_space.sub(lambda found: found.group(1) or "", text)


def members(text):
    """The members of a compact object: name to value, as text."""
    assert text[0] == "{", text[:80]
    found, at = {}, 1
    while text[at] != "}":
        name, at = _decode(text, at)
        at += 1  # the colon
        _, end = _decode(text, at)
        found[name] = text[at:end]
        at = end + (text[end] == ",")
    return found


def items(text):
    """The items of a compact array, as text."""
    assert text[0] == "[", text[:80]
    found, at = [], 1
    while text[at] != "]":
        _, end = _decode(text, at)
        found.append(text[at:end])
        at = end + (text[end] == ",")
    return found


def word(text):
    """What a JSON string says, or the digits of a number."""
    return json.loads(text) if text[:1] == '"' else text


def named(names, text):
    """A positional row as an object with these names; `-` leaves a place out."""
    return "{" + ",".join(f'"{name}":{value}' for name, value in zip(names, items(text)) if name != "-") + "}"
