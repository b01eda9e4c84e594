"""Of each visitor and view, what to set to stop what they started there."""

from __future__ import annotations

import threading
import weakref

import gradio as gr


class Stop(threading.Event):
    """Set to stop a run; `unwanted` where what it made so far is not to be shown either: it was cleared away, or another run begun."""

    unwanted = False


RUNNING: weakref.WeakValueDictionary[tuple[str, str], Stop] = weakref.WeakValueDictionary()  # a run holds its stop as long as it lasts


def begun(view: str, request: gr.Request) -> Stop:
    """The stop of a new run; it ends the run before."""
    stopped(view, request, unwanted=True)
    stop = RUNNING[str(request.session_hash), view] = Stop()
    return stop


def stopped(view: str, request: gr.Request, unwanted: bool = False) -> None:
    if (running := RUNNING.get((str(request.session_hash), view))) is not None:
        running.unwanted = unwanted
        running.set()
