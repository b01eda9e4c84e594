"""What a run shows until it ends, asked for by the page beside Gradio's queue, and a press of Stop the other way round.

Gradio looks every output of an event up among the thousands of components of the page.  A preview that came through it took a tenth of
a second and more, and while the next waited behind it so did the press of Stop.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import weakref
from collections import deque
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from aigc.ui.routes import NEVER_KEPT

MOST = 16  # previews that wait to be asked for; the oldest go
GO = re.compile(r"[0-9a-f]{32}")

OVER = Response(status_code=204, headers=NEVER_KEPT)  # nothing more comes this way: a run's end comes through Gradio
WAYS: weakref.WeakValueDictionary[str, Way] = weakref.WeakValueDictionary()  # a run holds its way as long as it lasts


class Way:
    """What one press of a button brings.  `go` is its address, which only the page that pressed knows."""

    def __init__(self, stop: threading.Event):
        self.stop, self.go, self.count, self.asked = stop, secrets.token_hex(16), 0, 0
        self.told: deque[tuple[int, str]] = deque(maxlen=MOST)
        WAYS[self.go] = self

    def tell(self, payload: dict[str, Any]) -> str:
        """The payload as JSON, with its place in the order: of two that come by different ways the page shows the later.

        The last one takes along what nobody asked for, so that the way can be walked again.
        """
        self.count += 1
        if not payload.get("busy"):
            missed = [step for step in json.loads(self.news(self.asked)) if step["kind"] == "pictures"]
            payload = {**payload, "missed": missed}
        told = json.dumps({**payload, "go": self.go, "n": self.count}, ensure_ascii=False)
        self.told.append((self.count, told))
        return told

    def news(self, after: int) -> str:
        """What came after the payload of this number, as a JSON list."""
        waiting = list(self.told)
        self.asked = waiting[-1][0] if waiting else 0
        return f"[{','.join(told for n, told in waiting if n > after)}]"


def router() -> APIRouter:
    api = APIRouter()

    @api.get("/aigc/ways/{go}")
    async def news(go: str, after: int = 0) -> Response:
        way = found(go)
        return Response(way.news(after), media_type="application/json", headers=NEVER_KEPT) if way else OVER

    @api.post("/aigc/ways/{go}/stop")
    async def stop(go: str) -> Response:
        if way := found(go):
            way.stop.set()
        return OVER

    return api


def found(go: str) -> Way | None:
    return WAYS.get(go) if GO.fullmatch(go) else None
