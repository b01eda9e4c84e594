"""What the language model of verse reads: quatrains with and without their marks and titles, other Tang poems, passages of the plays."""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from aigc.data.texts import Quatrain, lines_of, plays, poems, quatrains
from aigc.pretrained.teach.verse.tokens import END, START, slurred
from aigc.pretrained.verse import BEGIN, FREE, PLAY, from_title

PASSAGE = 256  # tokens of a passage, and the most that the model ever sees
LONGEST_TITLE = 16  # characters
UNTITLED, UNMARKED = 0.35, 0.1  # share of quatrains that are read without a title, and without any mark
SLURRED = 0.1  # share of English merges that fail
HELD_OUT = 40  # one in so many quatrains is kept for tests, and one for validation
POEMS_IN_PASSAGES = 8  # one passage in so many is of Tang poems


@dataclass(frozen=True)
class Texts:
    """What is learnt from, what says when to stop, and what is only measured."""

    quatrains: list[Quatrain]
    poems: list[tuple[str, str]]
    plays: str
    valid_quatrains: list[Quatrain]
    valid_plays: str
    test_quatrains: list[Quatrain]
    test_plays: str


def texts() -> Texts:
    """No line of a quatrain that is held out is learnt from, whichever poem has it.  Raises Refusal where the files are not here."""
    all_quatrains = quatrains()
    draw = [zlib.crc32("".join(q.lines).encode()) % HELD_OUT for q in all_quatrains]
    test, valid = ([q for q, d in zip(all_quatrains, draw, strict=True) if d == part] for part in (0, 1))
    held = {line for q in test + valid for line in q.lines}
    learnt = [q for q in all_quatrains if not held.intersection(q.lines)]
    others = [(title, poem) for title, poem in poems() if not held.intersection(lines_of(poem))]
    learnt_plays, held_plays = plays()
    half = held_plays.index("\n\n", len(held_plays) // 2)
    return Texts(learnt, others, learnt_plays, valid, held_plays[:half], test, held_plays[half:])


def tidy(title: str) -> str:
    """A title without the remarks of its editors, cut if it is very long."""
    return re.sub(r"[（(\[〖{].*?[）)\]〗}]|[○□]", "", title).strip()[:LONGEST_TITLE]


class Reading:
    """Draws batches of token numbers; the English is spelt anew now and then, so that no passage is ever quite the same."""

    def __init__(self, given: Texts, tok: PreTrainedTokenizerFast, seed: int):
        self.given, self.tok, self.draws = given, tok, random.Random(seed)
        self.order: list[int] = []
        self.spelt: list[int] = []
        self.starts: list[int] = []
        packed = "".join(f"{START}{FREE}{tidy(title)}{BEGIN}{poem}{END}" for title, poem in given.poems)
        self.packed = tok(packed, add_special_tokens=False).input_ids

    def quatrains(self, n: int) -> Tensor:
        """(n, T) int64, each from its start mark to its end mark, padded behind."""
        while len(self.order) < n:
            self.order += self.draws.sample(range(len(self.given.quatrains)), len(self.given.quatrains))
        chosen, self.order = self.order[:n], self.order[n:]
        return padded([self.tok(self.framed(self.given.quatrains[i])).input_ids for i in chosen], self.tok.pad_token_id)

    def framed(self, q: Quatrain) -> str:
        chance = self.draws.random()
        if chance < UNMARKED:
            return q.text + END
        return from_title("" if chance < UNMARKED + UNTITLED else tidy(q.title), len(q.lines[0])) + q.text + END

    def passages(self, n: int) -> Tensor:
        """(n, PASSAGE) int64: the plays, each from the beginning of a line, some without their mark; now and then Tang poems in a row."""
        return torch.tensor([self.of_poems() if self.draws.randrange(POEMS_IN_PASSAGES) == 0 else self.of_plays() for _ in range(n)])

    def of_poems(self) -> list[int]:
        begin = self.draws.randrange(max(1, len(self.packed) - PASSAGE))
        return self.packed[begin : begin + PASSAGE]

    def of_plays(self) -> list[int]:
        if not self.starts:
            self.spell()
        begin = self.starts.pop()
        head = [self.tok.bos_token_id] if self.draws.random() < UNMARKED else self.tok(PLAY).input_ids
        return [*head, *self.spelt[begin : begin + PASSAGE - len(head)]]

    def spell(self) -> None:
        """The plays in other merges, and the beginnings of passages in random order: as many as it takes to read each line once."""
        slurred(self.tok, SLURRED)
        self.spelt = self.tok(self.given.plays, add_special_tokens=False).input_ids
        slurred(self.tok, None)
        newline = self.tok.convert_tokens_to_ids("\n")
        lines = [i + 1 for i, token in enumerate(self.spelt[:-PASSAGE]) if token == newline and self.spelt[i + 1] != newline]
        self.starts = self.draws.sample(lines, min(len(lines), max(1, len(self.spelt) // PASSAGE)))


def padded(rows: list[list[int]], pad: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
