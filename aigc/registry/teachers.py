"""The models whose shortcut another can learn: which they are, told from their cards without torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aigc.data import DataSpec
from aigc.knobs import read
from aigc.registry.card import ModelCard
from aigc.registry.entries import Entry, entries, on_data
from aigc.techniques import technique
from aigc.techniques.diffusion import Config, Path, Target
from aigc.words import Refusal, both

NO_FLOW = both("{s} cannot be gone straighter: choose a diffusion model trained with flow matching that predicts the velocity.",
               "{s} 没有可走的捷径：请选用以流匹配训练、预测速度的扩散模型。")  # fmt: skip
OTHER_DATA = both("{s} was trained on {its}: choose a model of {d}.", "{s} 是在 {its} 上训练的：请选用 {d} 的模型。")


def teacher(slug: str, spec: DataSpec) -> Entry:
    """The entry of a model on this data whose path can be straightened.  Raises Refusal."""
    return on_data(slug, spec, _flows, NO_FLOW, OTHER_DATA)


def teachers() -> list[str]:
    """The names of all models whose path can be straightened, newest first."""
    return [e.slug for e in entries() if _flows(e.card)]


def taught(config: Any, spec: DataSpec) -> Any:
    """The config of a model that learns from another: the other's, but for what it may choose itself.  Raises Refusal."""
    theirs = read(Config, teacher(config.teacher, spec).card.config)
    return replace(theirs, teacher=config.teacher, dropout=config.dropout, compiling=config.compiling)


def _flows(card: ModelCard) -> bool:
    if card.technique != "diffusion":
        return False
    try:
        config = read(technique(card.technique).Config, card.config)
    except Refusal:  # made by another version: it says so itself where it is used
        return False
    return config.path is Path.STRAIGHT and config.predicts is Target.VELOCITY
