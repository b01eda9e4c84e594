"""Text, Summarise: a model's summary beside one made of the text's own sentences, and both beside a reference."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc.knobs import as_values, read
from aigc.pretrained import Stopped, hub
from aigc.pretrained.text.asked import TASKS, Summarise, Verb, given, short
from aigc.pretrained.text.given import KINDS
from aigc.ui import forms, stops
from aigc.ui.chooser import Chooser
from aigc.ui.page import Page
from aigc.ui.tabs import text_kept
from aigc.ui.tabs.explore_room import QUIET, buttons
from aigc.ui.tabs.text_grid import Crossing, GridFold, older
from aigc.ui.tabs.text_kept import SKIPPED, Kept, Shown, joined, streamed
from aigc.ui.tabs.text_panel import SHOW_EVERY, facts_of, panel, shown, status_of, waited
from aigc.ui.telling import newest
from aigc.ui.text import writing as text
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Lang, Words

if TYPE_CHECKING:
    from aigc.pretrained.catalogue import Entry
    from aigc.pretrained.text.summarise import Summary

NAME = "summarise"
STARTS = (("words", "40, 80, 160"), ("window", "512, 1024"))  # of its grid
SUMMARIES = on_gpu("aigc.pretrained.text.run:summaries", seconds=120)


class SummariseView:
    def __init__(self, page: Page):
        self.page, t = page, page.t
        with gr.Row(elem_classes=["aigc-train"], equal_height=False):
            with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
                gr.HTML(f"<p>{t(text.SAYS[NAME])}</p>", elem_classes=["aigc-x-says"], padding=False)
                self.given = gr.Textbox(
                    t(text.LONG_TEXT), label=t(text.TEXT), lines=8, max_lines=16, elem_classes=["aigc-prompt"], elem_id=f"text-{NAME}-{page.lang}"
                )
                self.file = gr.UploadButton(t(text.UPLOAD), file_types=list(KINDS), size="sm")
                self.form = forms.draw(page.lang, Summarise)
                self.reference = gr.Textbox("", label=t(text.REFERENCE), info=t(text.REFERENCE_HELP), lines=2, max_lines=8)
                self.go, self.stop = buttons(page, text.GO[NAME], f"text-{NAME}-go-{page.lang}")
                self.grid = GridFold(self, NAME, Summarise, STARTS, f"text-{NAME}-grid-{page.lang}")
                self.chooser = Chooser(page, TASKS[Verb.SUMMARISE], "text-summarise", anew=True)
            with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
                self.panel = panel(page, NAME)
                self.last, self.history, self.list = text_kept.draw(page, NAME, self.panel)
        self.inputs: set[Component] = {self.given, self.reference, self.history, *self.chooser.inputs, *self.form.inputs}
        made: list[Component] = [self.panel, self.last, self.history, self.list]
        self.chooser.follows(self.go.click(self.run, self.inputs, made, trigger_mode="multiple", **QUIET))
        back = [self.panel, self.last, self.given, self.reference, *self.chooser.outputs, *self.form.inputs]
        self.list.pick(self.again, self.history, back, **QUIET)  # type: ignore[attr-defined]
        self.grid.wire(made, back)
        self.stop.click(self.halt, None, None, **QUIET)
        self.file.upload(self.uploaded, self.file, self.given, **QUIET)

    def uploaded(self, path: str | None) -> str:
        from aigc.pretrained.text.given import text_of

        with forms.in_words(self.page.lang):
            return text_of(path or "")

    def run(self, given_: dict[Component, Any], request: gr.Request) -> Iterator[Shown]:
        yield from streamed(NAME, self.page.lang, lambda stop: self._made(given_, stop), request)

    def crossing(self, given_: Mapping[Component, Any]) -> Crossing:
        """What its grid summarises.  Raises Refusal."""
        lang, whole, reference = self.page.lang, given(given_[self.given], "text"), short(given_[self.reference], "text")
        settings, (entry, setup) = read(Summarise, forms.values(self.form, given_)), self.chooser.chosen(given_)

        def remarks(summary: str) -> list[str]:
            return [_length(summary, lang), *_scores(summary, reference, lang)]

        typed = {"text": whole, "reference": reference}
        return Crossing(entry, setup, settings, whole, typed, _note(entry, settings), "summary-grid.md", remarks=remarks)

    def _made(self, given_: dict[Component, Any], stop: threading.Event) -> Iterator[Shown]:
        """The sentences at once, then the model's summary beside them."""
        from aigc.pretrained.text.extract import extract
        from aigc.pretrained.text.writing import stopped

        lang, whole = self.page.lang, given(given_[self.given], "text")
        settings, reference = read(Summarise, forms.values(self.form, given_)), short(given_[self.reference], "text")
        (entry, setup), found = self.chooser.chosen(given_), extract(whole, settings.words)
        told = text.EXTRACTED.fill(kept=len(found.sentences), of=found.of, n=_size(found.text), unit=_unit(found.text))
        beside = _column(text.BY_EXTRACT[lang], found.text, told[lang], reference, lang)
        kept = Kept(entry.slug, as_values(setup), {"text": whole, "reference": reference}, as_values(settings), found.text, told[lang], "", {},
                    name="summary.md", made=False)  # fmt: skip
        if hub.here(entry) is None:
            yield self._joined(kept, self._shown([beside], reference, text.NO_SUMMARISER[lang], made=False), given_)
            return
        yield self._shown([_column(entry.title[lang], "", "", "", lang), beside], reference, text.OPENING[lang], busy=True), *SKIPPED
        summary: Summary | None = None
        ended = None
        try:
            for result in newest(SUMMARIES(whole, settings, entry, stop=stop, setup=setup), SHOW_EVERY):
                if (wait := waited(result, lang)) is not None:
                    yield wait, *SKIPPED
                    continue
                summary = result
                status = (text.WINDOW.fill(i=summary.window, n=summary.windows)[lang] if summary.window else "") + status_of(summary.draft, lang)
                column = _column(entry.title[lang], summary.draft.text, "", "", lang)
                yield self._shown([column, beside], reference, status, busy=True), *SKIPPED
        except Stopped:
            if summary is None:
                raise
            ended = stopped(summary.draft)
        assert summary is not None
        yield self._final(summary, ended or summary.draft, entry, settings, kept, beside, given_)

    def _final(
        self, summary: Summary, draft: Any, entry: Entry, settings: Summarise, kept: Kept, beside: dict[str, Any], given_: dict[Component, Any]
    ) -> Shown:
        lang, reference = self.page.lang, kept.given["reference"]
        parts = [_length(draft.text, lang)]
        parts += [text.WINDOWS.fill(n=summary.windows)[lang]] if summary.windows > 1 else []
        facts = " · ".join([*parts, facts_of(draft, settings, entry.slug, lang)])
        kept = replace(kept, text=draft.text, facts=facts, note=_note(entry, settings), made=True)
        column = _column(entry.title[lang], draft.text, facts, reference, lang)
        return self._joined(kept, self._shown([column, beside], reference, status_of(draft, lang)), given_)

    def _joined(self, kept: Kept, payload: str, given_: dict[Component, Any]) -> Shown:
        return payload, *joined(replace(kept, payload=payload), given_[self.history], self.page.lang)

    def again(self, kept: list[Kept], evt: gr.EventData) -> dict[Any, Any]:
        """An older summary: shown, with its text and its settings in the form again."""
        return older(self, kept, evt)

    def filled(self, one: Kept, values: dict[str, Any]) -> dict[Any, Any]:
        """The form as it was for a result, with these settings."""
        with forms.in_words(self.page.lang):
            back: dict[Any, Any] = {self.given: one.given["text"], self.reference: one.given["reference"]}
            return back | self.chooser.fill(one.model, one.setup) | forms.fill(self.form, values)

    def _shown(self, columns: list[dict[str, Any]], reference: str, status: str, busy: bool = False, made: bool = True) -> str:
        notes = [self.page.t(text.ROUGE_HELP)] if reference.strip() else []
        return shown({"kind": "text", "columns": columns, "status": status, "busy": busy, "made": made, "notes": notes, "plain": True})

    def halt(self, request: gr.Request) -> None:
        stops.stopped(NAME, request)


def _note(entry: Entry, settings: Summarise) -> dict[str, Any]:
    """What the file of a summary says of how it was made."""
    return {"task": NAME, "model": entry.slug, "settings": as_values(settings)}


def _column(head: str, summary: str, facts: str, reference: str, lang: Lang) -> dict[str, Any]:
    """A summary, and how much of the reference it has."""
    scored = "\n".join(filter(None, [*_scores(summary, reference, lang), facts]))
    return {"head": head, "title": "", "before": "", "text": summary, "tokens": [], "facts": scored}


def _scores(summary: str, reference: str, lang: Lang) -> list[str]:
    from aigc.pretrained.text.rouge import rouge

    return [text.ROUGE.fill(**rouge(summary, reference))[lang]] if reference.strip() and summary.strip() else []


def _length(summary: str, lang: Lang) -> str:
    return text.SUMMED.fill(n=_size(summary), unit=_unit(summary))[lang]


def _size(summary: str) -> int:
    from aigc.pretrained.text.extract import measured

    return measured(summary)


def _unit(summary: str) -> Words:
    from aigc.pretrained.text.extract import is_chinese

    return text.unit(is_chinese(summary))
