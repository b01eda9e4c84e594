"""The autoencoders in whose latents a diffusion model can work: which models they are, told from their cards without torch."""

from __future__ import annotations

from aigc.data import DataSpec
from aigc.knobs import as_values, read
from aigc.registry.card import ModelCard
from aigc.registry.entries import Entry, entries, on_data
from aigc.techniques import technique
from aigc.words import Refusal, both

NO_MAP = both("{s} has no map of codes: train a VAE with bottleneck=map, and take that.",
              "{s} 没有编码图：请训练一个 bottleneck=map 的 VAE，再选用它。")  # fmt: skip
OTHER_DATA = both("{s} was trained on {its}, so it has no codes for {d}: train an autoencoder on the same data.",
                  "{s} 是在 {its} 上训练的，不能编码 {d}：请在同一数据上训练自编码器。")  # fmt: skip


def has_map(technique_slug: object, config: object) -> bool:
    """Whether a model of this technique and config has a map of codes.  Raises Refusal for values that no model has."""
    info = technique(technique_slug)
    read_config = read(info.Config, config if isinstance(config, dict) else {})
    return as_values(read_config).get("bottleneck") == "map"


def autoencoder(slug: str, spec: DataSpec) -> Entry:
    """The entry of a model with codes for this data: its own, or those of the one inside it.  Raises Refusal."""
    return on_data(slug, spec, _has_codes, NO_MAP, OTHER_DATA)


def autoencoders() -> list[str]:
    """The names of all models with a map of codes, or with one inside, newest first."""
    return [e.slug for e in entries() if _suits(e.card)]


def _has_codes(card: ModelCard) -> bool:
    return bool(card.inside) or has_map(card.technique, card.config)


def _suits(card: ModelCard) -> bool:
    try:
        return _has_codes(card)
    except Refusal:  # made by another version: it says so itself where it is used
        return False
