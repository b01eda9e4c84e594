"""A summary by a language model: a long text window by window, then the summaries of the windows together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from aigc.pretrained.text.asked import Summarise
from aigc.pretrained.text.beams import bare, drawing, generated
from aigc.pretrained.text.chat import NO_TEMPLATE, templated
from aigc.pretrained.text.extract import is_chinese, sentences
from aigc.pretrained.text.kit import Kit
from aigc.pretrained.text.pieces import split
from aigc.pretrained.text.thought import OPEN, parted
from aigc.pretrained.text.writing import AT_LENGTH, BY_ITSELF, Draft, Token, written
from aigc.words import Refusal, both

FRAME = 96  # tokens for the instruction and the template
MOST_WINDOWS = 64
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
    windows: int

    @property
    def is_final(self) -> bool:
        return self.window == 0 and self.draft.is_final


def summarised(kit: Kit, text: str, settings: Summarise, stop: threading.Event) -> Iterator[Summary]:
    """Raises Refusal and Stopped."""
    if kit.writes_on and not getattr(kit.tokenizer, "chat_template", None):
        raise Refusal(NO_TEMPLATE)
    length = min(int(settings.words * TOKENS_A_WORD) + 16, kit.window // 2)
    room = max(16, min(settings.window, kit.window - length - FRAME if kit.writes_on else kit.window - 2))
    parts: tuple[str, ...] = ()
    seconds = 0.0
    while len(windows := cut(kit, text, room)) > 1:
        if len(windows) > MOST_WINDOWS:
            raise Refusal(TOO_LONG, n=len(windows), most=MOST_WINDOWS)
        told: list[str] = []
        short = max(16, min(settings.words, room // (2 * len(windows)) if len(windows) > 4 else settings.words))
        for i, window in enumerate(windows, 1):
            draft = Draft("")
            for draft in once(kit, window, replace(settings, words=max(20, short)), stop, min(length, int(short * TOKENS_A_WORD) + 16)):
                yield Summary(draft, (*parts, *told), i, len(windows))
            told.append(draft.text.strip())
            seconds += draft.seconds
        parts, shorter = tuple(told), "\n".join(told)
        if len(shorter) >= len(text):  # a model that writes more than it reads would go on for ever
            shorter = shorter[: len(text) // 2]
        text = shorter
    for draft in once(kit, text, settings, stop, length):
        draft = replace(draft, seconds=seconds + draft.seconds, first=seconds + draft.first)  # so that the pace is of its own tokens
        yield Summary(draft, parts, 0, max(1, len(parts)))


def once(kit: Kit, text: str, settings: Summarise, stop: threading.Event, length: int) -> Iterator[Draft]:
    """A text that fits."""
    if kit.writes_on:
        asked = ASK["zh" if is_chinese(text) else "en"].format(n=settings.words, text=text)
        prompt = templated(kit, [{"role": "user", "content": asked}])
        ids = kit.ids(prompt, marks=False)
        head = OPEN if prompt.rstrip().endswith(OPEN) else ""  # a template that cannot be told not to think
        draft, answer = Draft(""), ""
        for draft in written(kit, ids, settings, stop, min(length + (THOUGHT if head else 0), kit.window - len(ids))):
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


def cut(kit: Kit, text: str, room: int) -> list[str]:
    """Windows of at most `room` tokens, cut between sentences, and inside one only where it is longer than that."""
    windows: list[str] = []
    full = 0
    for sentence in sentences(text):
        pieces = [sentence] if (n := len(kit.ids(sentence, marks=False)) + 1) <= room else halves(kit, sentence, room)
        for piece in pieces:
            n = len(kit.ids(piece, marks=False)) + 1
            if windows and full + n <= room:
                windows[-1] += ("" if is_chinese(piece) else " ") + piece
                full += n
            else:
                windows.append(piece)
                full = n
    return windows


def halves(kit: Kit, sentence: str, room: int) -> list[str]:
    if len(sentence) < 2 or len(kit.ids(sentence, marks=False)) < room:
        return [sentence]
    middle = len(sentence) // 2
    return halves(kit, sentence[:middle], room) + halves(kit, sentence[middle:], room)
