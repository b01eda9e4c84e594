"""A summary by a language model: a long text window by window, then the summaries of the windows together."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import torch

from aigc.pretrained.text.asked import Summarise
from aigc.pretrained.text.beams import bare, drawing, generated
from aigc.pretrained.text.chat import NO_TEMPLATE, templated
from aigc.pretrained.text.extract import ends, is_chinese
from aigc.pretrained.text.kit import NO_ROOM, Kit
from aigc.pretrained.text.pieces import split
from aigc.pretrained.text.thought import OPEN, parted
from aigc.pretrained.text.writing import AT_LENGTH, BY_ITSELF, Draft, Token, fenced, written
from aigc.words import Refusal, both

MOST_WINDOWS = 64
LEAST = 16  # tokens of the text that a window has room for
TOO_LONG = both("This text needs {n} windows; at most {most} are read. Make the window larger, or the text shorter.",
                "这段文字需要 {n} 个窗口，最多读 {most} 个。请加大窗口或缩短文字。")  # fmt: skip
ASK = {
    "en": "Summarise the following text in about {n} words. Give only the summary, in English.\n\n{text}",
    "zh": "请用大约{n}个字概括下面的文字。只写摘要，用中文。\n\n{text}",
}
THINKS = both(
    "This model thinks aloud before it answers, and came to no answer in the room there is: choose one that does not.",
    "这个模型先把思考写出来，在可用的长度内没有写到答案：请换一个不这样做的模型。",
)
THOUGHT = 1024  # tokens that a thought may take
TOKENS_A_WORD = 1.6  # tokens a word or character may take, generously


@dataclass(frozen=True)
class Summary:
    """A summary on its way; the last one is the answer."""

    draft: Draft
    parts: tuple[str, ...]  # of the windows that are done
    window: int  # which is being read; 0: their summaries are put together, or the text is short
    windows: int  # of this reading; at the end, that the text itself was read in

    @property
    def is_final(self) -> bool:
        return self.window == 0 and self.draft.is_final


def summarised(kit: Kit, text: str, settings: Summarise, stop: threading.Event) -> Iterator[Summary]:
    """Raises Refusal and Stopped."""
    if kit.writes_on and not getattr(kit.tokenizer, "chat_template", None):
        raise Refusal(NO_TEMPLATE)
    length = min(int(settings.words * TOKENS_A_WORD) + 16, kit.window // 2)
    frame = max(len(asked(kit, letter, settings)) for letter in ("a", "一"))
    room = min(settings.window, kit.window - length - frame)
    if room < LEAST:
        raise Refusal(NO_ROOM, n=kit.window)

    def fits(part: str) -> bool:
        n = len(kit.ids(part, marks=False))
        return n <= room // 2 or (n <= settings.window and len(asked(kit, part, settings)) <= kit.window - length)

    parts: tuple[str, ...] = ()
    seconds, read = 0.0, 0
    while len(windows := cut(kit, text, room, fits)) > 1:
        if len(windows) > MOST_WINDOWS:
            raise Refusal(TOO_LONG, n=len(windows), most=MOST_WINDOWS)
        read = read or len(windows)
        told: list[str] = []
        short = max(16, min(settings.words, room // (2 * len(windows)) if len(windows) > 4 else settings.words))
        for i, window in enumerate(windows, 1):
            draft = Draft("")
            for draft in once(kit, window, replace(settings, words=max(20, short)), stop, min(length, int(short * TOKENS_A_WORD) + 16)):
                yield Summary(draft, (*parts, *told), i, len(windows))
            told.append(draft.text.strip())
            seconds += draft.seconds
        if len("\n".join(told)) >= len(text):  # a model that writes more than it reads would go on for ever
            told = [part[: len(window) // 2] for part, window in zip(told, windows, strict=True)]
        parts, text = tuple(told), "\n".join(told)
    for draft in once(kit, text.strip(), settings, stop, length):
        draft = replace(draft, seconds=seconds + draft.seconds, first=seconds + draft.first)  # so that the pace is of its own tokens
        yield Summary(draft, parts, 0, max(1, read))


def prompted(kit: Kit, text: str, settings: Summarise) -> str:
    """What a model that writes on is asked.  Raises Refusal."""
    words = ASK["zh" if is_chinese(text) else "en"].format(n=settings.words, text=text)
    return templated(kit, [{"role": "user", "content": words}])


def asked(kit: Kit, text: str, settings: Summarise) -> list[int]:
    """All that the model is given to read, with the instruction, the template and its marks."""
    return kit.ids(prompted(kit, text, settings), marks=False) if kit.writes_on else kit.ids(text)


def once(kit: Kit, text: str, settings: Summarise, stop: threading.Event, length: int) -> Iterator[Draft]:
    """A text that fits."""
    if kit.writes_on:
        prompt = prompted(kit, text, settings)
        ids = kit.ids(prompt, marks=False)
        head = OPEN if prompt.rstrip().endswith(OPEN) else ""  # a template that cannot be told not to think
        draft, answer = Draft(""), ""
        length += THOUGHT if head else 0
        drafts = written(kit, ids, settings, stop, min(length, kit.window - len(ids)))
        for draft in fenced(kit, drafts, length):
            answer = parted(head + draft.text)[1]
            yield replace(draft, text=answer)
        if not answer.strip() and (head or OPEN in draft.text):
            raise Refusal(THINKS)
        return
    yield from rewritten(kit, text, settings, stop, length)


def rewritten(kit: Kit, text: str, settings: Summarise, stop: threading.Event, length: int) -> Iterator[Draft]:
    """By a model that reads one text and writes another: with the beams that it came with, or drawn above temperature 0."""
    begun, first, best, draft = time.perf_counter(), 0.0, list[int](), Draft("")
    how: dict[str, Any] = {
        "max_new_tokens": length, "min_new_tokens": min(length // 3, 40), "max_length": None, "min_length": None, "do_sample": False,
        "temperature": None, "top_p": None, "top_k": None, "repetition_penalty": settings.repetition,
        "forced_eos_token_id": None,  # an end mark set at the limit would look as if the model had ended it
    }  # fmt: skip
    if settings.temperature > 0:
        rng = torch.Generator(kit.device).manual_seed(settings.seed)
        how |= {"num_beams": 1, "early_stopping": None, "length_penalty": None, "logits_processor": drawing(settings.temperature, rng)}
    for best in generated(kit, kit.ids(text)[: kit.window], stop, **how):
        best = bare(kit, best)
        first = first or time.perf_counter() - begun
        tokens = tuple(Token(piece, None) for piece in split(kit.tokenizer, best))
        draft = Draft("".join(t.text for t in tokens).strip(), tokens, length, time.perf_counter() - begun, first)
        yield draft
    yield replace(draft, ended=BY_ITSELF if best and best[-1] in kit.ends else AT_LENGTH)


def cut(kit: Kit, text: str, room: int, fits: Callable[[str], bool] | None = None) -> list[str]:
    """Windows of at most `room` tokens, and of which `fits` is true: one after the other they are the text, no more and no less.

    They end where sentences do, and inside one only where it is longer than that.
    """
    fits = fits or (lambda part: len(kit.ids(part, marks=False)) <= room)
    windows, start = list[str](), 0
    pieces = [piece for a, b in pairwise([0, *ends(text)]) for piece in halves(text, a, b, fits)]
    sizes = list(accumulate(len(kit.ids(text[a:b], marks=False)) for a, b in pieces))
    i, full = 0, 0
    while i < len(pieces):
        n = max(i + 1, bisect_right(sizes, full + room))  # pieces up to here have as many tokens as there is room for, each by itself
        while n > i + 1 and not fits(text[start : pieces[n - 1][1]].strip()):
            n -= 1
        windows.append(text[start : pieces[n - 1][1]].strip())
        i, start, full = n, pieces[n - 1][1], sizes[n - 1]
    return windows


def halves(text: str, a: int, b: int, fits: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Parts of text[a:b] that fit: all of it, else its halves, cut at a space where there is one near the middle."""
    if b - a < 2 or fits(text[a:b].strip()):
        return [(a, b)]
    middle = (a + b) // 2
    space = text.rfind(" ", (a + middle) // 2, middle)
    middle = space if space > a else middle
    return halves(text, a, middle, fits) + halves(text, middle, b, fits)
