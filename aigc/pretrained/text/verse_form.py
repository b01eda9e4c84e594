"""The rules of a Chinese quatrain, checked: four lines of one length, and rhymes as they sound today.

The rhyme is that of modern Mandarin, by pypinyin and the fourteen rhymes of Zhonghua Xinyun (2005), its tones aside, not of the Tang
(Pingshui): many an old rhyme no longer sounds like one.  A character that is read in several ways rhymes by any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import product

from aigc.data.texts import HAN, lines_of
from aigc.words import Words, both

LINES = both("Four lines: there are {n}", "四句：共 {n} 句")
LENGTH = both("Five or seven characters in every line: {told}", "每句五字或七字：{told}")
RHYME = both("Lines two and four rhyme: {a} and {b}", "二、四句押韵：{a} 与 {b}")
FIRST = both("The first line rhymes with them, which it may: {a}", "首句入韵（可入可不入）：{a}")
SAME = both("They end in the same character, which is no rhyme", "两句以同一个字结尾，不算押韵")
NOTE = both(
    "Rhyme is judged by today's Mandarin (the fourteen rhymes of Zhonghua Xinyun), not by the rhyme tables of the Tang (Pingshui): old rhymes "
    "may fail here. A character with several readings may rhyme by any of them. Tonal patterns are not checked.",
    "押韵按现代普通话读音（中华新韵十四韵）判断，多音字任一读音押韵即可，不是唐诗所用的平水韵：古韵在这里可能不算。不检查平仄。",
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
    read = [readings(line)[0] for line in lines]
    if len(lines) >= 4:
        second, fourth = lines[1], lines[3]
        read[1], read[3] = rhymed(second, fourth) or (read[1], read[3])
        words = SAME if second[-1] == fourth[-1] else RHYME.fill(a=f"{second[-1]} {read[1]}", b=f"{fourth[-1]} {read[3]}")
        rules.append(Rule(words, rhymes(lines)))
        if rhymes(lines) and (first := next((r for r in readings(lines[0]) if rhyme(r) == rhyme(read[1])), None)):
            read[0] = first
            rules.append(Rule(FIRST.fill(a=f"{lines[0][-1]} {read[0]}"), True))
    return Verdict(tuple(zip(lines, read, strict=True)), tuple(rules))


def rhymes(lines: list[str]) -> bool:
    """Whether lines two and four end alike as they are read today; many a Tang rhyme no longer does."""
    return rhymed(lines[1], lines[3]) is not None and lines[1][-1] != lines[3][-1]


def rhymed(a: str, b: str) -> tuple[str, str] | None:
    """The readings of their last characters by which two lines rhyme: as the line has it if that will do, else any."""
    pairs = product(readings(a), readings(b))
    return next(((x, y) for x, y in pairs if rhyme(x) == rhyme(y)), None)


def readings(line: str) -> list[str]:
    """The last character of a line in pinyin, with its tone: as it is read there, then as it is read in other words of today."""
    from pypinyin import Style, lazy_pinyin, pinyin

    here = lazy_pinyin(line, style=Style.TONE)[-1]
    others = pinyin(line[-1:], style=Style.TONE, heteronym=True)[0]
    return [here, *(r for r in others if r != here and r in in_words().get(line[-1], ()))]


@cache
def in_words() -> dict[str, set[str]]:
    """The readings that each character has in the words of pypinyin's dictionary: its own table has many that died out, 年 nìng for one."""
    from pypinyin.constants import PHRASES_DICT

    found: dict[str, set[str]] = {}
    for word, read in PHRASES_DICT.items():
        for character, reading in zip(word, read, strict=False):
            found.setdefault(character, set()).update(reading)
    return found


def rhyme(reading: str) -> str:
    """Which of the fourteen rhymes of Zhonghua Xinyun (2005) a syllable belongs to: finals without their glide, some of them together.

    ian, uan and an rhyme; so do in and en, ong and eng, uo and e, ü, er and i, üe and ie.  The i of zhi, chi, shi, ri, zi, ci and si
    is another sound than that of yi, and a rhyme of its own.
    """
    from pypinyin.contrib.tone_convert import to_finals, to_normal

    if re.fullmatch("([zcs]h?|r)i", to_normal(reading)):
        return "-i"
    final = to_finals(reading, strict=True, v_to_u=False)
    final = {"in": "en", "uen": "en", "un": "en", "vn": "en", "ong": "eng", "iong": "eng", "ing": "eng", "ueng": "eng", "uo": "o", "io": "o",
             "e": "o", "v": "i", "er": "i", "ve": "ie", "uei": "ei", "ui": "ei", "iu": "ou", "iou": "ou"}.get(final, final)  # fmt: skip
    return final[1:] if (len(final) > 2 and final[0] in "iuv") or final in ("ia", "ua") else final
