"""Token by token, the text that has become readable."""

from __future__ import annotations

from typing import Any

BROKEN = "�"  # what decoders give for bytes that are no character (yet)
MOST_BYTES = 4  # of a character in UTF-8
WORD = "▁"  # that stands for the space before a word in SentencePiece's tokens
CONTEXT = 6  # tokens before: whether a word begins with a space depends on them


class Pieces:
    """Half a Chinese character is held back until its other half comes; bytes that never become one are left out."""

    def __init__(self, tokenizer: Any, ids: list[int]):
        self.tokenizer, self.ids = tokenizer, list(ids[-CONTEXT:])
        self.known = len(self.ids)  # tokens whose text is told
        self.start = 0

    def push(self, token: int) -> str:
        """The text that this token completes; "" if a character is still in two."""
        self.ids.append(token)
        old, new = self._read(self.ids[self.start : self.known]), self._read(self.ids[self.start :])
        if new.endswith(BROKEN) and len(self.ids) - self.known < MOST_BYTES:
            return ""
        piece = new[len(old) :] if new.startswith(old) else self._read(self.ids[self.known :])
        self.start, self.known = self.known, len(self.ids)
        return piece.replace(BROKEN, "")

    def _read(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def split(tokenizer: Any, ids: list[int], before: list[int] | None = None) -> list[str]:
    """The text of each token; of a character in several tokens the last one has it."""
    pieces = Pieces(tokenizer, before or [])
    return [pieces.push(token) for token in ids]


def named(tokenizer: Any, token: int) -> str:
    """A token by itself, for a list of alternatives: its text, or its name where it has none."""
    text = tokenizer.decode([token], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    name = tokenizer.convert_ids_to_tokens(token)
    if str(name).startswith(WORD) and not text.startswith(" "):  # decoded alone, a word of such a tokenizer loses its space
        text = f" {text}"
    return text if text and BROKEN not in text else str(name)


def is_text(tokenizer: Any, token: int) -> bool:
    """Whether what it is named by can stand in a text: neither a mark nor part of a character."""
    text = tokenizer.decode([token], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return bool(text) and BROKEN not in text
