"""Texts to learn language from: Tang quatrains, three hundred Tang poems, and Shakespeare's plays, all found in AIGC_DATA_DIR."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aigc.data.sources import find_file
from aigc.words import Refusal, both

REPO = "local/text"
QUATRAINS, POEMS, PLAYS = "tang_jueju_zh_hans.tsv", "tang_300_zh_hans.txt", "tinyshakespeare.txt"
NOT_HERE = both(
    "This needs the text file {name}: set AIGC_DATA_DIR to a folder that holds it as {repo}/{name}.",
    "这需要文本文件 {name}：请把 AIGC_DATA_DIR 设为含有 {repo}/{name} 的文件夹。",
)
HAN = r"[\u3400-\u9fff\U00020000-\U0003134f]"
ENDS = "，。？！；、"
SHARE_OF_PLAYS = 0.9  # learnt from; the rest is held out, as everybody does with this file


@dataclass(frozen=True)
class Quatrain:
    """Four lines of five or seven characters; the second and the fourth close a sentence."""

    title: str
    author: str
    lines: tuple[str, str, str, str]

    @property
    def text(self) -> str:
        a, b, c, d = self.lines
        return f"{a}，{b}。\n{c}，{d}。"


def read(name: str) -> str:
    """The text of one of the files above.  Raises Refusal, which says where it belongs."""
    file = find_file(REPO, name)
    if file is None:
        raise Refusal(NOT_HERE, name=name, repo=REPO)
    return file.read_text(encoding="utf-8")


def quatrains() -> list[Quatrain]:
    """Every Tang quatrain that has four whole lines of one length."""
    rows = (row.split("\t") for row in read(QUATRAINS).splitlines())
    parted = ((title, author, lines_of(poem)) for title, author, _, poem in rows)
    return [Quatrain(title.strip(), author, (a, b, c, d)) for title, author, (a, b, c, d) in (p for p in parted if is_quatrain(p[2]))]


def poems() -> list[tuple[str, str]]:
    """(title, text) of three hundred Tang poems, of every form."""
    blocks = (block.splitlines() for block in read(POEMS).strip().split("\n\n"))
    return [(title, "\n".join(lines)) for title, _, *lines in blocks if lines]


def plays() -> tuple[str, str]:
    """Shakespeare: (nine tenths to learn from, the last tenth held out)."""
    text = read(PLAYS)
    cut = int(len(text) * SHARE_OF_PLAYS)
    return text[:cut], text[cut:]


def lines_of(poem: str) -> list[str]:
    """The lines of a Chinese poem without their punctuation."""
    return [line for line in re.split(rf"[{ENDS}\s]+", poem) if line]


def is_quatrain(lines: list[str]) -> bool:
    """Four lines, all of five or all of seven Chinese characters."""
    return len(lines) == 4 and len(lines[0]) in (5, 7) and all(re.fullmatch(rf"{HAN}{{{len(lines[0])}}}", line) for line in lines)
