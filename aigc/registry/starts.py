"""The models that a training can start from instead of from chance: which they are, told from their cards without torch."""

from __future__ import annotations

from typing import Any

from aigc.data import DataSpec
from aigc.knobs import Knob, knobs, read, said
from aigc.registry.card import spec_from_json
from aigc.registry.entries import Entry, entries, entry
from aigc.techniques import technique
from aigc.words import Lang, Refusal, both

OTHER_KIND = both("{s} is of another technique: to start from it, train {its}.", "{s} 属于另一种技术：要从它开始，请训练{its}。")
OTHER_SHAPE = both("{s} was trained on {its}, whose pictures or classes are not those of {d}: choose data that match.",
                   "{s} 是在 {its} 上训练的，其图像尺寸或类别数与 {d} 不同：请选用相符的数据。")  # fmt: skip
OTHER_SETTINGS = both("To start from {s}, be as it is: {list}.", "要从 {s} 开始，请与它一致：{list}。")
NONE = both("none", "无")


def start(slug: str, technique_slug: str, config: Any, spec: DataSpec) -> Entry:
    """The entry of a model whose weights mean the same in a model of this technique, config and data: whatever is fixed while one
    trains is as it was.  Raises Refusal."""
    found = entry(slug)
    if found.card.technique != technique_slug:
        raise Refusal(OTHER_KIND, s=slug, its=technique(found.card.technique).title)
    its = spec_from_json(found.card.spec)
    if its.shape != spec.shape or len(its.classes) != len(spec.classes):
        raise Refusal(OTHER_SHAPE, s=slug, its=its.title, d=spec.title)
    theirs = read(type(config), found.card.config)
    fixed = [k for k in knobs(type(config)).values() if not k.live and k.group != "run"]
    differing = [k for k in fixed if getattr(theirs, k.name) != getattr(config, k.name)]
    if differing:
        told = (("; " if lang == "en" else "；").join(_told(k, theirs, lang) for k in differing) for lang in ("en", "zh"))
        raise Refusal(OTHER_SETTINGS, s=slug, list=both(*told))
    return found


def starts(technique_slug: str) -> list[str]:
    """The names of all models of this technique, newest first."""
    return [e.slug for e in entries() if e.card.technique == technique_slug]


def _told(k: Knob, config: Any, lang: Lang) -> str:
    return f"{k.label[lang]} = {said(getattr(config, k.name), lang) or NONE[lang]}"
