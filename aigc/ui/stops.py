"""Of each visitor and view, what to set to stop what they started there."""

from __future__ import annotations

import threading

import gradio as gr

MOST = 256  # remembered of all visitors

RUNNING: dict[tuple[str, str], threading.Event] = {}


def begun(view: str, request: gr.Request) -> threading.Event:
    """The stop of a new run; it ends the run before."""
    stopped(view, request)
    stop = RUNNING[str(request.session_hash), view] = threading.Event()
    while len(RUNNING) > MOST:
        RUNNING.pop(next(iter(RUNNING)))
    return stop


def stopped(view: str, request: gr.Request) -> None:
    if (running := RUNNING.pop((str(request.session_hash), view), None)) is not None:
        running.set()
