"""An event loop on a thread of its own, for servers that run beside a test."""
import asyncio
import threading

from patience import patient


class Background:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, coroutine, timeout=30):
        """Runs a coroutine over there and gives its result here."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(patient(timeout))

    def soon(self, function, *arguments):
        """Calls a function over there and waits for nothing."""
        self.loop.call_soon_threadsafe(function, *arguments)


_shared = None


def background():
    """The one loop that all servers of a run share."""
    global _shared
    _shared = _shared or Background()
    return _shared
