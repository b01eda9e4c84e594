"""What a visit made in a view, given back when the page is loaded again: the browser's tab remembers the visit by a name of its own."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr
from gradio.components import Component

from aigc.ui.page import QUIET, Page

NAME = re.compile(r"[0-9a-f]{32}")
SECONDS, SECONDS_ALONE = 3600, 7 * 24 * 3600  # that results can be saved and brought back, after the last of them
MOST_ALONE = 32  # lists
CAME_JS = "trigger('came', { visit: aigc.visit() });"


class Made(list[Any]):
    """Results of a view, newest first.  (A plain list can only be referred to strongly.)"""


# Gradio forgets a State an hour after its page was left, and with it goes what nobody else holds.
KEPT: WeakValueDictionary[tuple[str, ...], Made] = WeakValueDictionary()
HELD: OrderedDict[tuple[str, ...], Made] = OrderedDict()  # of whoever sits at this machine alone, and may come back tomorrow


def state(page: Page) -> gr.State:
    """Where a view keeps what it made."""
    return gr.State(Made(), time_to_live=lasting(page))


def lasting(page: Page) -> int:
    """Seconds."""
    return SECONDS_ALONE if page.single_user else SECONDS


def returns(page: Page, view: str, made: gr.State, outputs: list[Component], show: Callable[[Made], dict[Any, Any]]) -> None:
    """When the view is drawn, `made` becomes what this visit made there before its page was loaded again, and `show` tells the rest of it."""

    def back(mine: Made, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        told = event._data if isinstance(event._data, dict) else {}
        before = given_back((page.owner(request), str(told.get("visit")), page.lang, view), mine, page.single_user)
        return {made: before, **(show(before) if before else {})}

    came = gr.HTML("", js_on_load=CAME_JS, padding=False, elem_classes=["aigc-opener"])
    came.came(back, made, [made, *outputs], **QUIET)  # type: ignore[attr-defined]


def given_back(key: tuple[str, ...], mine: Made, held: bool = False) -> Made:
    """What is kept for this owner, visit, language and view; from now on `mine`, where nothing is."""
    if not NAME.fullmatch(key[1]):
        return mine
    before = KEPT.setdefault(key, mine)
    if before is not mine:
        before[:0] = mine  # whoever pressed before the page had asked
    if held:
        HELD[key] = before
        HELD.move_to_end(key)
        while len(HELD) > MOST_ALONE:
            HELD.popitem(last=False)
    return before
