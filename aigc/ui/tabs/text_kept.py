"""What a view of the Text tab made on this visit: listed below its panel, and brought back by a click."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from aigc import outputs
from aigc.ui import stops, visits
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.tabs import explore_files
from aigc.ui.tabs.text_panel import shown
from aigc.ui.telling import complaint, guarded, said
from aigc.ui.text import writing as text
from aigc.ui.text.telling import RETURNED
from aigc.words import Lang, Refusal, Words

MOST_KEPT, MOST_SHOWN = 24, 90  # results of a visit; characters of one in the list
Shown = tuple[Any, Any, Any, Any]  # the panel, the last result, the history, the list of it
SKIPPED = (gr.skip(),) * 3  # all but the panel
PICK_JS = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-kept]");
  if (button) trigger('pick', { i: Number(button.dataset.kept) });
});
"""


@dataclass
class Kept:
    """One result."""

    model: str
    setup: dict[str, Any]
    given: dict[str, str]  # what was typed beside the settings
    values: dict[str, Any]  # of the form
    text: str
    facts: str
    payload: str  # what the panel shows
    note: dict[str, Any]  # how it was made, for its file
    name: str  # of its file
    label: str = ""  # in the list; "": as the text begins
    made: bool = True  # whether any of it was generated
    cells: list[dict[str, Any]] = field(default_factory=list)  # of a grid: the values of each


def draw(page: Page, name: str, panel: gr.HTML) -> tuple[gr.State, gr.State, gr.HTML]:
    """Below the panel of a view: a button that saves the last result, and the list.  (the last, all of them, the list)

    `list.pick(...)` hears which of them is clicked.
    """
    last, history = gr.State(None, time_to_live=visits.lasting(page)), visits.state(page)
    with gr.Row(elem_classes=["aigc-x-saves", "aigc-x-waits"]):
        explore_files.button(page, page.t(text.SAVE), saved, [last])
    gr.HTML(f'<p class="aigc-history-title">{esc(page.t(text.HISTORY))}</p>', padding=False)
    every = gr.HTML(listed([], page.lang), js_on_load=PICK_JS, padding=False)

    def returned(kept: list[Kept]) -> dict[Any, Any]:
        return {panel: reshown(kept[0], page.lang, RETURNED), last: kept[0], every: listed(kept, page.lang)}

    visits.returns(page, f"text-{name}", history, [panel, last, every], returned)
    return last, history, every


def streamed(view: str, lang: Lang, make: Callable[[threading.Event], Iterator[Shown]], request: gr.Request) -> Iterator[Shown]:
    """What `make` yields, for one press of a button of `view`; what goes wrong becomes a sentence above the text.

    The next press ends it: what it has by then joins the history, and is no longer shown.
    """
    stop, run = stops.begun(view, request), secrets.token_hex(4)
    yield said(text.STARTING, lang, busy=True, run=run), *SKIPPED

    def complain(words: Words) -> Shown:
        return complaint(words, lang), *SKIPPED

    for now, last, history, listed in guarded(lambda: make(stop), complain):
        now = of_run(now, run)
        yield (gr.skip(), gr.skip(), history, listed) if stop.unwanted else (now, last, history, listed)


def of_run(told: Any, run: str) -> Any:
    """What the panel is shown, with the run that it belongs to: the panel tells the end of one from the beginning of the next."""
    return f'{{"run": "{run}", {told[1:]}' if isinstance(told, str) else told


def joined(kept: Kept, history: list[Kept], lang: Lang) -> tuple[Kept, list[Kept], str]:
    """What the three of `draw` become when there is one more.  The list itself grows: another result may be on its way into it."""
    history.insert(0, kept)
    del history[MOST_KEPT:]
    return kept, history, listed(history, lang)


def note_of(model: str, typed: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    """What the file of a continuation says of how it was made."""
    return {"task": "continue", "model": model, "prompt": typed["prompt"], "stops": typed["stops"].splitlines(), "settings": values}


def picked(kept: Sequence[Any], evt: gr.EventData) -> int | None:
    """Which of these a click in the browser means; None for nonsense."""
    i = evt._data.get("i") if isinstance(evt._data, dict) else None
    return i if isinstance(i, int) and 0 <= i < len(kept) else None


def reshown(kept: Kept, lang: Lang, status: Words = text.AGAIN) -> str:
    return shown({**json.loads(kept.payload), "status": status[lang], "busy": False})


def listed(kept: list[Kept], lang: Lang) -> str:
    """What this visit made, newest first."""
    buttons = "".join(
        f'<button type="button" data-kept="{i}" title="{esc(one.facts)}">{esc((one.label or one.text)[:MOST_SHOWN])}'
        f"<small>{esc(one.model) if one.made else ''}</small></button>"
        for i, one in enumerate(kept)
    )
    return f'<div class="aigc-w-history">{buttons or f"<p>{esc(text.HISTORY_EMPTY[lang])}</p>"}</div>'


def saved(kept: Kept | None) -> Any:
    """The text as a file that says that it was generated, and how.  Raises Refusal."""
    if kept is None:
        raise Refusal(text.NOTHING_YET)
    if not kept.made:
        raise Refusal(text.NOT_GENERATED)
    return outputs.writing(kept.text, note=kept.note, name=kept.name)
