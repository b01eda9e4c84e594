"""Samples in any number: the same seed gives the same ones, whatever the memory allows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from aigc.knobs import knobs, read
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from torch import Tensor

    from aigc.data import DataSpec
    from aigc.techniques.base import Technique

BATCH = 100  # fixed, since what is drawn depends on it


def sampling_values(model: Technique, values: dict[str, Any]) -> dict[str, Any]:
    """Keywords for `sample`, from untrusted values of the technique's sampling knobs, the others as they suit the model.  Raises Refusal."""
    info = type(model).info
    Sampling = info.Sampling
    chosen = read(Sampling, {**info.sampling_of(model.config), **values})
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


def draw(model: Technique, n: int, seed: int = 0, label: int | None = None, how: dict[str, Any] | None = None) -> tuple[Tensor, Tensor | None]:
    """n samples and their labels, on the CPU.  -> (n, C, H, W) in [0, 1] or (n, 2); (n,) int64, None without classes."""
    import torch

    made, labels = zip(*pieces(model, n, seed, label, how), strict=True)
    return torch.cat(made), torch.cat(labels) if labels[0] is not None else None


def pieces(
    model: Technique, n: int, seed: int = 0, label: int | None = None, how: dict[str, Any] | None = None
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The same, BATCH at a time, for more samples than fit into memory.  A conditional model makes `label`, or `turns`."""
    import torch

    rng, turn = torch.Generator(model.device).manual_seed(seed), turns(model.spec)
    for start in range(0, n, BATCH):
        size = min(BATCH, n - start)
        labels = None
        if model.conditional:
            labels = torch.tensor(list(islice(turn, size))) if label is None else torch.full((size,), label)
        with torch.inference_mode():
            x = model.make(size, rng, labels.to(model.device) if labels is not None else None, **(how or {}))
        x = x.float().cpu()
        yield (x if model.spec.is_points else x.clamp(0, 1)), labels


def turns(spec: DataSpec) -> Iterator[int]:
    """The classes in turn for the first BATCH samples, then always the one furthest behind its share of the training data.

    An even mixture is another distribution than the data's: on MNIST that alone is an FID of 0.08.
    """
    classes = range(len(spec.classes))
    counts = spec.class_counts or (1,) * len(classes)
    shares, made = [c / sum(counts) for c in counts], [0] * len(counts)
    for done in count():
        k = done % len(classes) if done < BATCH else max(classes, key=lambda k: shares[k] * done - made[k])
        made[k] += 1
        yield k


def settings(how: dict[str, Any]) -> dict[str, Any]:
    """Sampling keywords as plain JSON values."""
    return {k: getattr(v, "value", v) for k, v in how.items()}
