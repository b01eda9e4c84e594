"""Evaluation: what a model's samples are worth, in figures that name what they were measured with.  Nothing here needs torch; run.py does."""

from __future__ import annotations

from typing import Any

from aigc.data import DataSpec
from aigc.evaluate.feature_card import has_network
from aigc.evaluate.report import PARTS, Figure, Report, Series, picture_of, reports
from aigc.evaluate.terms import measured_terms
from aigc.knobs import knobs, read
from aigc.registry import Entry
from aigc.techniques import technique

__all__ = ["PARTS", "Figure", "Report", "Series", "dial_of", "has_network", "measured_terms", "parts_for", "picture_of", "reports"]

DIALS = ("guidance", "truncation", "temperature")  # knobs of sampling that buy quality with variety


def parts_for(entry: Entry, data: DataSpec) -> tuple[str, ...]:
    """Which parts of an evaluation make sense for this model and this data; none if it makes something else than they are."""
    card = entry.card
    if tuple(card.spec["shape"]) != data.shape:
        return ()
    if data.is_points:
        return ("points",)
    seen, info = has_network(data), technique(card.technique)
    config = read(info.Config, card.config)
    has_labels = not getattr(config, "conditional", False) or len(card.spec["classes"]) in (0, len(data.classes))  # or it needs none
    makes_sense = {
        "fidelity": seen,
        "likelihood": card.technique in ("vae", "diffusion") and not getattr(config, "teacher", "") and has_labels,  # a shortcut knows only its pairs
        "reconstruction": info.can_encode and hasattr(config, "latent"),
        "usefulness": bool(data.classes) and (seen or getattr(config, "conditional", False)),
        "memorisation": True,
        "tradeoff": seen and bool(dial_of(info.Sampling, config)),
    }
    return tuple(part for part in PARTS if makes_sense.get(part))


def dial_of(Sampling: type, config: Any) -> str:
    """The sampling knob that buys quality with variety; "" where there is none.  Guidance needs classes that were hidden now and then."""
    known = knobs(Sampling)
    guided = getattr(config, "guidable", False)
    return next((name for name in DIALS if name in known and (name != "guidance" or guided)), "")
