"""A summary of sentences taken from the text itself: TextRank (Mihalcea & Tarau 2004) by scikit-learn's TF-IDF and networkx's PageRank.

No model, nothing to download, nothing invented: the baseline that a language model's summary stands beside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aigc.data.texts import HAN
from aigc.pretrained.text.markdown import prose

MOST_SENTENCES = 1500  # what similarity between all pairs stays quick for
LONGEST = 2000  # characters up to which what looks cut at an abbreviation is joined
ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|Fig)\.$")
SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？]+[”’」』）]*|(?<![.!?])[.!?]++[\"')\]]*+(?=\s|$)|[!?]+|\n+|$)", re.S)


@dataclass(frozen=True)
class Extract:
    sentences: tuple[str, ...]  # in the order of the text
    text: str
    of: int  # sentences there were


def is_chinese(text: str) -> bool:
    """By the larger part of its letters."""
    return 2 * len(re.findall(HAN, text)) > len(re.findall(r"[A-Za-z]+", text))


def measured(text: str) -> int:
    """Chinese characters and words of other letters."""
    return len(re.findall(rf"{HAN}|[^\W_]+", re.sub(rf"({HAN})", r" \1 ", text)))


def sentences(text: str) -> list[str]:
    """Where a full stop is one: “3.5” and “e.g. this” are not cut."""
    found = [m.group().strip() for m in SENTENCE.finditer(text)]
    joined: list[str] = []
    for s in filter(None, found):
        if joined and len(joined[-1]) < LONGEST and ABBREVIATION.search(joined[-1][-8:]):
            joined[-1] += " " + s
        else:
            joined.append(s)
    return joined


def ends(text: str) -> list[int]:
    """Where the sentences of a text end, so that the slices between are all of it."""
    found, start = list[int](), 0
    for m in SENTENCE.finditer(text):
        if m.end() - start < LONGEST and m.end() < len(text) and ABBREVIATION.search(text[start : m.end()].rstrip()[-8:]):
            continue
        if text[start : m.end()].strip():
            found.append(m.end())
            start = m.end()
    return [*found[:-1], len(text)] if found else []


def extract(text: str, words: int) -> Extract:
    """The most central sentences, up to about `words` words or characters."""
    text = prose(text) or text
    every = [s for s in sentences(text) if measured(s)]  # rules and rows of dots say nothing, and would always fit
    found = every[:MOST_SENTENCES]
    chosen, length = set[int](), 0
    for i in sorted(range(len(found)), key=centrality(found, is_chinese(text)).__getitem__, reverse=True):
        here = measured(found[i])
        if not chosen or length + here <= words:
            chosen.add(i)
            length += here
    kept = tuple(found[i] for i in sorted(chosen))
    return Extract(kept, joined(kept, is_chinese(text)), len(every))


def joined(kept: tuple[str, ...], chinese: bool) -> str:
    """Chinese sentences follow each other without a space, but where one has no mark at its end."""
    return "".join(s + ("" if chinese and not s[-1].isalnum() else " ") for s in kept).rstrip()


def centrality(found: list[str], chinese: bool) -> list[float]:
    """PageRank over the similarities of sentences: words in common, or pairs of characters."""
    import networkx as nx
    from sklearn.feature_extraction.text import TfidfVectorizer

    if len(found) < 3:
        return [1.0] * len(found)
    how = {"analyzer": "char", "ngram_range": (1, 2)} if chinese else {"token_pattern": r"[^\W_]+", "sublinear_tf": True, "stop_words": "english"}
    try:
        weights = TfidfVectorizer(**how).fit_transform(found)
    except ValueError:  # nothing but stop words
        return [1.0] * len(found)
    likeness = weights @ weights.T
    likeness.setdiag(0)
    likeness.eliminate_zeros()
    ranks = nx.pagerank(nx.from_scipy_sparse_array(likeness), weight="weight")
    return [ranks[i] for i in range(len(found))]
