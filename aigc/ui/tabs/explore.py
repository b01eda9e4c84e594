"""Explore: look closely at what a model has learnt, finished or still learning."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr
from gradio.context import Context

from aigc.knobs import knobs
from aigc.techniques import TechniqueInfo
from aigc.ui.document import ADDRESS
from aigc.ui.page import Page
from aigc.ui.studio.subjects import Subject, subject, subjects
from aigc.ui.tabs import explore_files, explore_plane, explore_rebuild, explore_sample
from aigc.ui.tabs.explore_room import QUIET, Room
from aigc.ui.text import explore as text
from aigc.ui.text.live import duration, images
from aigc.words import Lang, Refusal

HERE = "explore"  # what ?view= says


def draw(page: Page, info: TechniqueInfo) -> None:
    """Inside the tab of this view."""
    tab = Context.block
    with gr.Row(elem_classes=["aigc-x-model"], equal_height=False):
        model = gr.Dropdown([], label=page.t(text.MODEL), info=page.t(text.MODEL_HELP), filterable=False, scale=2, min_width=280)
        with gr.Column(scale=3, min_width=280):
            facts = gr.HTML("", elem_classes=["aigc-x-facts"], padding=False)
            explore_files.of_model(page, info, model)
    room = Room(page, info, model, facts)
    room.follows(facts, lambda this: _facts(this, page.lang))
    with gr.Tabs(elem_id=f"explore-{info.slug}"):
        for name in views_of(info):
            with gr.Tab(page.t(text.VIEWS[name]), id=name) as view:
                DRAWN[name](room, view)
    _wire(room, tab)


DRAWN = {
    "sample": explore_sample.draw_samples,
    "between": explore_sample.draw_between,
    "plane": explore_plane.draw,
    "rebuild": explore_rebuild.draw_rebuilt,
    "path": explore_rebuild.draw_path,
}


def views_of(info: TechniqueInfo) -> list[str]:
    """A technique that goes in steps shows its way; one that encodes at once shows what comes back."""
    encodes = ["path" if "steps" in knobs(info.Sampling) else "rebuild"] if info.can_encode else []
    return ["sample", "between", *(["plane"] if info.latent_plane else []), *encodes]


def _wire(room: Room, tab: Any) -> None:
    info, model = room.info, room.model
    known = gr.State([])  # keys that were in the list; what is new is chosen
    meant = gr.Textbox(visible="hidden")  # what a link of this page names; only the browser fills it

    def came(current: Any, seen: list[str], named: Any, request: gr.Request) -> tuple[Any, list[str]]:
        """A link may have named a model; the first time, the page's address may name one or a run."""
        if isinstance(named, str) and named:
            return _listed(room, None, seen, named)
        query = request.query_params
        if seen or query.get("tab") != info.slug or query.get("view") != HERE:
            return _listed(room, current, seen)
        wanted = f"run:{query['run']}" if query.get("run") else f"model:{query['model']}" if query.get("model") else None
        return _listed(room, None, [], wanted)

    def looked(current: Any) -> Any:
        """The list as it is now, when somebody opens it; nothing else changes."""
        return _listed(room, current, [s.key for s in subjects(info)])[0]

    def moved(key: Any) -> list[Any]:
        """Another model: everything that depends on it follows."""
        try:
            this: Subject | None = subject(info, key) if key else None
        except Refusal:
            this = None
        return [how(this) for _, how in room.follow]

    told = gr.HTML("", js_on_load=TOLD_JS.replace("SLUG", info.slug), elem_classes=["aigc-opener"])
    js = f"(current, seen, _) => [current, seen, window.aigc?.meant?.('{info.slug}') ?? '']"
    gr.on([tab.select, told.click], came, [model, known, meant], [model, known], js=js, **QUIET)
    model.focus(looked, model, model, **QUIET)
    model.change(moved, model, [component for component, _ in room.follow], **QUIET)
    model.input(None, model, None, js=LINKED, **QUIET)


def _listed(room: Room, current: Any, seen: list[str], wanted: str | None = None) -> tuple[Any, list[str]]:
    """The list of models, and which is chosen: the one wanted, else what is new, else the one that was.  -> the list, its keys"""
    found = subjects(room.info)
    keys = [this.key for this in found]
    if wanted and wanted not in keys:
        try:
            named = subject(room.info, wanted)  # an older run that a link names, or the model that it became
            wanted = named.key
            found = found if wanted in keys else [named, *found]
        except Refusal:
            wanted = None
    fresh = next((key for key in keys[:1] if key not in seen), None)
    value = wanted or fresh or (current if current in keys else next(iter(keys), None))
    return gr.update(choices=[(this.words[room.lang], this.key) for this in found], value=value), keys


# A link named another model while this view was shown: nothing selects it then.
TOLD_JS = "addEventListener('aigc-told', ({ detail }) => detail.tab === 'SLUG' && detail.view === 'explore' && trigger('click'));"
# The address names what is shown, so that it can be sent to somebody.
LINKED = """(key) => {
  const [kind, name] = (key || "").split(":");
  window.aigc?.linked?.({ model: kind === "model" ? name : null, run: kind === "run" ? name : null });
}"""


def _facts(this: Subject | None, lang: Lang) -> str:
    """What the model is, in a line, with its first figure and the way to the others; everything in it may come from a stranger's card."""
    if this is None:
        return f"<p>{html.escape(text.NONE[lang])}</p>"
    card = this.card
    parts = [this.spec.title, images(card.images, this.spec.is_points), duration(card.seconds)]
    said = [html.escape(p[lang]) for p in parts]
    said += [html.escape(f"{name}: {value:.4g}") for name, value in [*card.figures(lang).items()][:1]]
    if not this.is_run:
        address = f"{ADDRESS[lang]}?tab=evaluate&amp;model={html.escape(this.name)}"
        said.append(f'<a href="{address}">{html.escape(text.HOW_GOOD[lang])}</a>')
    return f'<p class="aigc-x-facts">{" · ".join(said)}</p>'
