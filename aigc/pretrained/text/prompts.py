"""What the model of verse is asked when somebody gives a title, a first line, or the beginning of a speech."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aigc.data.texts import HAN
from aigc.pretrained import verse
from aigc.pretrained.text.asked import Shape
from aigc.words import Refusal, both

LONGEST_TITLE = 16  # characters, as it learnt them
NOT_OF_VERSE = both("Only the model of verse knows titles and first lines: choose “{plain}” for this one.",
                    "只有诗句模型认得题目和首句：此模型请选“{plain}”。")  # fmt: skip
NO_LINE = both("A first line has five or seven Chinese characters; this has {n}.", "首句应为五个或七个汉字；这里有 {n} 个。")
MARKED = both("The marks in the prompt say already what you give: choose “{auto}”, or take them out.",
              "提示里的标记已说明给的是什么：请选“{auto}”，或去掉标记。")  # fmt: skip
MARK = re.compile("|".join(map(re.escape, verse.MARKS)))
NO_TITLE = both("A title has at most {n} characters.", "题目最多 {n} 个字。")


@dataclass(frozen=True)
class Prompt:
    """`asked` is what the model reads, `shown` the part of it that belongs to the text, `title` stands above it."""

    asked: str
    shown: str
    title: str = ""


def prompt(text: str, shape: Shape, is_of_verse: bool) -> Prompt:
    """Raises Refusal."""
    if not is_of_verse:
        if shape not in (Shape.AUTO, Shape.PLAIN):
            raise Refusal(NOT_OF_VERSE, plain=Shape.PLAIN.words)
        return Prompt(text, text)
    if MARK.search(text):
        if shape not in (Shape.AUTO, Shape.PLAIN):
            raise Refusal(MARKED, auto=Shape.AUTO.words)
        return marked(text)
    if shape is Shape.AUTO:
        shape = looks_like(text)
    bare = re.sub(r"[\s，。,.]+$", "", text.strip())
    if shape is Shape.FIRST_LINE:
        if not re.fullmatch(rf"{HAN}{{5}}|{HAN}{{7}}", bare):
            raise Refusal(NO_LINE, n=len(re.findall(HAN, bare)))
        return Prompt(verse.from_first_line(bare), f"{bare}，")
    if shape in (Shape.TITLE_5, Shape.TITLE_7):
        return Prompt(verse.from_title(titled(bare), 5 if shape is Shape.TITLE_5 else 7), "", bare)
    return Prompt(verse.from_beginning(text), text) if shape is Shape.PLAY else Prompt(text, text)


def marked(text: str) -> Prompt:
    """A prompt with the model's own marks in it: the title stands before the mark of the poem, the beginning of the text after it."""
    head, mark, rest = text.partition(verse.BEGIN)
    title, shown = (head, rest) if mark else ("", head)
    return Prompt(text, MARK.sub("", shown), titled(MARK.sub("", title).strip()))


def onward(text: str, shape: Shape, is_of_verse: bool, written: str) -> tuple[str, Shape]:
    """What to ask, so that a model that wrote this much from a prompt goes on from there; plain where that is read the same, else with its marks.

    Raises Refusal.
    """
    begun = prompt(text, shape, is_of_verse)
    if not is_of_verse:
        return begun.asked + written, shape
    plain, whole = begun.shown + written, begun.asked + written
    is_same = not begun.title and prompt(plain, Shape.AUTO, is_of_verse).asked == whole
    if is_same:
        return plain, Shape.AUTO
    return whole, Shape.AUTO if MARK.search(whole) else Shape.PLAIN


def titled(title: str) -> str:
    """Raises Refusal."""
    if len(title) > LONGEST_TITLE:
        raise Refusal(NO_TITLE, n=LONGEST_TITLE)
    return title


def looks_like(text: str) -> Shape:
    """Five or seven Chinese characters are a first line, other short Chinese a title, Latin letters a play; anything else is as it is."""
    bare = re.sub(r"[\s，。,.]+$", "", text.strip())
    if re.fullmatch(rf"{HAN}{{5}}|{HAN}{{7}}", bare):
        return Shape.FIRST_LINE
    if re.fullmatch(rf"{HAN}{{1,{LONGEST_TITLE}}}", bare):
        return Shape.TITLE_5
    return Shape.PLAIN if re.search(HAN, text) else Shape.PLAY
