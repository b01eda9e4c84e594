"""Endpoints for programs that stream: Gradio tells a program the types of what a function returns, and a generator returns nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

Stream = TypeVar("Stream", bound=Callable[..., Iterator[Any]])


def typed(function: Stream) -> Stream:
    """Lets `gr.api` see what the generator yields in the place of what it returns."""
    told = inspect.signature(function, eval_str=True)
    (each,) = get_args(told.return_annotation)
    function.__signature__ = told.replace(return_annotation=each)  # type: ignore[attr-defined]
    return function
