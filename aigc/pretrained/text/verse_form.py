"""The rules of a Chinese quatrain, checked: four lines of one length, and rhymes as they sound today.

The rhyme is that of modern Mandarin, by pypinyin, not of the Tang (Pingshui): many an old rhyme no longer sounds like one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aigc.data.texts import HAN, lines_of
from aigc.words import Words, both

LINES = both("Four lines: there are {n}", "四句：共 {n} 句")
LENGTH = both("Five or seven characters in every line: {told}", "每句五字或七字：{told}")
RHYME = both("Lines two and four rhyme: {a} and {b}", "二、四句押韵：{a} 与 {b}")
FIRST = both("The first line rhymes with them, which it may: {a}", "首句入韵（可入可不入）：{a}")
SAME = both("They end in the same character, which is no rhyme", "两句以同一个字结尾，不算押韵")
NOTE = both(
    "Rhyme is judged by today's Mandarin, not by the rhyme tables of the Tang (Pingshui): old rhymes may fail here. Tonal patterns are not checked.",
    "押韵按现代普通话读音判断，不是唐诗所用的平水韵：古韵在这里可能不算。不检查平仄。",
)


@dataclass(frozen=True)
class Rule:
    words: Words
    kept: bool


@dataclass(frozen=True)
class Verdict:
    lines: tuple[tuple[str, str], ...]  # (line, how its last character is read today)
    rules: tuple[Rule, ...]

    @property
    def kept(self) -> bool:
        return all(rule.kept for rule in self.rules)


def judged(text: str) -> Verdict | None:
    """None where this is no Chinese verse."""
    lines = lines_of(text)
    if not lines or not all(re.fullmatch(rf"{HAN}+", line) for line in lines) or max(map(len, lines)) > 16:
        return None
    lengths = [len(line) for line in lines]
    rules = [
        Rule(LINES.fill(n=len(lines)), len(lines) == 4),
        Rule(LENGTH.fill(told=", ".join(map(str, lengths))), len(set(lengths)) == 1 and lengths[0] in (5, 7)),
    ]
    read = [reading(line) for line in lines]
    if len(lines) >= 4:
        second, fourth = lines[1], lines[3]
        words = SAME if second[-1] == fourth[-1] else RHYME.fill(a=f"{second[-1]} {read[1]}", b=f"{fourth[-1]} {read[3]}")
        rules.append(Rule(words, rhymes(lines)))
        if rhymes(lines) and final(lines[0]) == final(second):
            rules.append(Rule(FIRST.fill(a=f"{lines[0][-1]} {read[0]}"), True))
    return Verdict(tuple(zip(lines, read, strict=True)), tuple(rules))


def rhymes(lines: list[str]) -> bool:
    """Whether lines two and four end alike as they are read today; many a Tang rhyme no longer does."""
    return final(lines[1]) == final(lines[3]) and lines[1][-1] != lines[3][-1]


def reading(line: str) -> str:
    """The last character of a line in pinyin, with its tone."""
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(line, style=Style.TONE)[-1]


def final(line: str) -> str:
    """What the line rhymes on."""
    from pypinyin import Style, lazy_pinyin

    return rhyme(lazy_pinyin(line, style=Style.FINALS)[-1])


def rhyme(final: str) -> str:
    """A final without its glide: ian, uan and an rhyme; so do in and en, ong and eng, uo and e, ü and i, üe and ie."""
    final = {"in": "en", "uen": "en", "un": "en", "vn": "en", "ong": "eng", "iong": "eng", "ing": "eng", "ueng": "eng", "uo": "o", "e": "o",
             "v": "i", "ve": "ie", "uei": "ei", "ui": "ei", "iu": "ou", "iou": "ou"}.get(final, final)  # fmt: skip
    return final[1:] if (len(final) > 2 and final[0] in "iuv") or final in ("ia", "ua") else final
