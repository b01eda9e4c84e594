"""A sentence in the two languages of the page, and the error that carries one to the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = ("en", "zh")


@dataclass(frozen=True)
class Words:
    """The same words in English and Chinese; `words["zh"]` picks one."""

    en: str
    zh: str

    def __getitem__(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en

    def __str__(self) -> str:
        return self.en

    def fill(self, **values: object) -> Words:
        """Both languages with `{name}` replaced by the values; a value that is itself `Words` is translated too."""

        def one(lang: Lang) -> dict[str, object]:
            return {k: v[lang] if isinstance(v, Words) else v for k, v in values.items()}

        return Words(self.en.format(**one("en")), self.zh.format(**one("zh")))

    def as_json(self) -> dict[str, str]:
        return {"en": self.en, "zh": self.zh}


def both(en: str, zh: str) -> Words:
    return Words(en, zh)


class Refusal(Exception):
    """Something asked for cannot be done; the words say, to the person who asked, why and what to do instead."""

    def __init__(self, words: Words, **values: object):
        self.words = words.fill(**values) if values else words
        super().__init__(self.words.en)
