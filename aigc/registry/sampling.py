"""Samples in any number: the same seed gives the same ones, whatever the memory allows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aigc.knobs import knobs, read
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from torch import Tensor

    from aigc.techniques.base import Technique

BATCH = 100  # fixed, since what is drawn depends on it


def sampling_values(model: Technique, values: dict[str, Any]) -> dict[str, Any]:
    """Keywords for `sample`, from untrusted values of the technique's sampling knobs.  Raises Refusal."""
    Sampling = type(model).info.Sampling
    chosen = read(Sampling, values)
    return {name: getattr(chosen, name) for name in knobs(Sampling)}


def label_of(model: Technique, label: str | int | None) -> int | None:
    """A class from its number or its name in either language.  Raises Refusal, also if the model takes no label."""
    if label is None or label == "":
        return None
    names = model.spec.classes
    if not model.conditional:
        raise Refusal(both("This model was not trained with labels, so it cannot be asked for a class.", "这个模型训练时没有用标签，不能指定类别。"))
    wanted = str(label).strip().lower()
    for index, name in enumerate(names):
        if wanted in (str(index), name.en.lower(), name.zh.lower()):
            return index
    choices = both(", ".join(n.en for n in names), "、".join(n.zh for n in names))
    raise Refusal(both("There is no class {l}; choose from {all}.", "没有类别 {l}；可选：{all}。"), l=repr(wanted)[:40], all=choices)


def draw(
    model: Technique, n: int, seed: int = 0, label: int | None = None, how: dict[str, Any] | None = None, said: Callable[[int], None] | None = None
) -> tuple[Tensor, Tensor | None]:
    """n samples and their labels, on the CPU.  -> (n, C, H, W) in [0, 1] or (n, 2); (n,) int64, None without classes.

    A conditional model makes the class `label`, or all of them in turn.  `said(done)` hears how many there are.
    """
    import torch

    rng = torch.Generator(model.device).manual_seed(seed)
    labels = _labels(model, n, label)
    made = []
    with torch.inference_mode():
        for start, count in _pieces(n):
            some = labels[start : start + count].to(model.device) if labels is not None else None
            *_, x = model.sample(count, rng, some, **(how or {}))
            made.append(x.float().cpu())
            if said:
                said(start + count)
    x = torch.cat(made)
    return (x if model.spec.is_points else x.clamp(0, 1)), labels


def _labels(model: Technique, n: int, label: int | None) -> Tensor | None:
    import torch

    if not model.conditional:
        return None
    return torch.arange(n) % len(model.spec.classes) if label is None else torch.full((n,), label)


def _pieces(n: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, BATCH):
        yield start, min(BATCH, n - start)


def settings(how: dict[str, Any]) -> dict[str, Any]:
    """Sampling keywords as plain JSON values."""
    return {k: getattr(v, "value", v) for k, v in how.items()}
