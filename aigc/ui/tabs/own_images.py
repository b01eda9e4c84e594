"""One's own images: added, shown as a model will see them, and only then made a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from aigc.data import own
from aigc.ui import gallery
from aigc.ui.forms import in_words
from aigc.ui.guard import PUBLIC_UPLOAD_LIMIT
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.text import data as text
from aigc.words import Refusal, Words

KINDS = [".png", ".jpg", ".jpeg", ".webp", ".zip"]
SHOWN, LISTED = 48, 12  # pictures; files that were left out
PUBLIC_SETS = 3  # for each visitor of a public page


def draw(page: Page, data: gr.Radio, refreshed: Callable[[str, gr.Request], dict[str, Any]]) -> Dependency:
    """Gives the event that adds a set, for what should follow it."""
    t = page.t
    intro = t(text.OWN_INTRO.fill(least=own.LEAST))
    if page.public:
        intro += " " * (page.lang == "en") + t(text.PUBLIC_INTRO.fill(mb=PUBLIC_UPLOAD_LIMIT // 10**6))
    with gr.Row(equal_height=False, elem_classes=["aigc-split"]):
        with gr.Column(scale=0, min_width=300, elem_classes=["aigc-left"]):
            gr.HTML(f'<p class="aigc-note">{esc(intro)}</p>')
            files = gr.File(label=t(text.FILES), file_count="multiple", file_types=KINDS, height=180, elem_id="own-files")
            side = gr.Radio(list(own.SIDES), value=own.SIDES[0], label=t(text.SIDE), info=t(text.SIDE_HELP), elem_id="own-side")
            name = gr.Textbox(label=t(text.NAME), max_length=60, elem_id="own-name")
            use = gr.Button(t(text.USE), variant="primary", interactive=False, elem_id="own-use")
        with gr.Column(scale=1, min_width=320, elem_classes=["aigc-right"]):
            panel = gr.HTML(_nothing(page), elem_id="own-preview")
    inputs: set[Component] = {files, side, name}
    quiet: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private", "concurrency_limit": 2, "concurrency_id": "pictures"}

    def looked_at(given: dict[Component, Any]) -> dict[Component, Any]:
        """Read them once just to see: nothing is kept."""
        paths = _paths(given[files])
        if not paths:
            return {panel: _nothing(page), use: gr.update(interactive=False)}
        with in_words(page.lang):
            html, count = _preview(paths, _side(given[side]), page)
        return {panel: html, use: gr.update(interactive=count >= own.LEAST)}

    def used(given: dict[Component, Any], request: gr.Request) -> dict[Component, Any]:
        owner = page.owner(request)
        with in_words(page.lang):
            if page.public and len(own.sets(owner)) >= PUBLIC_SETS:
                raise Refusal(text.FULL, n=PUBLIC_SETS)
            spec = own.add(str(given[name] or ""), _paths(given[files]), _side(given[side]), owner)
        gr.Info(esc(page.t(text.ADDED.fill(title=spec.title, n=spec.count))))
        return {panel: _nothing(page), files: None, name: "", use: gr.update(interactive=False), data: refreshed(spec.name, request)}

    files.change(looked_at, inputs, {panel, use}, **quiet)
    side.input(looked_at, inputs, {panel, use}, **quiet)
    return use.click(used, inputs, {panel, files, name, use, data}, **quiet)


def _paths(uploaded: list[str] | None) -> list[Path]:
    return [Path(p) for p in uploaded or []]


def _side(value: object) -> int:
    return value if type(value) is int else 0  # 0 is refused by `own`


def _nothing(page: Page) -> str:
    return f'<p class="aigc-waiting">{esc(page.t(text.NOTHING_YET))}</p>'


def _preview(paths: list[Path], side: int, page: Page) -> tuple[str, int]:
    """(what came of the files, as HTML; how many pictures).  Raises Refusal."""
    from aigc.data.uploads import read_pictures

    if side not in own.SIDES:
        raise Refusal(own.WRONG_SIDE, sides=" / ".join(map(str, own.SIDES)), side=side)
    pictures, left_out, _ = read_pictures(paths, side)
    n = len(pictures)
    words = text.READY.fill(n=n) if n >= own.LEAST else text.TOO_FEW.fill(n=n, least=own.LEAST)
    sheet = gallery.sheet(pictures[:SHOWN], [page.t(text.EXAMPLE)] * min(n, SHOWN)) if n else ""
    return f'<p class="aigc-lead">{esc(page.t(words))}</p><div class="aigc-one-sheet">{sheet}</div>{_left_out(left_out, page)}', n


def _left_out(files: list[tuple[str, Words]], page: Page) -> str:
    if not files:
        return ""
    lines = [f"<li><b>{esc(name)}</b> {esc(page.t(why))}</li>" for name, why in files[:LISTED]]
    if len(files) > LISTED:
        lines.append(f"<li>{esc(page.t(text.AND_MORE.fill(n=len(files) - LISTED)))}</li>")
    return f'<h3>{esc(page.t(text.LEFT_OUT.fill(n=len(files))))}</h3><ul class="aigc-left-out">{"".join(lines)}</ul>'
