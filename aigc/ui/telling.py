"""How a run tells of itself, whichever tab shows it: the line above the result, the wait, and what went wrong as a sentence."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from aigc.jobs.files import full_in_words
from aigc.pretrained import Stopped
from aigc.ui.text import telling as text
from aigc.words import Lang, Refusal, Words

T = TypeVar("T")
log = logging.getLogger(__name__)


def said(words: Words, lang: Lang, **more: Any) -> str:
    """Only the line above the result changes."""
    return json.dumps({"kind": "same", "status": words[lang], "busy": False, **more}, ensure_ascii=False)


def complaint(words: Words, lang: Lang, **more: Any) -> str:
    """The line above the result says what was wrong, and is marked; that somebody stopped it is no mistake."""
    return said(words, lang, refused=words is not text.STOPPED, **more)


def in_line(result: Any) -> Words | None:
    """What to say while a run waits for its model; None once there is something to show."""
    from aigc.pretrained.lending import Waiting

    if not isinstance(result, Waiting):
        return None
    if result.place:
        return text.IN_LINE.fill(n=result.place)
    return text.READING if result.is_open else text.OPENING


def is_over(result: Any) -> bool:
    return bool(getattr(result, "is_final", False))


def newest(results: Iterator[T], every: float, is_final: Callable[[T], bool] = is_over) -> Iterator[T]:
    """Leaves out what nobody could see: results that follow each other faster than `every` seconds, or than they can be drawn.

    One that came too soon is told when it comes again, as it does where nothing follows it.
    """
    due, shown = 0.0, None
    for one in results:
        if one is not shown and (is_final(one) or time.monotonic() >= due):
            begun, shown = time.monotonic(), one
            yield one
            drawn = time.monotonic()
            due = max(begun + every, drawn + (drawn - begun))


def guarded(run: Callable[[], Iterator[T]], complain: Callable[[Words], T]) -> Iterator[T]:
    """What `run` yields; a refusal, a stop or a mistake becomes `complain(the sentence)`."""
    try:
        with full_in_words():
            yield from run()
    except Refusal as refusal:
        yield complain(refusal.words)
    except Stopped:
        yield complain(text.STOPPED)
    except Exception:
        log.exception("a run")
        yield complain(text.UNEXPECTED)
