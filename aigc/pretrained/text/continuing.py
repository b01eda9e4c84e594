"""A prompt written on: by sampling, greedily, by beam search, or all three side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from aigc.pretrained.text.asked import Continue, Method
from aigc.pretrained.text.beams import bare, generated
from aigc.pretrained.text.kit import Kit
from aigc.pretrained.text.look import NEEDS_A_WRITER, read
from aigc.pretrained.text.pieces import split
from aigc.pretrained.text.prompts import prompt
from aigc.pretrained.text.writing import AT_LENGTH, AT_STOP, BY_ITSELF, Draft, Token, written
from aigc.words import Refusal


def continued(kit: Kit, text: str, settings: Continue, stops: tuple[str, ...], stop: threading.Event) -> Iterator[Draft]:
    """Raises Refusal and Stopped."""
    if not kit.writes_on:
        raise Refusal(NEEDS_A_WRITER)
    given = prompt(text, settings.shape, kit.is_of_verse)
    write = by_beams if settings.method is Method.BEAM else written
    for draft in write(kit, kit.begun(given.asked), settings, stop, settings.length, stops):
        yield replace(draft, before=given.shown, title=given.title)


def compared(kit: Kit, text: str, settings: Continue, stops: tuple[str, ...], stop: threading.Event) -> Iterator[list[Draft]]:
    """The same prompt by every method, one after the other; each list has what there is of them."""
    done: list[Draft] = []
    for method in (Method.GREEDY, Method.SAMPLE, Method.BEAM):
        draft = Draft("")
        for draft in continued(kit, text, replace(settings, method=method), stops, stop):
            yield [*done, draft]
        done.append(draft)


def by_beams(kit: Kit, ids: list[int], settings: Continue, stop: threading.Event, length: int, stops: tuple[str, ...] = ()) -> Iterator[Draft]:
    """The likeliest text that so many beams find; its probabilities are read off when it is there."""
    begun, first, best = time.perf_counter(), 0.0, list[int]()
    ids, notes = kit.fitted(ids, length)
    how = {"num_beams": settings.beams, "do_sample": False, "max_new_tokens": length, "min_new_tokens": None, "early_stopping": True,
           "temperature": None, "top_p": None, "top_k": None, "repetition_penalty": settings.repetition}  # fmt: skip
    for best in generated(kit, ids, stop, **how):
        first = first or time.perf_counter() - begun
        pieces = split(kit.tokenizer, best, ids)
        text = "".join(pieces)
        yield Draft(text, tuple(Token(piece, None) for piece in pieces), length, time.perf_counter() - begun, first, notes=tuple(notes))
    best = bare(kit, best)
    seconds = time.perf_counter() - begun
    tokens = tuple(token for part in read(kit, ids + best, stop, len(ids)) for token in part)
    text, ended = "".join(t.text for t in tokens), BY_ITSELF if best and best[-1] in kit.ends else AT_LENGTH
    if (cut := min((at for at in map(text.find, stops) if at >= 0), default=-1)) >= 0:
        text, ended = text[:cut], AT_STOP
        ends = accumulate(len(t.text) for t in tokens)  # of each token in the text
        tokens = tuple(token for token, end in zip(tokens, ends, strict=True) if end - len(token.text) < cut)
    yield Draft(text, tokens, length, seconds, first, ended, notes=tuple(notes))
