"""Gradio describes all pages of an application anew, and makes a whole web application of them, each time the `with` of a page ends,
and reads the signature of a class for each of its thousand components.  Only the last description counts, and signatures do not change.

`python app.py` has to answer within seconds on two cores; this halves what Gradio takes of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import gradio as gr
from gradio.routes import App


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
