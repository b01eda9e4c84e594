"""What is lost on the way through a code of so many numbers, beside what principal components of the same number lose."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from aigc import registry
from aigc.data.load import Dataset
from aigc.evaluate.neighbours import mean_and_error
from aigc.evaluate.report import Line, Series
from aigc.evaluate.subject import Found, Subject
from aigc.evaluate.text import figure
from aigc.registry import Entry
from aigc.techniques.base import Technique
from aigc.words import Refusal, both

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
MOST_VALUES = 4096  # of a picture whose covariance is worked out whole
OTHERS, OTHERS_PICTURES = 12, 2000  # models on the same data drawn beside this one, and the test pictures they rebuild

FITTING = both("Fitting principal components", "正在拟合主成分")
LINES = {
    "components": both("principal components", "主成分"),
    "model": both("this model", "此模型"),
    "others": both("other models here", "此处的其他模型"),
}


def examine(subject: Subject) -> Iterator[Found]:
    model, data = subject.model, subject.data
    size = code_size(model)
    errors = reconstruction_errors(model, data, len(data.test_x))
    value, error = mean_and_error(errors)
    yield FITTING
    floors = principal_errors(data, tuple(sorted({*SIZES, size})))
    yield figure("reconstruction", value, error, n=len(errors), size=size)
    if size in floors:
        yield figure("principal_components", floors[size], n=len(errors), size=size)
        yield figure("reconstruction_ratio", value / floors[size], error / floors[size], n=len(errors))
    others = list(other_models(subject))
    lines: dict[str, Line] = {
        "components": [(float(k), v, None) for k, v in floors.items()],
        "model": [(float(size), value, error)],
        **({"others": others} if others else {}),
    }
    yield (
        "reconstruction",
        Series(
            both("Reconstruction error by size of the code", "重建误差随编码维数的变化"),
            both("numbers in the code", "编码维数"),
            both("test MSE per pixel", "每像素测试 MSE"),
            lines,
            LINES,
            both(
                "Below the line of principal components, what the network learnt beyond a linear map pays.",
                "低于主成分曲线，说明网络学到了线性映射之外的东西。",
            ),
            part="reconstruction",
        ),
    )


def code_size(model: Technique) -> int:
    """How many numbers a picture is coded by."""
    return model.latents(1, Generator(model.device)).numel()


def reconstruction_errors(model: Technique, data: Dataset, n: int, batch: int = 500) -> Tensor:
    """Mean squared error of every one of the first n test pictures, coded and decoded.  -> (n,)"""
    rng = Generator(model.device).manual_seed(0)
    found = []
    with torch.inference_mode():
        for start in range(0, n, batch):
            x = (data.test_x[start : start + batch].float() / 255).to(model.device)
            labels = data.test_labels[start : start + batch].to(model.device) if model.conditional and data.test_labels is not None else None
            *_, z = model.encode(x, labels, rng=rng)
            *_, back = model.decode(z, labels, rng=rng)
            found.append((back.float().clamp(0, 1) - x).square().flatten(1).mean(1).cpu())
    return torch.cat(found)


def principal_errors(data: Dataset, sizes: tuple[int, ...]) -> dict[int, float]:
    """Mean squared error per pixel of the test pictures on the first k principal components of the training pictures, for every k."""
    test = data.test_x.float().flatten(1) / 255
    train = data.x.float().flatten(1) / 255
    mean = train.mean(0)
    most = min(max(sizes), min(train.shape) - 1)
    if train.shape[1] <= MOST_VALUES:
        axes = torch.linalg.eigh((train - mean).T @ (train - mean) / len(train)).eigenvectors.flip(1)[:, :most]
    else:
        torch.manual_seed(0)  # the sketch draws from the global generator
        axes = torch.pca_lowrank(train[torch.randperm(len(train))[:5000]] - mean, q=most, center=False)[2]
    away = test - mean
    kept = (away @ axes).square().mean(0).cumsum(0)
    whole = away.square().sum(1).mean()
    return {k: max(0.0, float(whole - kept[k - 1])) / test.shape[1] for k in sizes if k <= most}


def other_models(subject: Subject) -> Iterator[tuple[float, float, float | None]]:
    """(size of the code, error, standard error) of the newest other models of this kind on this data."""
    kind, own = type(subject.model).info.slug, subject.data.spec
    alike = [e for e in registry.entries() if (e.card.technique, e.card.data) == (kind, own.name) and e.slug != subject.slug]
    for entry in alike[:OTHERS]:
        if (found := _other(entry, subject)) is not None:
            yield found


def _other(entry: Entry, subject: Subject) -> tuple[float, float, float | None] | None:
    try:
        model = registry.load(entry.slug, str(subject.model.device))
    except Refusal:
        return None
    if tuple(model.spec.shape) != subject.data.spec.shape:
        return None
    value, error = mean_and_error(reconstruction_errors(model, subject.data, min(OTHERS_PICTURES, len(subject.data.test_x))))
    return float(code_size(model)), value, error
