"""Of each visitor and view, what to set to stop what they started there."""

from __future__ import annotations

import threading

import gradio as gr

MOST = 256  # remembered of all visitors


class Stop(threading.Event):
    """Set to stop a run; `unwanted` where what it made so far is not to be shown either: it was cleared away, or another run begun."""

    unwanted = False


RUNNING: dict[tuple[str, str], Stop] = {}


def begun(view: str, request: gr.Request) -> Stop:
    """The stop of a new run; it ends the run before."""
    stopped(view, request, unwanted=True)
    stop = RUNNING[str(request.session_hash), view] = Stop()
    while len(RUNNING) > MOST:
        RUNNING.pop(next(iter(RUNNING)))
    return stop


def stopped(view: str, request: gr.Request, unwanted: bool = False) -> None:
    if (running := RUNNING.pop((str(request.session_hash), view), None)) is not None:
        running.unwanted = unwanted
        running.set()
