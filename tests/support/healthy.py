"""Healthy traffic beside whatever a test does to a node: it must not notice."""
import http.client
import json
import threading
import time

from listeners import KINDS
from patience import eventually, patient


class Healthy:
    """Publishes numbers a hundred times a second and hears them over every transport. On leaving, each number must have been
    heard once and in order, and no publish may have been slower than `slowest` seconds."""

    def __init__(self, node, slowest=2.0, ack="disk"):
        self.node, self.slowest, self.ack, self.next, self.worst, self.failed = node, slowest, ack, 0, 0.0, None
        self.over = threading.Event()

    def __enter__(self):
        self.listeners = {kind: make(self.node.port, "healthy.>") for kind, make in KINDS.items()}
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        eventually(lambda: self.next > 10 or self.failed, what="healthy traffic")
        return self

    def _run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=patient(20))
        while not self.over.wait(0.01):
            began = time.monotonic()
            try:
                connection.request("POST", f"/v1/topics/healthy.n/messages?ack={self.ack}", str(self.next),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as problem:
                self.failed = repr(problem)
                return
            if answer.status != 200:
                self.failed = (answer.status, body)
                return
            self.next += 1
            self.worst = max(self.worst, time.monotonic() - began)

    def __exit__(self, kind, *_):
        if kind is None:
            eventually(lambda: self.next > 50 or self.failed, what="healthy traffic to the end")
        self.over.set()
        self.thread.join(patient(20))
        try:
            if kind is not None:
                return
            assert self.failed is None, self.failed
            assert self.worst < patient(self.slowest), f"a publish took {self.worst:.1f} s"
            for transport, listener in self.listeners.items():
                eventually(lambda: listener.count >= self.next, 20, what=f"the rest over {transport}")
                heard = [json.loads(line) for line in listener.lines]
                assert [m["data"] for m in heard] == list(range(self.next)), (transport, listener.ended)
            assert self.node.get("/livez").status == 200
        finally:
            for listener in self.listeners.values():
                listener.close()
