"""The articles of "How it works": Markdown beside this file, with names that are looked up, so that they cannot go stale.

`{{knob beta}}` and `{{choice loss hinge}}` become the words on the form, `{{term kl}}` the name of a curve in its colour.  In
formulas `\\term{kl}{...}` puts that name under a part, and `\\real{x}`, `\\maker{G}` ... paint it in the colour of a role.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aigc.knobs import Choice, Knob, knobs
from aigc.options import Options
from aigc.techniques import Role, TechniqueInfo
from aigc.ui import palette
from aigc.words import LANGS, Lang

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
SECTIONS = ("idea", "architecture", "objective", "code", "tricks", "watch", "wrong", "mistakes", "reading")
HEADING = re.compile(r"^## (?P<title>.+?) <!-- (?P<key>\w+) -->$", re.MULTILINE)
NAME = re.compile(r"\{\{(\w+) ([^{}]+)\}\}")
ROLES = {role.value: role for role in Role}


class Stale(ValueError):
    """An article speaks of a knob, a choice or a curve that there is not."""


@cache
def article(slug: str, lang: Lang) -> dict[str, tuple[str, str]]:
    """The sections as written: {key: (title, Markdown)}, in order; empty if nobody wrote one."""
    path = FOLDER / f"{slug}.{lang}.md"
    if lang not in LANGS or not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    found = list(HEADING.finditer(text))
    ends = [m.start() for m in found[1:]] + [len(text)]
    return {m["key"]: (m["title"], text[m.end() : end].strip()) for m, end in zip(found, ends, strict=True)}


def written(info: TechniqueInfo, lang: Lang) -> dict[str, tuple[str, str]]:
    """The article with every name looked up: {key: (title, Markdown for the page)}.  Raises Stale."""
    return {key: (title, _names(_formulas(body, info, lang), info, lang)) for key, (title, body) in article(info.slug, lang).items()}


def knob_of(info: TechniqueInfo, name: str) -> Knob:
    for config in (info.Config, Options, info.Sampling):
        if name in knobs(config):
            return knobs(config)[name]
    raise Stale(f"{info.slug} has no knob {name!r}")


def _names(text: str, info: TechniqueInfo, lang: Lang) -> str:
    def knob(name: str) -> str:
        k = knob_of(info, name)
        return f'<span class="aigc-names-knob" title="{html.escape(k.help[lang])}">{html.escape(k.label[lang])}</span>'

    def choice(names: str) -> str:
        name, value = names.split()
        kind = knob_of(info, name).kind
        if not issubclass(kind, Choice) or value not in [m.value for m in kind]:
            raise Stale(f"{info.slug}: {name} cannot be {value!r}")
        return f'<span class="aigc-names-choice">{html.escape(kind(value).words[lang])}</span>'  # type: ignore[call-arg]

    def term(name: str) -> str:
        if name not in info.terms:
            raise Stale(f"{info.slug} has no curve {name!r}")
        t = info.terms[name]
        colour = f"color:var(--aigc-{t.role.value})"
        return f'<span class="aigc-names-term" style="{colour}" title="{html.escape(t.help[lang])}">{html.escape(t.label[lang])}</span>'

    kinds: dict[str, Callable[[str], str]] = {"knob": knob, "choice": choice, "term": term}
    return NAME.sub(lambda m: kinds[m[1]](m[2]), text)


def _formulas(text: str, info: TechniqueInfo, lang: Lang) -> str:
    for name in terms_in(text):
        if name not in info.terms:
            raise Stale(f"{info.slug} has no curve {name!r}")
    out, at = [], 0
    for start, name, inner, end in _named(text):
        t = info.terms[name]
        label = palette.latex(t.role, rf"\text{{{t.label[lang]}}}")
        out += [text[at:start], rf"\underbrace{{{inner}}}_{{{label}}}"]
        at = end
    text = "".join([*out, text[at:]])
    for name, role in ROLES.items():
        text = text.replace(rf"\{name}{{", rf"\textcolor{{{palette.colour(role)}}}{{")
    return text


def terms_in(text: str) -> list[str]:
    """The curves that formulas and sentences name."""
    return [name for _, name, _, _ in _named(text)] + [m[2] for m in NAME.finditer(text) if m[1] == "term"]


def _named(text: str) -> Iterator[tuple[int, str, str, int]]:
    r"""Every \term{name}{inner}: (start, name, inner, end)."""
    for m in re.finditer(r"\\term\{(\w+)\}\{", text):
        depth, at = 1, m.end()
        while depth and at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0) * (text[at - 1] != "\\")
            at += 1
        yield m.start(), m[1], text[m.end() : at - 1], at
