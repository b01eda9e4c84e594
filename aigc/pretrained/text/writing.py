"""Writes on from a prompt, one token at a time, and tells of each what else could have stood there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from aigc.pretrained.text.asked import Chat, Continue, Summarise, is_drawn
from aigc.pretrained.text.kit import Kit
from aigc.pretrained.text.pieces import Pieces, is_text, named
from aigc.pretrained.text.recall import resumed
from aigc.words import Words, both

OTHERS = 10  # alternatives told of each token

BY_ITSELF = both("The model ended it.", "模型自行结束。")
AT_STOP = both("It came to a stop word.", "遇到停止词。")
AT_LENGTH = both("It reached its length.", "达到长度上限。")
AT_WINDOW = both("The model's window is full: it sees {n} tokens, with what it was given.", "模型的窗口已满：连同所给的内容，它只能看到 {n} 个词元。")
BY_YOU = both("Stopped by you.", "已由你停止。")


@dataclass(frozen=True)
class Other:
    """What could stand at a place."""

    text: str
    p: float  # by the model itself
    shaped: float  # after temperature, cuts and penalty; 0: it could not have been drawn
    is_text: bool = True  # no mark, and no part of a character: a text can go on from it


@dataclass(frozen=True)
class Token:
    text: str  # "" where a character is still in two, or for a mark
    p: float | None  # its probability by the model itself; None: nothing stood before it
    rank: int = 0  # 1: the likeliest
    shaped: float | None = None
    others: tuple[Other, ...] = ()  # the likeliest first


@dataclass(frozen=True)
class Draft:
    """A text on its way; the last one is the answer."""

    text: str
    tokens: tuple[Token, ...] = ()
    count: int = 0  # tokens it may have
    seconds: float = 0.0
    first: float = 0.0  # seconds until the first token
    ended: Words | None = None  # why it ended; None: it goes on
    before: str = ""  # what was given of the text
    title: str = ""
    notes: tuple[Words, ...] = field(default=())

    @property
    def whole(self) -> str:
        return self.before + self.text

    @property
    def pace(self) -> float:
        """Seconds a token, without the reading of the prompt."""
        return (self.seconds - self.first) / max(1, len(self.tokens) - 1) if len(self.tokens) > 1 else self.seconds

    @property
    def is_final(self) -> bool:
        return self.ended is not None


def stopped(draft: Draft) -> Draft:
    return replace(draft, ended=BY_YOU)


def fenced(kit: Kit, drafts: Iterator[Draft], length: int) -> Iterator[Draft]:
    """What was to have `length` tokens and had to end earlier, because the model's window was full, says so."""
    for draft in drafts:
        yield replace(draft, ended=AT_WINDOW.fill(n=kit.window)) if draft.ended == AT_LENGTH and len(draft.tokens) < length else draft


def written(
    kit: Kit, ids: list[int], settings: Continue | Chat | Summarise, stop: threading.Event, length: int, stops: tuple[str, ...] = (),
    whose: str = "",
) -> Iterator[Draft]:  # fmt: skip
    """By sampling, or greedily at temperature 0; `whose`: see `resumed`.  Raises Stopped."""
    begun = time.perf_counter()
    rng = torch.Generator(kit.device).manual_seed(settings.seed)
    greedy = not is_drawn(settings)
    shape = shaper(settings, greedy)
    ids, notes = kit.fitted(ids, length)
    pieces, ends = Pieces(kit.tokenizer, ids), kit.ends
    tokens, text, first = list[Token](), "", 0.0
    ended: Words | None = None
    with resumed(kit, ids, whose, stop) as reading:
        fed = ids[len(reading.ids) :]
        while ended is None:
            logits = reading.on(fed)
            shaped = shape(reading.ids, logits)
            token = int(shaped.argmax() if greedy else torch.multinomial(shaped, 1, generator=rng))
            piece = "" if token in ends else pieces.push(token)
            tokens.append(told(kit, token, piece, logits, shaped))
            text, fed = text + piece, [token]
            first = first or time.perf_counter() - begun
            if token in ends:
                ended = BY_ITSELF
            elif (cut := min((at for at in map(text.find, stops) if at >= 0), default=-1)) >= 0:
                ended, text = AT_STOP, text[:cut]
            elif len(tokens) >= length:
                ended = AT_LENGTH
            yield Draft(text, tuple(tokens), length, time.perf_counter() - begun, first, ended, notes=tuple(notes))


def shaper(settings: Any, greedy: bool) -> Any:
    """(tokens so far, logits) -> what is drawn from, (V,): the penalty first, then temperature and cuts, as in transformers' generate."""
    from transformers.generation import logits_process as of

    steps = []
    if settings.repetition != 1:
        steps.append(of.RepetitionPenaltyLogitsProcessor(settings.repetition))
    if not greedy:
        steps.append(of.TemperatureLogitsWarper(float(settings.temperature)))
        steps += [of.TopKLogitsWarper(settings.top_k)] if getattr(settings, "top_k", 0) else []
        steps += [of.TopPLogitsWarper(settings.top_p)] if getattr(settings, "top_p", 1.0) < 1 else []
        steps += [of.MinPLogitsWarper(settings.min_p)] if getattr(settings, "min_p", 0.0) else []
    process = of.LogitsProcessorList(steps)

    def shape(ids: list[int], logits: Tensor) -> Tensor:
        chances = process(torch.tensor([ids], device=logits.device), logits[None].clone())[0].softmax(-1)
        return functional.one_hot(chances.argmax(), len(chances)).to(chances.dtype) if greedy else chances

    return shape


def told(kit: Kit, token: int, piece: str, logits: Tensor, shaped: Tensor | None = None) -> Token:
    """The token with its probability, its rank, and the likeliest others.  logits, shaped: (V,)"""
    p = logits.softmax(-1)
    best = p.topk(min(OTHERS, len(p)))
    drawn = shaped if shaped is not None else p
    rows = zip(best.indices.tolist(), best.values.tolist(), drawn[best.indices].tolist(), strict=True)
    others = tuple(Other(named(kit.tokenizer, i), value, chance, is_text(kit.tokenizer, i)) for i, value, chance in rows)
    return Token(piece, float(p[token]), int((p > p[token]).sum()) + 1, float(shaped[token]) if shaped is not None else None, others)
