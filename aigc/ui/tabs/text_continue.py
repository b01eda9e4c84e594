"""Text, Continue: a prompt written on token by token, or by three methods side by side."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc.knobs import as_values, read
from aigc.pretrained import Stopped, catalogue, clean
from aigc.pretrained.fit import is_zero_gpu
from aigc.pretrained.text.asked import TASKS, Continue, Method, Verb, given, habits, stop_words
from aigc.pretrained.text.prompts import onward
from aigc.ui import forms, stops
from aigc.ui.chooser import Chooser, first_of
from aigc.ui.page import Page
from aigc.ui.tabs import examples, text_kept
from aigc.ui.tabs.explore_room import QUIET, buttons
from aigc.ui.tabs.text_grid import Crossing, GridFold, older
from aigc.ui.tabs.text_kept import SKIPPED, Kept, Shown, joined, note_of, streamed
from aigc.ui.tabs.text_panel import SHOW_EVERY, column, facts_of, follow_window, form, panel, shown, silent, status_of, waited
from aigc.ui.telling import is_over, newest, said
from aigc.ui.text import writing as text
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Refusal

if TYPE_CHECKING:
    from aigc.pretrained.catalogue import Entry
    from aigc.pretrained.fit import Setup
    from aigc.pretrained.text.writing import Draft

NAME, VERSE = "continue", "verse"
WAYS = (Method.GREEDY, Method.SAMPLE, Method.BEAM)  # as they stand side by side
CONTINUATIONS = on_gpu("aigc.pretrained.text.run:continuations")
COMPARISONS = on_gpu("aigc.pretrained.text.run:comparisons", seconds=120)
STARTS = (("temperature", "0.5, 0.8, 1.2"), ("top_k", "5, 50"))  # of its grid
WARMED: set[str] = set()


class ContinueView:
    def __init__(self, page: Page):
        self.page, t = page, page.t
        with gr.Row(elem_classes=["aigc-train"], equal_height=False):
            with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
                gr.HTML(f"<p>{t(text.SAYS[NAME])}</p>", elem_classes=["aigc-x-says"], padding=False)
                self._draw_form()
            with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
                self.panel = panel(page, NAME)
                self.last, self.history, self.list = text_kept.draw(page, NAME, self.panel)
        self._wire()

    def _draw_form(self) -> None:
        t, lang = self.page.t, self.page.lang
        start = first_of(TASKS[Verb.CONTINUE])
        first = start.slug if start else ""
        self.prompt = gr.Textbox(
            t(text.EXAMPLE if first == VERSE else text.EXAMPLE_ANY), label=t(text.PROMPT), info=t(text.PROMPT_HELP), lines=3, max_lines=12,
            elem_classes=["aigc-prompt"], elem_id=f"text-{NAME}-prompt-{lang}",
        )  # fmt: skip
        self.examples: list[gr.Button] = []
        if first == VERSE:
            with gr.Row(elem_classes=["aigc-w-examples"]):
                self.examples = [gr.Button(some.strip(), size="sm", elem_classes=["aigc-begins"]) for some in text.SOME[lang]]
        self.form = forms.draw(lang, Continue, values=habits(Verb.CONTINUE, first), after={"sampling": self._draw_stops})
        self.form.widgets["shape"].visible = first == VERSE
        self.go, self.stop = buttons(self.page, text.GO[NAME], f"text-{NAME}-go-{lang}")
        with gr.Row(elem_classes=["aigc-w-examples"]):
            self.another = gr.Button(t(text.ANOTHER), size="sm", elem_classes=["aigc-begins"])
            self.compare = gr.Button(t(text.GO["compare"]), size="sm", elem_classes=["aigc-begins"], elem_id=f"text-compare-go-{lang}")
        self.grid = GridFold(self, NAME, Continue, STARTS, f"text-grid-{lang}")
        self.chooser = Chooser(self.page, TASKS[Verb.CONTINUE], "text-continue", anew=True)
        self.opener = gr.HTML("", js_on_load="trigger('click')", elem_classes=["aigc-opener"])

    def _draw_stops(self) -> None:
        self.stops = gr.Textbox("", label=self.page.t(text.STOPS), info=self.page.t(text.STOPS_HELP), lines=2, max_lines=8)

    def _wire(self) -> None:
        self.inputs: set[Component] = {self.prompt, self.stops, self.history, *self.chooser.inputs, *self.form.inputs}
        made: list[Component] = [self.panel, self.last, self.history, self.list]
        self.chooser.follows(self.go.click(self.run, self.inputs, made, trigger_mode="multiple", **QUIET))
        self.compare.click(self.run_all, self.inputs, made, trigger_mode="multiple", **QUIET)
        self.another.click(lambda: secrets.randbelow(2**31), None, self.form.widgets["seed"], **QUIET).then(self.run, self.inputs, made, **QUIET)
        self.stop.click(self.halt, None, None, **QUIET)
        for button, some in zip(self.examples, text.SOME[self.page.lang], strict=False):
            button.click(lambda some=some: some, None, self.prompt, **QUIET).then(self.run, self.inputs, made, **QUIET)
        back: list[Component] = [self.panel, self.last, self.prompt, self.stops, *self.chooser.outputs, *self.form.inputs]
        self.list.pick(self.again, self.history, back, **QUIET)  # type: ignore[attr-defined]
        self.grid.wire(made, back)
        self.panel.onward(self.goes_on, self.last, [*made, *back[2:]], **QUIET).success(self.run, self.inputs, made, **QUIET)  # type: ignore[attr-defined]
        self.chooser.model.input(self.other_model, self.chooser.model, self.form.inputs, **QUIET)
        self.chooser.opened.then(self.other_start, self.chooser.model, self.form.inputs, **QUIET)
        follow_window(self.form, self.chooser, TASKS[Verb.CONTINUE])
        self.opener.click(warm, self.chooser.model, None, **QUIET)  # type: ignore[attr-defined]

    # the events
    def run(self, given_: dict[Component, Any], request: gr.Request) -> Iterator[Shown]:
        """One press of the button: the wait, the tokens, and the text, which joins the history."""
        yield from streamed(NAME, self.page.lang, lambda stop: self._made(given_, stop, every=False), request)

    def run_all(self, given_: dict[Component, Any], request: gr.Request) -> Iterator[Shown]:
        yield from streamed(NAME, self.page.lang, lambda stop: self._made(given_, stop, every=True), request)

    def _made(self, given_: dict[Component, Any], stop: threading.Event, every: bool) -> Iterator[Shown]:
        from aigc.pretrained.text.writing import stopped

        lang, (entry, setup) = self.page.lang, self.chooser.chosen(given_)
        settings, prompt, words = self.asked(given_)
        run = (COMPARISONS if every else CONTINUATIONS)(prompt, settings, words, entry, stop=stop, setup=setup)
        drafts: list[Draft] = []
        try:
            for result in newest(run, SHOW_EVERY, lambda r: r[-1].is_final and len(r) == 3 if isinstance(r, list) else is_over(r)):
                if (wait := waited(result, lang)) is not None:
                    yield wait, *SKIPPED
                    continue
                drafts = result if isinstance(result, list) else [result]
                if not (done := drafts[-1].is_final and len(drafts) == (3 if every else 1)):
                    yield shown(self._payload(drafts, settings, entry, every, done)), *SKIPPED
        except Stopped:
            if not drafts:
                raise
            drafts = [*drafts[:-1], stopped(drafts[-1])]
        payload = shown(self._payload(drafts, settings, entry, every, True))
        kept = self._kept(given_, entry, setup, settings, prompt, drafts, payload)
        yield payload, *joined(kept, given_[self.history], lang)

    def asked(self, given_: Mapping[Component, Any]) -> tuple[Continue, str, tuple[str, ...]]:
        """What the form says.  Raises Refusal."""
        settings = read(Continue, forms.values(self.form, given_))
        return settings, given(given_[self.prompt]), stop_words(given_[self.stops])

    def crossing(self, given_: Mapping[Component, Any]) -> Crossing:
        """What its grid writes on.  Raises Refusal."""
        (settings, prompt, words), (entry, setup) = self.asked(given_), self.chooser.chosen(given_)
        typed = {"prompt": prompt, "stops": clean(str(given_[self.stops] or ""))}
        note = note_of(entry.slug, typed, as_values(settings))
        return Crossing(entry, setup, settings, prompt, typed, note, f"text-grid-{settings.seed}.md", words, remarks=self._remarks)

    def _remarks(self, written: str) -> list[str]:
        verdict = form(written, self.page.lang)
        return [(text.FORM_KEPT if verdict["kept"] else text.FORM_BROKEN)[self.page.lang]] if verdict else []

    def _payload(self, drafts: list[Draft], settings: Continue, entry: Entry, every: bool, done: bool) -> dict[str, Any]:
        lang, last = self.page.lang, drafts[-1]

        def unheard(i: int) -> tuple[str, ...]:
            return _silent(settings, WAYS[i : i + 1] if every else ())

        columns = [
            column(d, lang, WAYS[i].words[lang] if every else "", facts_of(d, settings, entry.slug, lang, unheard(i)) if done else "")
            for i, d in enumerate(drafts)
        ]
        if every:
            columns += [{"head": way.words[lang], "tokens": [], "before": last.before, "title": last.title} for way in WAYS[len(drafts) :]]
        share = len(last.tokens) / max(1, last.count)
        notes = list(dict.fromkeys(n[lang] for d in drafts for n in d.notes))
        about = {"made": True, "onward": done, "busy": not done, "status": status_of(last, lang), "progress": share, "notes": notes}
        return {"kind": "text", "columns": columns, **about}

    def _kept(
        self, given_: Mapping[Any, Any], entry: Entry, setup: Setup, settings: Continue, prompt: str, drafts: list[Draft], payload: str
    ) -> Kept:
        whole = "\n\n".join(f"{d.title}\n{d.whole}" if d.title else d.whole for d in drafts)
        facts = facts_of(drafts[-1], settings, entry.slug, self.page.lang, _silent(settings, WAYS if len(drafts) > 1 else ()))
        typed, values = {"prompt": prompt, "stops": clean(str(given_[self.stops] or ""))}, as_values(settings)
        note, name = note_of(entry.slug, typed, values), f"text-{settings.seed}.md"
        return Kept(entry.slug, as_values(setup), typed, values, whole, facts, payload, note, name)

    def halt(self, request: gr.Request) -> None:
        stops.stopped(NAME, request)

    def again(self, kept: list[Kept], evt: gr.EventData) -> dict[Any, Any]:
        """An older result: shown, and its settings in the form again."""
        return older(self, kept, evt)

    def goes_on(self, kept: Kept | None, evt: gr.EventData) -> dict[Any, Any]:
        """The form for a text that goes on from where another ends, or from something else that could have stood at a token of it."""
        told = evt._data if isinstance(evt._data, dict) else {}
        with forms.in_words(self.page.lang):
            one = self._example(told) if kept is None else kept
            if one is None or (from_ := _written(one, told)) is None:
                raise Refusal(text.NO_TEXT)
            column, written = from_
            values = {**one.values, **({"method": WAYS[column].value} if len(_columns(one)) > 1 else {})}
            prompt, shape = onward(one.given["prompt"], read(Continue, values).shape, one.model == VERSE, written)
            going = replace(one, given={**one.given, "prompt": prompt}, values={**values, "shape": shape.value})
        return {self.panel: said(text.OPENING, self.page.lang, busy=True), **self.filled(going, going.values)}

    def _example(self, told: Mapping[str, Any]) -> Kept | None:
        """The example that stands there, as long as nothing else does."""
        if not told.get("example") or (found := examples.found(f"text-{NAME}.{self.page.lang}")) is None:
            return None
        asked = found["asked"]
        return Kept(asked["model"], {}, asked["given"], asked["values"], "", "", json.dumps(found), {}, "")

    def filled(self, one: Kept, values: dict[str, Any]) -> dict[Any, Any]:
        """The form as it was for a result, with these settings."""
        with forms.in_words(self.page.lang):
            back: dict[Any, Any] = {self.prompt: one.given["prompt"], self.stops: one.given["stops"]}
            return back | self.chooser.fill(one.model, one.setup) | self._filled(one.model, values)

    def other_model(self, model: Any) -> dict[Any, Any]:
        """The form follows the model: what it is best at; only verse asks what it is given."""
        slug = catalogue.slug(TASKS[Verb.CONTINUE], str(model or ""))
        return self._filled(slug, habits(Verb.CONTINUE, slug))

    def other_start(self, model: Any) -> Any:
        """The same, where the page was opened with another model than the one it was drawn with."""
        return gr.skip() if self.chooser.first is None or model == self.chooser.first.slug else self.other_model(model)

    def _filled(self, model: str, values: dict[str, Any]) -> dict[Any, Any]:
        updates: dict[Any, Any] = forms.fill(self.form, values)
        updates[self.form.widgets["shape"]]["visible"] = model == VERSE
        return updates


def _columns(kept: Kept) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kept.payload).get("columns", [])
    return found


def _written(kept: Kept, told: Mapping[str, Any]) -> tuple[int, str] | None:
    """What a model wrote up to the token that is meant and, in its place, the alternative; without either all of it.  -> column, text

    None for nonsense.
    """
    try:
        places = [told[name] for name in ("column", "token", "other") if told.get(name) is not None]
        if not all(isinstance(i, int) and i >= 0 for i in places):
            return None
        column, *at = places
        tokens = _columns(kept)[column]["tokens"]
        if not at:
            return column, "".join(token[0] for token in tokens)
        token, other = at
        instead, *_, is_text = [*tokens[token][4][other], True][:4]
        return (column, "".join(t[0] for t in tokens[:token]) + instead) if is_text else None
    except (KeyError, IndexError, ValueError, TypeError):
        return None


def _silent(settings: Continue, ways: tuple[Method, ...]) -> tuple[str, ...]:
    """Settings that had no say, where the text was written in these ways instead of the one that was set."""
    return ("method", *silent(*ways)) if ways else silent(settings.method)


def warm(model: Any) -> None:
    """Somebody looks at the tab: the model that comes along is opened behind the scenes, so that its first word comes at once."""
    if model != VERSE or is_zero_gpu() or model in WARMED:
        return
    WARMED.add(model)
    threading.Thread(target=_warm, args=(model,), name="warming", daemon=True).start()


def _warm(model: str) -> None:
    from aigc.pretrained import catalogue
    from aigc.pretrained.text.run import warm

    try:
        warm(catalogue.find(TASKS[Verb.CONTINUE], model), threading.Event())
    except (Refusal, Stopped):  # whoever presses the button will be told
        WARMED.discard(model)
