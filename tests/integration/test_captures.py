"""Recorded traffic of real exchanges, played over real sockets through the recipes we ship: every row of every data frame
arrives at a listener exactly once, with its digits, under its topic and key; what is no data does not; and the node says
what the recorded client said. What must come out is worked out here from the recording alone (recorded.py)."""
import re
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from captures import Player, capture_path, load, local_part
from exact import compact, members, word
from listeners import Listener
from patience import eventually
from recorded import feeds, text_of

RECIPES = Path(__file__).resolve().parents[2] / "deploy" / "recipes"
BULLET = {"/api/v1/bullet-public": lambda port: {"code": "200000", "data": {
    "token": "TOKEN", "instanceServers": [{"endpoint": f"ws://127.0.0.1:{port}/endpoint", "protocol": "websocket"}]}}}


def recipe(feed, port):
    """The shipped definition; only its addresses lead to the player."""
    with open(RECIPES / f"{feed.recipe}.toml", "rb") as file:
        definition = next(s for s in tomllib.load(file)["source"] if s["name"] == feed.source)

    def here(value):
        if isinstance(value, dict):
            return {name: here(item) for name, item in value.items()}
        if isinstance(value, list):
            return [here(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"^(ws|http)s://[^/]+", rf"\1://127.0.0.1:{port}", value)
        return value
    return here(definition)


def without_repeats(rows):
    seen, kept = set(), []
    for row in rows:
        identity = row.identity and (row.topic, row.identity)
        if identity is None or identity not in seen:
            kept.append(row)
        seen.add(identity)
    return kept


def heard(line):
    """A delivered line as (topic, key, payload); a snapshot is told apart."""
    m = members(line.decode())
    key = word(m["key"]) if "key" in m else None
    return (word(m["topic"]), key, m["data"]), word(m.get("kind", '"set"'))


def joinable(books, rows):
    """The snapshots that the updates of their key can follow: not older than the first of them."""
    first = {}
    for row in rows:
        if row.chain:
            first.setdefault(row.chain[0], row.chain[1])
    return {key: book for key, book in books.items() if key in first and book.number + 1 >= first[key]}


@pytest.mark.parametrize("feed", feeds(), ids=lambda feed: feed.capture)
def test_every_recorded_row_arrives_once_and_the_node_says_what_the_client_said(make_node, feed):
    if capture_path(feed.capture) is None:
        pytest.skip(f"recording {feed.capture} is absent")
    recorded, http_rows = load(feed.capture), load(feed.http) if feed.http else []
    frames = [text_of(row) for row in recorded if row["kind"] == "frame"]
    rows = without_repeats([row for frame in frames for row in feed.rows(frame) or []])
    known = [feed.book(row["url"], compact(row["data"])) for row in http_rows]
    books = joinable({book.key: book for book in known}, rows)
    replaced = Counter((row.topic, row.key, row.data) for row in rows
                       if row.chain and row.chain[0] in books and row.chain[2] <= books[row.chain[0]].number)
    due = Counter((row.topic, row.key, row.data) for row in rows)
    snapshots = Counter((feed.book_topic.format(key), key, book.data) for key, book in books.items())

    player = Player(recorded, http_rows, BULLET)
    try:
        node = make_node(ports=[player.port])
        with Listener(node.port, "crypto.>") as listener:
            node.add_source(recipe(feed, player.port))
            complete = sum(due.values()) - sum(replaced.values()) + sum(snapshots.values())
            eventually(lambda: player.played, 40, what="the end of the recording")
            eventually(lambda: node.source(feed.source)["counters"]["frames"] >= len(frames), 20, what="every frame taken in")
            eventually(lambda: len(listener.lines) >= complete, 12, what=f"{complete} messages")
            node.publish("crypto.end", 1)
            eventually(lambda: b'"topic":"crypto.end"' in listener.lines[-1], what="the last message")
            came = [heard(line) for line in listener.lines[:-1]]
        document = node.source(feed.source)
        got = Counter(message for message, kind in came)

        missing, surplus = due + snapshots - replaced - got, got - due - snapshots
        assert not missing and not surplus, (f"{sum(missing.values())} of {len(rows)} missing: {told(missing)}; "
                                             f"{sum(surplus.values())} too many: {told(surplus)}")
        assert Counter(m for m, kind in came if kind == "snapshot" and m in snapshots) == snapshots
        assert document["state"] == "live", document
        assert document["counters"]["unknown"] == 0 and document["counters"]["rejected"] == 0, document["counters"]

        def said(texts):
            texts = [compact(text if isinstance(text, str) else text.decode()) for text in texts]
            for pattern, replacement in feed.volatile:
                texts = [re.sub(pattern, replacement, text) for text in texts]
            return sorted(texts)
        assert said(player.said) == said(row["data"] for row in recorded if row["kind"] == "sent")
        opened = local_part(next(row["url"] for row in recorded if row["kind"] == "open"))
        assert [same_query(path) for path in player.paths] == [same_query(opened)]
    finally:
        player.close()


def told(messages):
    """The first few of them, shortened."""
    return ", ".join(f"{topic} {key} {data:.80}" for topic, key, data in list(messages)[:4])


def same_query(path):
    """A path, decoded, whose list of streams is in any order."""
    head, _, tail = unquote(path).partition("?streams=")
    return head, sorted(tail.split("/"))
