"""How a model was made, as the line to type in a shell."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from aigc.knobs import as_values, knobs, read
from aigc.options import Options
from aigc.registry.card import SLUG, ModelCard, spec_from_json
from aigc.registry.entries import entry
from aigc.techniques import technique
from aigc.words import Refusal


def shell_command(card: ModelCard, program: str = "python -m aigc") -> str:
    """`python -m aigc train ...` that makes this model again: a preset and every knob that differs from it."""
    words = [*program.split(), "train", card.technique, "--data", card.data]
    preset = _preset_values(card)
    if card.preset and preset:
        words += ["--preset", card.preset]
    asked = _own(card) if preset else {**card.config, **card.options}
    for budget, other in (("images", "seconds"), ("seconds", "images")):
        if asked.get(budget) and not asked.get(other):  # in a shell, either budget sets the other to "no limit"
            words += [f"--{budget}", _text(asked.pop(budget))]
            asked.pop(other, None)
    words += ["--seed", _text(asked.pop("seed", card.seed))]
    for name, value in asked.items():
        if name not in preset or preset[name] != value:
            words += ["--set", f"{name}={_text(value)}"]
    return shlex.join([*words, "--name", card.slug])


def _own(card: ModelCard) -> dict[str, Any]:
    """Its knobs, but for those that a model takes over from its teacher.  Those that are younger than the card stood at their defaults."""
    Config = technique(card.technique).Config
    config = {**as_values(read(Config, {})), **card.config}
    if card.config.get("teacher"):
        known = knobs(Config)
        config = {name: value for name, value in config.items() if name not in known or (known[name].when or ("",))[0] != "teacher"}
    return {**config, **as_values(read(Options, {})), **card.options}


def shell_commands(card: ModelCard) -> list[str]:
    """Every line it takes to make this model: those of a teacher, or of the one it started from, that did not come along, that of
    the autoencoder inside it, where the card knows it, then its own."""
    return [shell_command(c) for c in (*_others(card, {card.slug}), *_before(card), card)]


def _others(card: ModelCard, seen: set[str]) -> Iterator[ModelCard]:
    for slug in (card.config.get("teacher"), card.options.get("start")):
        if isinstance(slug, str) and slug and slug not in seen:
            with contextlib.suppress(Refusal):
                found = entry(slug)
                if not found.shipped:
                    yield from _others(found.card, seen | {slug})
                    yield found.card


def _before(card: ModelCard) -> Iterator[ModelCard]:
    slug, kind, config, options, preset, seed = (card.inside.get(k) for k in ("slug", "technique", "config", "options", "preset", "seed"))
    texts = isinstance(slug, str) and SLUG.match(slug) and isinstance(kind, str) and isinstance(preset, str)
    if texts and isinstance(config, dict) and isinstance(options, dict) and type(seed) is int:
        yield ModelCard(str(slug), str(kind), card.data, card.spec, config, options, preset=str(preset), seed=seed)


def card_of_run(record: Mapping[str, Any], **known: Any) -> ModelCard:
    """The card of the model that a run makes, from its run.json; `known` holds what the caller knows better."""
    asked, spec = record["request"], record.get("spec") or {}
    begun = datetime.fromtimestamp(record.get("ended") or record.get("created") or 0, UTC)
    values = {
        "slug": record.get("model") or asked.get("name") or f"{asked['technique']}-{asked['data']}",
        **{k: asked[k] for k in ("technique", "data", "config", "options", "preset", "owner", "parent") if k in asked},
        **{k: record[k] for k in ("images", "steps", "seconds", "device", "code_version") if record.get(k)},
        "spec": spec,
        "licence": spec.get("licence", ""),
        "credit": spec.get("credit", ""),
        "seed": asked.get("options", {}).get("seed", 0),
        "run": record["id"],
        "created": begun.isoformat(timespec="seconds"),
    }
    return ModelCard(**{**values, **known})


def full_values(card: ModelCard) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every knob of this model by name, defaults spelled out: (config, options).  Raises Refusal."""
    info = technique(card.technique)
    return as_values(read(info.Config, card.config)), as_values(read(Options, card.options))


def _preset_values(card: ModelCard) -> Mapping[str, Any]:
    """Every knob as the card's preset sets it; nothing if technique or preset are not known here."""
    try:
        config, options = technique(card.technique).read({}, spec_from_json(card.spec), card.preset or "quick")
    except Refusal:
        return {}
    return {**as_values(config), **as_values(options)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) and not value.is_integer() else f"{value:.0f}" if isinstance(value, float) else str(value)
