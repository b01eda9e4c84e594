"""The prose of a Markdown text: its sentences as they are read, without marks, code, tables, headings and addresses."""

from __future__ import annotations

import re
from typing import Any

from aigc.data.texts import HAN

FRONT = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
SIGN = re.compile(  # what plain prose has not: a heading, a fence, the rule of a table, emphasis, a link
    r"^#{1,6}[ \t]|^ {0,3}(?:```|~~~)|^\|?[ \t]*:?-{3,}:?[ \t]*\||\*\*(?=\S)[^*\n]{1,200}\*\*|\[[^\[\]\n]{1,200}\]\([^()\n]{1,200}\)", re.M
)
WIDE = rf"(?:{HAN}|[，。！？；：、…—）】》”’])"  # what a line of Chinese ends and begins with: no space stands there


def prose(text: str) -> str:
    """What is no Markdown stays as it is."""
    body = FRONT.sub("", text)
    if body == text and not SIGN.search(text):
        return text
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable("code")  # prose that is indented is no code
    tokens = parser.parse(body)
    said = (_said(t) for i, t in enumerate(tokens) if t.type == "inline" and tokens[i - 1].type == "paragraph_open" and _tells(tokens[i:]))
    return "\n\n".join(said)


def _tells(tokens: list[Any]) -> bool:
    """Whether a paragraph, the first of these, is more than a link, and more than the words before something that is left out."""
    first, follows = tokens[0], tokens[2].type if len(tokens) > 2 else ""
    is_a_link = [t.type for t in first.children if t.type != "text"] == ["link_open", "link_close"] and first.content.startswith("[")
    leads = first.content.rstrip("*_ ").endswith((":", "：")) and follows in ("fence", "table_open", "html_block")
    return not leads and not (is_a_link and first.content.endswith(")"))


def _said(paragraph: Any) -> str:
    """Its words; a line that was only broken to fit goes on, and one without words is a rule."""
    breaks = {"softbreak": "\n", "hardbreak": "\n\n"}
    whole = "".join(breaks.get(t.type, t.content if t.type in ("text", "code_inline") else "") for t in paragraph.children)
    parts = (" ".join(line.strip() for line in part.split("\n") if re.search(r"\w", line)) for part in whole.split("\n\n"))
    return re.sub(rf"(?<={WIDE}) (?={WIDE})", "", "\n".join(parts))
