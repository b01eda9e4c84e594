"""Models: everything trained here or shipped with the project; one card at a time, several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc import registry
from aigc.registry import Entry
from aigc.techniques import techniques
from aigc.ui import model_card
from aigc.ui.forms import in_words
from aigc.ui.markup import esc
from aigc.ui.page import QUIET, Page, from_js
from aigc.ui.tabs.compare import Compare
from aigc.ui.text import models as text
from aigc.words import Refusal, Words

MOST_COMPARED = 6
# Somebody looks, or a link named a model.
OPENER_JS = "trigger('click'); addEventListener('aigc-told', ({ detail }) => detail.tab === 'models' && trigger('click'));"
# The table tells what was meant, {"open": slug} or {"sort": column}, and always which boxes it shows and which of them are ticked.
# All of it is read when the event is sent: of what is pressed while the page still answers, Gradio sends the first event's data anew.
TABLE_JS = """
const told = (meant) => {
  const boxes = [...element.querySelectorAll('[data-pick]')];
  const slugs = (some) => some.map((box) => box.dataset.pick);
  window.aigc.pressed = { ...meant, boxes: slugs(boxes), ticked: slugs(boxes.filter((box) => box.checked)) };
  trigger('input');
};
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-open], [data-sort]');
  if (button?.dataset.open) window.aigc.linked({ model: button.dataset.open });
  if (button) told({ open: button.dataset.open || '', sort: button.dataset.sort || '' });
});
element.addEventListener('change', (event) => event.target.dataset.pick && told({}));"""
PRESSED_JS = "(...given) => [...given.slice(0, -1), JSON.stringify(window.aigc.pressed)]"


def draw(page: Page) -> None:
    Models(page)


class Models:
    def __init__(self, page: Page):
        self.page, t = page, page.t
        self.chosen, self.picked, self.sort = gr.State(""), gr.State([]), gr.State(("created", True))
        with gr.Row(equal_height=False, elem_classes=["aigc-models"]):
            with gr.Column(min_width=320, elem_classes=["aigc-left"]):
                with gr.Row(elem_classes=["aigc-filters"]):
                    self.words = gr.Textbox(label=t(text.FILTER), placeholder=t(text.FILTER_HINT), max_length=100, elem_id="models-filter")
                    kinds = [(t(info.title), slug) for slug, info in techniques().items()]
                    self.technique = gr.Dropdown([(t(text.ALL), ""), *kinds], value="", label=t(text.TECHNIQUE), filterable=False)
                    self.data = gr.Dropdown([(t(text.ALL), "")], value="", label=t(text.DATA), filterable=False)
                self.shown = gr.HTML("", js_on_load=OPENER_JS, elem_classes=["aigc-opener"])
                self.table = gr.HTML("", js_on_load=TABLE_JS, elem_id="models-table")
                self._draw_import()
            with gr.Column(min_width=320, elem_classes=["aigc-right"], elem_id="models-card"):
                self.card = gr.HTML(self._no_card())
                self._draw_actions()
        self.compare = Compare(page)
        self.pressed = gr.Textbox(visible="hidden")  # what was pressed in the table; drawn last, so it is the last of a set of inputs
        self._wire()

    def _draw_actions(self) -> None:
        t = self.page.t
        with gr.Column(visible=False) as self.actions:
            with gr.Row(elem_classes=["aigc-buttons"]):
                self.verify = gr.Button(t(text.VERIFY), size="sm")
            self.said = gr.HTML("")
            with gr.Accordion(t(text.MANAGE), open=False, elem_classes=["aigc-fold"]):
                self.name = gr.Textbox(label=t(text.NAME), info=t(text.NAME_HELP), max_length=63, elem_id="model-name")
                with gr.Row(elem_classes=["aigc-buttons"]):
                    self.rename = gr.Button(t(text.RENAME), size="sm")
                    self.delete = gr.Button(t(text.DELETE), size="sm", variant="stop")
                    self.sure = gr.Button(t(text.SURE), size="sm", variant="stop", visible=False)
                    self.keep = gr.Button(t(text.KEEP), size="sm", visible=False)
            with gr.Accordion(t(text.HUB), open=False, elem_classes=["aigc-fold"]):
                if self.page.public:
                    gr.HTML(f'<p class="aigc-note">{esc(t(text.NO_PUBLISHING))}</p>')
                self.repo = gr.Textbox(label=t(text.REPO), placeholder=t(text.REPO_HINT), max_length=200, visible=not self.page.public)
                self.token = gr.Textbox(
                    label=t(text.TOKEN), info=t(text.TOKEN_HELP), type="password", max_length=200, visible=not self.page.public,
                    html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
                )  # fmt: skip
                self.private = gr.Checkbox(True, label=t(text.PRIVATE), visible=not self.page.public)
                self.push = gr.Button(t(text.PUSH), size="sm", visible=not self.page.public)

    def _draw_import(self) -> None:
        t = self.page.t
        with gr.Accordion(t(text.IMPORT), open=False, elem_classes=["aigc-fold"], visible=not self.page.public):
            gr.HTML(f'<p class="aigc-note">{esc(t(text.IMPORT_HELP))}</p>')
            self.file = gr.File(label="zip", file_types=[".zip"], height=120, elem_id="models-import")

    def _wire(self) -> None:
        filters: set[Component] = {self.words, self.technique, self.data, self.chosen, self.picked, self.sort}
        asking = [self.delete, self.sure, self.keep]
        whole: set[Any] = {*filters, self.table, self.card, self.actions, self.name, self.said, *asking, *self.compare.outputs}
        self.shown.click(self.opened, filters, whole, **QUIET)
        self.table.input(self.told, filters | {self.pressed}, whole, js=PRESSED_JS, trigger_mode="always_last", **QUIET)
        for widget, event in ((self.words, "change"), (self.technique, "input"), (self.data, "input")):
            getattr(widget, event)(self.filtered, filters, {self.table}, trigger_mode="always_last", **QUIET)
        self.verify.click(self.verified, filters, {self.said}, **QUIET)
        self.rename.click(self.renamed, filters | {self.name}, whole, **QUIET)
        self.delete.click(lambda: [gr.update(visible=v) for v in (False, True, True)], None, asking, **QUIET)
        self.keep.click(lambda: [gr.update(visible=v) for v in (True, False, False)], None, asking, **QUIET)
        gone = self.sure.click(self.deleted, filters, whole, **QUIET)
        gone.then(lambda: [gr.update(visible=v) for v in (True, False, False)], None, asking, **QUIET)
        self.push.click(self.pushed, {self.chosen, self.repo, self.token, self.private}, {self.token, self.said}, **QUIET)
        self.file.upload(self.imported, filters | {self.file}, whole | {self.file}, **QUIET).failure(lambda: None, None, self.file, **QUIET)
        self.compare.wire(self.picked)

    # the events
    def opened(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """The first look, at the model that the address names, or at the newest."""
        asked = request.query_params.get("model", "") if request.query_params.get("tab") == "models" else ""
        newest = next((e.slug for e in registry.entries()), "")
        return self._whole({**given, self.chosen: asked or given[self.chosen] or newest}, request)

    def told(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """A name, a box or a column head was pressed in the table."""
        meant = from_js(given[self.pressed])
        boxes, ticked = (_slugs(meant.get(part)) for part in ("boxes", "ticked"))
        before = given[self.picked]
        picked = [s for s in before if s not in boxes or s in ticked] + [s for s in ticked if s not in before]
        given[self.picked] = picked[-MOST_COMPARED:]
        if len(picked) > MOST_COMPARED:
            gr.Info(esc(self.page.t(text.MOST.fill(n=MOST_COMPARED))))
        if isinstance(slug := meant.get("open"), str) and slug:
            return self._whole({**given, self.chosen: slug}, request)
        compared = {} if given[self.picked] == before else {self.picked: given[self.picked], **self.compare.shown(given[self.picked], request)}
        if isinstance(column := meant.get("sort"), str) and column in model_card.SORTS:
            now, falling = given[self.sort]
            given[self.sort] = (column, not falling if column == now else column in ("created", "images", "seconds"))
            return {self.sort: given[self.sort], self.table: self._table(given), **compared}
        # A box that was ticked shows it already: drawing the table anew could take back one that was ticked meanwhile.
        return {self.table: self._table(given) if len(picked) > MOST_COMPARED else gr.skip(), **compared}

    def filtered(self, given: dict[Component, Any]) -> dict[Any, Any]:
        return {self.table: self._table(given)}

    def verified(self, given: dict[Component, Any]) -> dict[Any, Any]:
        with in_words(self.page.lang):
            found = self._entry(given)
            problems = registry.verify(found.slug)
        why = Words("; ".join(p.en for p in problems), "；".join(p.zh for p in problems))
        words = text.DAMAGED.fill(name=found.card.name, why=why) if problems else text.WHOLE.fill(name=found.card.name)
        return {self.said: f'<p role="status"{" class=aigc-bad" * bool(problems)}>{esc(self.page.t(words))}</p>'}

    def renamed(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with in_words(self.page.lang):
            new = registry.rename(self._mine(given, request).slug, str(given[self.name] or "").strip())
        gr.Info(esc(self.page.t(text.RENAMED.fill(name=new.slug))))
        return self._whole({**given, self.chosen: new.slug}, request)

    def deleted(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with in_words(self.page.lang):
            found = self._mine(given, request)
            registry.delete(found.slug)
        gr.Info(esc(self.page.t(text.DELETED.fill(name=found.card.name))))
        return self._whole({**given, self.chosen: "", self.picked: [s for s in given[self.picked] if s != found.slug]}, request)

    def pushed(self, given: dict[Component, Any]) -> dict[Any, Any]:
        with in_words(self.page.lang):
            if self.page.public:
                raise Refusal(text.NO_PUBLISHING)
            url = registry.push_to_hub(
                self._entry(given).slug, str(given[self.repo] or ""), str(given[self.token] or ""), private=given[self.private] is not False
            )
        link = f'<a href="{esc(url)}" target="_blank" rel="noopener">{esc(url)}</a>' if url.startswith("https://") else esc(url)
        return {self.token: "", self.said: f'<p role="status">{esc(self.page.t(text.PUSHED.fill(url="")))}{link}</p>'}

    def imported(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with in_words(self.page.lang):
            if self.page.public:
                raise Refusal(text.NOT_HERE)
            new = registry.import_(Path(given[self.file]), self.page.owner(request))
        gr.Info(esc(self.page.t(text.IMPORTED.fill(name=new.slug))))
        return {self.file: None, **self._whole({**given, self.chosen: new.slug}, request)}

    # what they show
    def _whole(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        there = {e.slug: e for e in registry.entries()}
        found = there.get(given[self.chosen])
        given = {**given, self.chosen: found.slug if found else "", self.picked: [s for s in given[self.picked] if s in there]}
        names = {e.card.data: model_card.data_title(e.card.spec, e.card.data) for e in there.values()}
        data = [(self.page.t(text.ALL), ""), *((self.page.t(words), name) for name, words in names.items())]
        return {
            self.chosen: given[self.chosen],
            self.picked: given[self.picked],
            self.data: gr.update(choices=data),
            self.table: self._table(given),
            self.card: model_card.card(found, self.page.lang) if found else self._no_card(),
            self.actions: gr.update(visible=found is not None),
            self.name: found.slug if found else "",
            self.said: "",
            # a "yes" that was asked for one model must not stand there for the next
            self.delete: gr.update(visible=True),
            self.sure: gr.update(visible=False),
            self.keep: gr.update(visible=False),
            **self.compare.shown(given[self.picked], request),
        }

    def _table(self, given: dict[Component, Any]) -> str:
        t, there = self.page.t, registry.entries()
        wanted = [str(given[w] or "") for w in (self.words, self.technique, self.data)]
        models = [e for e in there if model_card.matches(e, wanted[0], wanted[1], wanted[2])]
        broken = "".join(f'<p class="aigc-bad">{esc(t(text.BROKEN.fill(name=name, why=why)))}</p>' for name, why in registry.broken().items())
        if not models:
            return f'<p class="aigc-empty">{esc(t(text.NO_MATCH if there else text.NONE))}</p>{broken}'
        column, falling = given[self.sort]
        return model_card.table(models, column, falling, given[self.chosen], given[self.picked], self.page.lang) + broken

    def _no_card(self) -> str:
        return f'<p class="aigc-waiting">{esc(self.page.t(text.CHOOSE))}</p>'

    # whose it is
    def _entry(self, given: dict[Component, Any]) -> Entry:
        """Raises Refusal."""
        if not given[self.chosen]:
            raise Refusal(text.CHOOSE_FIRST)
        return registry.entry(given[self.chosen])

    def _mine(self, given: dict[Component, Any], request: gr.Request) -> Entry:
        """The chosen model, if this visitor may change it.  Raises Refusal."""
        found = self._entry(given)
        if not self.page.single_user and found.card.owner != self.page.owner(request):
            raise Refusal(text.NOT_YOURS, name=found.card.name)
        return found


def _slugs(told: Any) -> list[str]:
    return [s for s in told if isinstance(s, str)] if isinstance(told, list) else []
