"""Visitors of a served page who press its buttons through Gradio's own queue, over HTTP, as browsers do."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

PATIENCE = 60.0  # seconds


@contextmanager
def served(demo: gr.Blocks) -> Iterator[str]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    demo.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True)
    yield f"http://127.0.0.1:{port}"
    demo.close()


class Visitor:
    def __init__(self, demo: gr.Blocks, url: str, name: str):
        self.demo, self.url, self.name = demo, url, name
        self.heard: list[dict[str, Any]] = []  # all that the server sent
        self.threads: list[threading.Thread] = []

    def press(self, handler: Any, values: dict[Any, Any] | None = None) -> None:
        """Sets off the event that calls `handler`, with the form as it is drawn but for `values`."""
        fn = self._event(handler)
        self._join(fn, [None if isinstance(c, gr.State) else (values or {}).get(c, c.value) for c in fn.inputs])

    def call(self, endpoint: Any, *data: Any) -> Any:
        """What an endpoint answers in the end: its results, or the sentence of its error."""
        self.heard.clear()
        self._join(self._event(endpoint), list(data))
        self.waits()
        output = self.heard[-2]["output"]
        return output.get("error") or output.get("data")

    def _event(self, handler: Any) -> Any:
        return next(f for f in self.demo.fns.values() if f.fn == handler)

    def _join(self, fn: Any, data: list[Any]) -> None:
        body = json.dumps({"data": data, "fn_index": fn._id, "session_hash": self.name}).encode()
        request = urllib.request.Request(f"{self.url}/gradio_api/queue/join", body, {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=PATIENCE).read()
        if not any(thread.is_alive() for thread in self.threads):
            self.threads.append(threading.Thread(target=self._listen, daemon=True))
            self.threads[-1].start()

    def _listen(self) -> None:
        with urllib.request.urlopen(f"{self.url}/gradio_api/queue/data?session_hash={self.name}", timeout=PATIENCE) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    self.heard.append(json.loads(line[6:]))

    def hears(self, words: str, seconds: float = PATIENCE) -> None:
        wait_for(lambda: words in json.dumps(self.heard, ensure_ascii=False), f"{self.name} hears {words!r}", seconds)

    def ended(self) -> list[list[Any]]:
        """Of each press that is over, in the order they ended, what Gradio puts on the page at its end; None: what is there stays."""
        ends = [m["output"]["data"] for m in self.heard if m["msg"] == "process_completed"]
        return [[None if isinstance(v, dict) and v.get("__type__") == "update" and "value" not in v else v for v in end] for end in ends]

    def state(self, state: gr.State) -> Any:
        """What the session keeps there."""
        return self.demo.app.state_holder[self.name][state._id]

    def waits(self) -> None:
        """Until everything that was pressed is over."""
        for thread in self.threads:
            thread.join(PATIENCE)


def wait_for(what: Callable[[], Any], words: str, seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"never: {words}"
        time.sleep(0.02)
