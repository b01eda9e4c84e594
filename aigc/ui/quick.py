"""Gradio describes all pages of an application anew, and makes a whole web application of them, each time the `with` of a page ends,
and reads the signature of a class for each of its thousand components.  Only the last description counts, and signatures do not change.

`python app.py` has to answer within seconds on two cores; this halves what Gradio takes of them.

It describes them all once more for every visit, for links to a state of the page that this page does not offer: 5 MB of memory that
stay and 0.2 s of a core each time, which a public page cannot spare.  And it writes a page of traceback into the log for every value
that is not among a list's choices, which is a program's mistake and not ours.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import gradio as gr
from gradio import queueing, state_holder
from gradio.routes import App

BRIEF = 200  # characters


class LightSession(state_holder.SessionState):
    """A visit that keeps the values of its States, and no descriptions."""

    def __init__(self, blocks: Any):
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))  # type: ignore[arg-type]

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


def light_sessions() -> None:
    """From now on, in this process."""
    state_holder.SessionState = LightSession  # type: ignore[misc]


def brief_log() -> None:
    """From now on, in this process: a line for what is only refused."""

    def told() -> None:
        error = sys.exc_info()[1]
        if isinstance(error, gr.Error):
            logging.getLogger(__name__).warning("a value was refused: %s", str(error)[:BRIEF])
        else:
            traceback.print_exc()

    queueing.traceback = SimpleNamespace(print_exc=told)  # type: ignore[attr-defined]


@contextmanager
def drawing() -> Iterator[None]:
    """While pages are drawn: no descriptions and no applications of what is not finished."""
    with signatures_once(), patch.object(App, "create_app", lambda *_, **__: None), patch.object(gr.Blocks, "get_config_file", lambda _: {}):
        yield


@contextmanager
def mounting(demo: gr.Blocks) -> Iterator[None]:
    """While the finished pages are mounted: described once."""
    with signatures_once(), patch.object(demo.default_config, "get_config", functools.cache(demo.default_config.get_config)):
        yield


@contextmanager
def signatures_once() -> Iterator[None]:
    kept = functools.lru_cache(4096)(inspect.signature)

    def signature(thing: Any, **how: Any) -> inspect.Signature:
        try:
            return kept(thing, **how)
        except TypeError:  # not hashable, or no signature: the real one says which
            return real(thing, **how)

    real = inspect.signature
    with patch.object(inspect, "signature", signature):
        yield
