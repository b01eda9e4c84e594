"""What a pipeline's text encoder makes of a prompt: the words that its tokens are, and what of them it does not read or has never met."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from aigc.pretrained.image.kit import takes
from aigc.words import Words, both

SMALL = 5000  # tokens: with so few, a vocabulary of whole words holds all that were met, and the others fall into pieces
QUOTED = 120  # characters of what is lost that are named
CUT = both("The model reads {n} tokens; it did not read: {lost}", "模型只读 {n} 个词元；没有读到：{lost}")
STRANGE = both("This small model has never met these words, and they mean nothing to it: {words}",
               "这个小模型从未见过这些词，它们对它没有意义：{words}")  # fmt: skip


@dataclass(frozen=True)
class Word:
    """A word of the prompt and the tokens it became."""

    text: str
    tokens: tuple[int, ...]  # their places in the encoded prompt


def remarks(pipe: Any, prompt: str) -> tuple[Words, ...]:
    """What of a prompt is lost on a pipeline, in words; nothing where all of it counts."""
    return tuple(told for told in (words_cut(pipe, prompt), strange_words(pipe, prompt)) if told is not None)


def words_cut(pipe: Any, prompt: str) -> Words | None:
    """Says what of the prompt a CLIP-style text encoder does not read, if anything."""
    tokenizer = getattr(pipe, "tokenizer", None)
    longest = getattr(tokenizer, "model_max_length", 0)
    if tokenizer is None or not 0 < longest <= 512 or takes(pipe, "max_sequence_length"):
        return None
    ids = tokenizer(prompt, truncation=False, verbose=False).input_ids
    if len(ids) <= longest:
        return None
    lost = tokenizer.decode(ids[longest - 1 : -1]).strip()
    return CUT.fill(n=longest, lost=shorten(lost))


def strange_words(pipe: Any, prompt: str) -> Words | None:
    """Says which words of the prompt a vocabulary of few words does not have, if any."""
    tokenizer = getattr(pipe, "tokenizer", None)
    if tokenizer is None or len(tokenizer) > SMALL:
        return None
    if not any(len(token) > len("a</w>") and token.endswith("</w>") for token in tokenizer.get_vocab()):
        return None  # letters and syllables only
    emoji = [c for c in prompt if unicodedata.category(c) == "So"]
    strange = dict.fromkeys([*(word.text for word in words_of(tokenizer, prompt) if len(word.tokens) > 1), *emoji])
    return STRANGE.fill(words=shorten(", ".join(strange))) if strange else None


def shorten(words: str) -> str:
    return words if len(words) <= QUOTED else words[:QUOTED] + "…"


def words_of(tokenizer: Any, prompt: str) -> tuple[Word, ...]:
    """The prompt's words with the places of their tokens: pieces are put together again, Chinese stays character by character."""
    ids = tokenizer(prompt, truncation=True, max_length=tokenizer.model_max_length).input_ids
    special = set(tokenizer.all_special_ids)
    found: list[Word] = []
    places: list[int] = []
    for place, (number, token) in enumerate(zip(ids, tokenizer.convert_ids_to_tokens(ids), strict=True)):
        if number in special:
            continue
        places.append(place)
        text = tokenizer.decode([ids[p] for p in places]).strip()
        if "\ufffd" in text or (text.isascii() and text.isalnum() and not token.endswith("</w>") and _goes_on(tokenizer, ids, place, special)):
            continue  # half a character, or the beginning of a word
        found.append(Word(text, tuple(places)))
        places = []
    return tuple(w for w in found if any(c.isalnum() for c in w.text))


def _goes_on(tokenizer: Any, ids: list[int], place: int, special: set[int]) -> bool:
    """Whether the next token belongs to the same word, in a vocabulary that marks the ends of words."""
    marked = any(token.endswith("</w>") for token in tokenizer.convert_ids_to_tokens(ids))
    return marked and place + 1 < len(ids) and ids[place + 1] not in special
