"""ROUGE (Lin 2004): how much of a reference a summary has, in tokens, pairs of tokens, and the longest common subsequence.

Chinese is compared by characters, other writing by words in lower case, without stemming.
"""

from __future__ import annotations

import re
from collections import Counter

from aigc.data.texts import HAN


def tokens(text: str) -> list[str]:
    return re.findall(rf"{HAN}|[^\W_]+", re.sub(rf"({HAN})", r" \1 ", text.lower()))


def rouge(summary: str, reference: str) -> dict[str, float]:
    """F1 of "rouge1", "rouge2" and "rougeL", each between 0 and 1."""
    made, wanted = tokens(summary), tokens(reference)
    return {
        "rouge1": _overlap(made, wanted, 1),
        "rouge2": _overlap(made, wanted, 2),
        "rougeL": f1(common(made, wanted), len(made), len(wanted)),
    }


def f1(hits: int, made: int, wanted: int) -> float:
    return 2 * hits / (made + wanted) if hits else 0.0


def common(a: list[str], b: list[str]) -> int:
    """The length of the longest common subsequence: a row of its table is one long number, a zero for every step up.   Hyyrö 2004"""
    places: dict[str, int] = {}
    for i, x in enumerate(a):
        places[x] = places.get(x, 0) | 1 << i
    whole = (1 << len(a)) - 1
    row = whole
    for y in b:
        met = row & places.get(y, 0)
        row = (row + met | row - met) & whole
    return len(a) - row.bit_count()


def _overlap(made: list[str], wanted: list[str], n: int) -> float:
    a, b = (Counter(zip(*(t[i:] for i in range(n)), strict=False)) for t in (made, wanted))
    return f1((a & b).total(), a.total(), b.total())
