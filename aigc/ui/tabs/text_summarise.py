"""Text, Summarise: a model's summary beside one made of the text's own sentences, and both beside a reference."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc import outputs
from aigc.knobs import as_values, read
from aigc.pretrained import Stopped, hub
from aigc.pretrained.text.asked import TASKS, Summarise, Verb, given, short
from aigc.pretrained.text.given import KINDS
from aigc.ui import forms, stops
from aigc.ui.chooser import Chooser
from aigc.ui.page import Page
from aigc.ui.tabs import explore_files
from aigc.ui.tabs.explore_room import KEEP_SECONDS, QUIET, buttons
from aigc.ui.tabs.text_panel import AT_ONCE, SHOW_EVERY, facts_of, panel, shown, status_of, waited
from aigc.ui.telling import guarded, newest, said
from aigc.ui.text import writing as text
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Refusal, Words

if TYPE_CHECKING:
    from aigc.pretrained.catalogue import Entry
    from aigc.pretrained.text.summarise import Summary

NAME = "summarise"
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
                self.chooser = Chooser(page, TASKS[Verb.SUMMARISE], "text-summarise")
            with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
                self.panel = panel(page, NAME)
                self.last = gr.State(None, time_to_live=KEEP_SECONDS)
                with gr.Row(elem_classes=["aigc-x-saves"]):
                    explore_files.button(page, t(text.SAVE), saved, [self.last])
        self.inputs: set[Component] = {self.given, self.reference, *self.chooser.inputs, *self.form.inputs}
        self.go.click(self.run, self.inputs, [self.panel, self.last], **{**QUIET, "concurrency_limit": AT_ONCE})
        self.stop.click(self.halt, None, None, **QUIET)
        self.file.upload(self.uploaded, self.file, self.given, **QUIET)

    def uploaded(self, path: str | None) -> str:
        from aigc.pretrained.text.given import text_of

        with forms.in_words(self.page.lang):
            return text_of(path or "")

    def run(self, given_: dict[Component, Any], request: gr.Request) -> Iterator[tuple[Any, Any]]:
        stop, lang = stops.begun(NAME, request), self.page.lang
        yield said(text.OPENING, lang, busy=True), gr.skip()
        yield from guarded(lambda: self._made(given_, stop), lambda words, _: (said(words, lang), gr.skip()))

    def _made(self, given_: dict[Component, Any], stop: threading.Event) -> Iterator[tuple[Any, Any]]:
        """The sentences at once, then the model's summary beside them."""
        from aigc.pretrained.text.extract import extract
        from aigc.pretrained.text.writing import stopped

        lang, whole = self.page.lang, given(given_[self.given], "text")
        settings, reference = read(Summarise, forms.values(self.form, given_)), short(given_[self.reference], "text")
        (entry, setup), found = self.chooser.chosen(given_), extract(whole, settings.words)
        told = text.EXTRACTED.fill(kept=len(found.sentences), of=found.of, n=_size(found.text), unit=_unit(found.text))
        beside = _column(text.BY_EXTRACT[lang], found.text, told[lang], reference, lang)
        if hub.here(entry) is None:
            yield self._shown([beside], reference, text.NO_SUMMARISER[lang], made=False), None
            return
        yield self._shown([_column(entry.title[lang], "", "", "", lang), beside], reference, text.OPENING[lang], busy=True), gr.skip()
        summary: Summary | None = None
        ended = None
        try:
            for result in newest(SUMMARIES(whole, settings, entry, stop=stop, setup=setup), SHOW_EVERY):
                if (wait := waited(result, lang)) is not None:
                    yield wait, gr.skip()
                    continue
                summary = result
                status = (text.WINDOW.fill(i=summary.window, n=summary.windows)[lang] if summary.window else "") + status_of(summary.draft, lang)
                column = _column(entry.title[lang], summary.draft.text, "", "", lang)
                yield self._shown([column, beside], reference, status, busy=True), gr.skip()
        except Stopped:
            if summary is None:
                raise
            ended = stopped(summary.draft)
        assert summary is not None
        yield self._final(summary, ended or summary.draft, entry, settings, reference, beside)

    def _final(self, summary: Summary, draft: Any, entry: Entry, settings: Summarise, reference: str, beside: dict[str, Any]) -> tuple[str, Any]:
        lang = self.page.lang
        parts = [text.SUMMED.fill(n=_size(draft.text), unit=_unit(draft.text))[lang]]
        parts += [text.WINDOWS.fill(n=summary.windows)[lang]] if summary.windows > 1 else []
        column = _column(entry.title[lang], draft.text, " · ".join([*parts, facts_of(draft, settings, entry.slug, lang)]), reference, lang)
        note = {"task": NAME, "model": entry.slug, "settings": as_values(settings)}
        return self._shown([column, beside], reference, status_of(draft, lang)), (draft.text, note)

    def _shown(self, columns: list[dict[str, Any]], reference: str, status: str, busy: bool = False, made: bool = True) -> str:
        notes = [self.page.t(text.ROUGE_HELP)] if reference.strip() else []
        return shown({"kind": "text", "columns": columns, "status": status, "busy": busy, "made": made, "notes": notes, "plain": True})

    def halt(self, request: gr.Request) -> None:
        stops.stopped(NAME, request)


def _column(head: str, summary: str, facts: str, reference: str, lang: Any) -> dict[str, Any]:
    """A summary, and how much of the reference it has."""
    from aigc.pretrained.text.rouge import rouge

    scored = text.ROUGE.fill(**rouge(summary, reference))[lang] if reference.strip() and summary.strip() else ""
    return {"head": head, "title": "", "before": "", "text": summary, "tokens": [], "facts": "\n".join(filter(None, (scored, facts)))}


def _size(summary: str) -> int:
    from aigc.pretrained.text.extract import measured

    return measured(summary)


def _unit(summary: str) -> Words:
    from aigc.pretrained.text.extract import is_chinese

    return text.unit(is_chinese(summary))


def saved(last: tuple[str, dict[str, Any]] | None) -> Any:
    """The model's summary as a file.  Raises Refusal."""
    if last is None:
        raise Refusal(text.NOTHING_YET)
    return outputs.writing(last[0], note=last[1], name="summary.md")
