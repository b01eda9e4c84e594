"""The Text tab for programs: named, typed endpoints that gradio_client can call.

    client.predict("ROMEO:", api_name="/text_continue")  ->  ("ROMEO:\\n...", how it was made)

An endpoint streams: `client.submit(...)` gives the text so far on the way, and can be cancelled.  `settings` are those of the form, by
name; `python -m aigc text continue --json` writes them out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from aigc.knobs import as_values, read
from aigc.pretrained import Stopped, catalogue
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.text.asked import SETTINGS, TASKS, Settings, Verb, as_lines, conversation, given, habits, short, stop_words
from aigc.ui.chooser import first_of
from aigc.ui.endpoints import typed
from aigc.ui.forms import an_object, in_words
from aigc.ui.page import Page
from aigc.ui.tabs.text_chat import CHATS
from aigc.ui.tabs.text_continue import CONTINUATIONS
from aigc.ui.tabs.text_perplexity import SURPRISES
from aigc.ui.tabs.text_summarise import SUMMARIES
from aigc.ui.text import writing as text
from aigc.words import Refusal

AT_ONCE = 4  # calls of an endpoint; of the others in its line Gradio tells a program the rank
TELL_EVERY = 0.25  # seconds
Facts = dict[str, Any]
Messages = list[dict[str, str]]


class Endpoints:
    """`draw()` once, on the page in English; errors speak English, too."""

    def __init__(self, page: Page):
        self.page = page

    def draw(self) -> None:
        for endpoint in (self.text_continue, self.text_chat, self.text_summarise, self.text_perplexity):
            gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=AT_ONCE)

    @typed
    def text_continue(
        self, prompt: str, model: str = "", seed: int = 0, stops: list[str] | None = None, settings: Facts | None = None
    ) -> Iterator[tuple[str, Facts]]:
        """A prompt written on; the facts have the title of a verse, and the rules of its form with whether each is kept."""
        with in_words("en"):
            entry, asked = self._asked(Verb.CONTINUE, model, seed, settings)
            words, ends = given(prompt), stop_words(as_lines(_listed(stops)))
            yield from self._told(entry, asked, lambda stop: CONTINUATIONS(words, asked, ends, entry, stop=stop), _written)

    @typed
    def text_chat(
        self, message: str, history: Messages | None = None, system: str = "", model: str = "", seed: int = 0, settings: Facts | None = None
    ) -> Iterator[tuple[str, Facts]]:
        """The answer to a message; `history` is a list of {"role", "content"} before it."""
        from aigc.pretrained.text.thought import parted

        with in_words("en"):
            entry, asked = self._asked(Verb.CHAT, model, seed, settings)
            messages = conversation([*_listed(history), {"role": "user", "content": given(message, "message")}], system)

            def answer(draft: Any) -> tuple[str, Facts]:
                thought, said = parted(draft.text)
                return said, _facts(draft) | ({"thought": thought} if thought else {})

            yield from self._told(entry, asked, lambda stop: CHATS(messages, asked, entry, stop=stop), answer)

    @typed
    def text_summarise(self, text: str, reference: str = "", model: str = "", settings: Facts | None = None) -> Iterator[tuple[str, Facts]]:
        """A summary; the facts have the extractive one too, and ROUGE of both where there is a reference.  model "none": only that one."""
        from aigc.pretrained.text.extract import extract
        from aigc.pretrained.text.rouge import rouge

        with in_words("en"):
            whole, wanted = given(text, "text"), short(reference, "text")
            alone = model == "none"
            entry, asked = self._asked(Verb.SUMMARISE, "" if alone else model, None, settings)
            found = extract(whole, asked.words).text  # type: ignore[union-attr]
            beside: Facts = {"extract": found} | ({"rouge_extract": rouge(found, wanted)} if wanted.strip() else {})
            if alone:
                yield found, beside
                return

            def summary(made: Any) -> tuple[str, Facts]:
                scored = {"rouge": rouge(made.draft.text, wanted)} if wanted.strip() and made.is_final else {}
                return made.draft.text, _facts(made.draft) | {"window": made.window, "windows": made.windows} | beside | scored

            yield from self._told(entry, asked, lambda stop: SUMMARIES(whole, asked, entry, stop=stop), summary)

    @typed
    def text_perplexity(self, text: str, model: str = "") -> Iterator[Facts]:
        """Perplexity a token, bits a character, and each token with its probability, of as much as was read; `of` tokens in all."""
        with in_words("en"):
            entry, whole = self._found(Verb.CONTINUE, model), given(text)

            def facts(found: Any) -> Facts:
                tokens = [[t.text, t.p] for t in found.tokens]
                return {"perplexity": found.perplexity, "bits_per_character": found.bits_per_character, "tokens": tokens, "of": found.count}

            for last in self._now_and_then(lambda stop: SURPRISES(whole, entry, stop=stop)):
                yield {"model": entry.slug, **facts(last)}

    def _asked(self, verb: Verb, model: str, seed: int | None, settings: Any) -> tuple[Entry, Any]:
        """Raises Refusal."""
        given_ = an_object(settings)
        entry = self._found(verb, model)
        seeded = {} if seed is None else {"seed": seed}
        return entry, read(SETTINGS[verb], {**habits(verb, entry.slug), **seeded, **given_})

    def _found(self, verb: Verb, model: Any) -> Entry:
        """The model of that name; where none is named the one that the page starts with, too: the first that is here.  Raises Refusal."""
        start = first_of(TASKS[verb])
        return catalogue.find(TASKS[verb], str(model or (start.slug if start else "")), self.page.public)

    def _told(
        self, entry: Entry, asked: Settings, start: Callable[[threading.Event], Iterator[Any]], tell: Callable[[Any], tuple[str, Facts]]
    ) -> Iterator[tuple[str, Facts]]:
        """What a run tells, now and then; the last answer says how it was made."""
        for result in self._now_and_then(start):
            words, facts = tell(result)
            yield words, {"model": entry.slug, "settings": as_values(asked), **facts} if result.is_final else facts

    def _now_and_then(self, start: Callable[[threading.Event], Iterator[Any]]) -> Iterator[Any]:
        """Some of what a run gives, and the last of it.  A caller that goes away stops the run."""
        from aigc.pretrained.lending import Waiting

        stop, told_at = threading.Event(), 0.0
        try:
            for result in start(stop):
                if isinstance(result, Waiting):
                    continue
                if result.is_final or time.monotonic() - told_at >= TELL_EVERY:
                    told_at = time.monotonic()
                    yield result
        except Stopped:
            raise Refusal(text.STOPPED) from None
        finally:
            stop.set()


def _listed(given_: Any) -> list[Any]:
    """What a program sent where a list belongs."""
    if isinstance(given_, list):
        return given_
    return [given_] if given_ else []


def _written(draft: Any) -> tuple[str, Facts]:
    """The text so far; once it has ended, its title and its form too, as the command line tells them."""
    from aigc.pretrained.text.verse_form import judged

    if not draft.is_final:
        return draft.whole, _facts(draft)
    verdict = judged(draft.whole)
    form = [{"rule": rule.words.en, "kept": rule.kept} for rule in verdict.rules] if verdict else []
    return draft.whole, _facts(draft) | {"title": draft.title, "form": form}


def _facts(draft: Any) -> Facts:
    return {
        "tokens": len(draft.tokens),
        "seconds": round(draft.seconds, 3),
        "seconds_a_token": round(draft.pace, 5),
        "ended": draft.ended.en if draft.ended else None,
        "notes": [note.en for note in draft.notes],
    }
