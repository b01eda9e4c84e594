"""How much each token of a given text surprises a model."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from aigc.pretrained.text.kit import Kit, Reading
from aigc.pretrained.text.pieces import split
from aigc.pretrained.text.writing import Token, told
from aigc.words import Refusal, both

MOST_TOKENS = 4096
NEEDS_A_WRITER = both("Only models that go on from what they read can be asked this.", "只有逐词往下写的模型能回答。")
TOO_MANY = both("This is {n} tokens long; at most {most} can be looked at: leave a part of it out.", "共 {n} 个词元；最多 {most} 个：请删短。")


@dataclass(frozen=True)
class Surprise:
    """A text as a model reads it."""

    text: str
    tokens: tuple[Token, ...]
    count: int
    seconds: float
    is_final: bool

    @property
    def bits(self) -> float:
        """-log2 of the probability of all tokens that something stood before."""
        return -sum(math.log2(max(t.p, 1e-30)) for t in self.tokens if t.p is not None)

    @property
    def judged(self) -> int:
        return sum(t.p is not None for t in self.tokens)

    @property
    def perplexity(self) -> float:
        """2^(bits a token): as unsure as between so many equally likely tokens."""
        return 2 ** (self.bits / max(1, self.judged))

    @property
    def bits_per_character(self) -> float:
        """Comparable between models with different tokens."""
        return self.bits / max(1, len("".join(t.text for t in self.tokens if t.p is not None)))


def surprised(kit: Kit, text: str, stop: threading.Event) -> Iterator[Surprise]:
    """Raises Refusal and Stopped."""
    if not kit.writes_on:
        raise Refusal(NEEDS_A_WRITER)
    begun, ids = time.perf_counter(), kit.ids(text, marks=False)
    if len(ids) > MOST_TOKENS:
        raise Refusal(TOO_MANY, n=len(ids), most=MOST_TOKENS)
    head = [kit.tokenizer.bos_token_id] if kit.tokenizer.bos_token_id is not None else []
    tokens: list[Token] = []
    for part in read(kit, head + ids, stop, len(head)):
        tokens += part
        yield Surprise(text, tuple(tokens), len(ids), time.perf_counter() - begun, len(tokens) == len(ids))


def read(kit: Kit, ids: list[int], stop: threading.Event, start: int = 0) -> Iterator[list[Token]]:
    """The tokens from `start` on, some at a time, each judged with at least half a window before it where there is one."""
    pieces, step = split(kit.tokenizer, ids[start:], ids[:start]), max(1, min(kit.window // 2, 256))
    done, reading = start, Reading(kit, stop)
    if start == 0:  # nothing stands before the first
        yield [Token(pieces[0], None)]
        done = 1
    logits = reading.on(ids[:done])[None]
    while done < len(ids):
        part = ids[done : done + step]
        if len(reading.ids) + len(part) > kit.window:  # what can be seen is full: begin again half a window back
            reading = Reading(kit, stop)
            logits = reading.on(ids[max(0, done - kit.window // 2) : done])[None]
        behind = reading.on(part, every=True)
        at = [*logits, *behind[:-1]]
        yield [told(kit, token, pieces[done - start + i], at[i]) for i, token in enumerate(part)]
        logits, done = behind[-1:], done + len(part)
