"""The techniques: each is a folder here with what may be asked (`__init__.py`, no torch) and what is done (`model.py`).

A folder whose `__init__.py` defines `TECHNIQUE` adds its tab, form, command, registry kind and contract tests.
The page reads only the light half, so that it opens before torch is loaded.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from aigc.knobs import Choice, knobs, read
from aigc.options import Options
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from aigc.data import DataSpec
    from aigc.techniques.base import Technique


class Role(Choice):
    """What a colour means everywhere on the page; ui/palette.py gives each its two values."""

    REAL = "real", both("real data", "真实数据")
    GENERATED = "generated", both("generated data", "生成数据")
    NOISE = "noise", both("noise or latent", "噪声或潜变量")
    JUDGE = "judge", both("the network that judges", "评判的网络")
    MAKER = "maker", both("the network that makes", "生成的网络")
    LOSS = "loss", both("a loss being descended", "正在下降的损失")
    WARNING = "warning", both("a warning", "警告")


@dataclass(frozen=True)
class Term:
    """A curve: a loss term or health figure that the technique's losses return under this name."""

    label: Words
    help: Words  # one sentence: what it is and what to watch for
    role: Role = Role.LOSS
    unit: str = ""  # "nats", "MSE", "probability", ...
    panel: str = "loss"  # curves with the same panel share one plot: "loss", "health", ...
    row: bool = False  # a row of numbers (a bar chart), not a curve


@dataclass(frozen=True)
class TechniqueInfo:
    """The light half of a technique."""

    slug: str
    title: Words
    summary: Words  # one sentence
    Config: type[Any]
    Sampling: type[Any]  # the knobs of sampling: what `decode` accepts as keywords
    model: str  # "package.module:Class", imported when needed
    terms: dict[str, Term]
    presets: Callable[[DataSpec], dict[str, dict[str, Any]]]  # data -> {"quick": {knob: value}, "good", "long", ...}; config and options mixed
    order: int = 100  # place among the tabs
    can_encode: bool = False  # reconstruct, walk the plane, noise an image
    latent_plane: bool = False  # a 2-D plane of latents can be decoded by clicking on it
    conditional: bool = False  # can take labels when its config says so
    sampling_of: Callable[[Any], dict[str, Any]] = lambda config: {}  # config -> knobs of sampling whose start depends on the model
    steps: tuple[str, ...] = field(default=())  # phases that "one step" can run alone; empty: only all together

    def load(self) -> type[Technique]:
        """The heavy half: imports torch."""
        module, name = self.model.split(":")
        return getattr(importlib.import_module(module), name)

    def read(self, values: Mapping[str, Any], data: DataSpec, preset: str = "quick") -> tuple[Any, Options]:
        """Config and options from a preset for this data, overridden by `values`.  Raises Refusal."""
        table = self.presets(data)
        if preset not in table:
            raise Refusal(both("There is no preset {p}; choose from {all}.", "没有预设 {p}；可选：{all}。"), p=preset, all=", ".join(table))
        merged = {**table[preset], **values}
        mine = knobs(self.Config)
        config: Any = read(self.Config, {k: v for k, v in merged.items() if k in mine})
        return config, read(Options, {k: v for k, v in merged.items() if k not in mine})


def suits(config: Any, spec: DataSpec) -> None:
    """Raises Refusal where a config makes no sense for data of this kind; a config has its own say in a method `suits`."""
    if getattr(config, "conditional", False) and not spec.classes:
        raise Refusal(both("{d} has no labels, so a model cannot be told classes.", "{d} 没有标签，模型无法按类别生成。"), d=spec.title)
    if check := getattr(config, "suits", None):
        check(spec)


@cache
def techniques() -> dict[str, TechniqueInfo]:
    """All techniques by slug, in the order of their tabs."""
    found = []
    for entry in pkgutil.iter_modules(__path__):
        if entry.ispkg:
            info = getattr(importlib.import_module(f"{__name__}.{entry.name}"), "TECHNIQUE", None)
            if info is not None:
                found.append(info)
    return {info.slug: info for info in sorted(found, key=lambda i: (i.order, i.slug))}


def technique(slug: object) -> TechniqueInfo:
    """The technique called `slug`.  Raises Refusal."""
    table = techniques()
    if not isinstance(slug, str) or slug not in table:
        raise Refusal(
            both("There is no technique {s}; choose from {all}.", "没有名为 {s} 的技术；可选：{all}。"), s=repr(slug)[:40], all=", ".join(table)
        )
    return table[slug]
