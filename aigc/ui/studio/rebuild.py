"""Real images into a model and out again, and the ways of a denoiser between image and noise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import Tensor

from aigc.ui.studio.make import checked, generator, states
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from aigc.data.load import Dataset
    from aigc.techniques.base import Technique

MOST = 10  # images at a time
RANGES = re.compile(r"\s*\d{1,7}(\s*-\s*\d{1,7})?\s*([,，、\s]\s*\d{1,7}(\s*-\s*\d{1,7})?\s*)*")

WHICH = both("Write numbers of test images, such as 0, 5, 12-20.", "请写测试图像的编号，如 0, 5, 12-20。")
RANGE = both("The test images are numbered 0 to {last}.", "测试图像的编号是 0 到 {last}。")
TOO_MANY = both("At most {n} images at a time.", "一次最多 {n} 张图。")


def chosen(text: object, count: int) -> list[int]:
    """ "0, 5, 12-20" as indices below `count`.  Raises Refusal."""
    if not isinstance(text, str) or len(text) > 200 or not RANGES.fullmatch(text):
        raise Refusal(WHICH)
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*-\s*(\d+))?", text):
        a, b = int(first), int(last or first)
        if a > b:
            raise Refusal(WHICH)
        if b >= count:
            raise Refusal(RANGE, last=f"{count - 1:,}")
        if len(found) + b - a + 1 > MOST:
            raise Refusal(TOO_MANY, n=MOST)
        found += range(a, b + 1)
    return found


def test_images(data: Dataset, indices: list[int]) -> tuple[Tensor, Tensor | None]:
    """-> (n, *shape) float in [0, 1] or points, labels (n,) or None"""
    x = data.test_x[indices]
    return (x if data.spec.is_points else x.float() / 255), None if data.test_labels is None else data.test_labels[indices]


def rebuilt(model: Technique, x: Tensor, labels: Tensor | None) -> Tensor:
    """Through the bottleneck and back.  (N, *shape) -> (N, *shape)"""
    labels = _labels(model, x, labels)
    *_, z = model.encode(x, labels, rng=generator(model, 0))
    *_, back = model.decode(z, labels, rng=generator(model, 0))
    return checked(back)


def _labels(model: Technique, x: Tensor, labels: Tensor | None) -> Tensor | None:
    """The labels where they are known, else the model's own guess, else none."""
    if not model.conditional:
        return None
    if labels is not None:
        return labels.to(model.device)
    guess = getattr(model, "likely_labels", None)
    return guess(x) if guess else None


def errors(x: Tensor, back: Tensor) -> Tensor:
    """Mean squared error of each.  -> (N,)"""
    return (x - back).square().flatten(1).mean(1)


def in_words(x: Tensor, back: Tensor, average: Tensor | None) -> Words:
    """How good the reconstructions are; `average`: the mean image of the data, which costs nothing to answer."""
    each = errors(x, back)
    mse = float(each.mean())
    said = both(
        "A pixel is off by {off:.1%} on average (root mean square); squared error {mse:.4f} per pixel.",
        "像素平均偏差 {off:.1%}（均方根）；每像素平方误差 {mse:.4f}。",
    ).fill(off=mse**0.5, mse=mse)
    if average is not None:
        plain = float(errors(x, average.expand_as(x)).mean())
        share = mse / max(plain, 1e-9)
        said = _plus(said, both(
            "That is {share:.0%} of the error of always answering with the average image.", "这是“总拿平均图像作答”的误差的 {share:.0%}。"
        ).fill(share=share))  # fmt: skip
    if len(x) > 1:
        best, worst = int(each.argmin()) + 1, int(each.argmax()) + 1
        said = _plus(said, both("Best: image {a}; worst: image {b}.", "最好的是第 {a} 张，最差的是第 {b} 张。").fill(a=best, b=worst))
    return said


def _plus(a: Words, b: Words) -> Words:
    return both(f"{a.en} {b.en}", f"{a.zh}{b.zh}")


def there_and_back(
    model: Any, x: Tensor, labels: Tensor | None, how: dict[str, Any], *, own_noise: bool, seed: int
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """An image of a denoiser turned to noise and back: ("there" or "back", {"x": what is there, "guess": the clean image believed in}).

    With `own_noise` the way there is the model's path run backwards, so that the way back ends at the image; without, noise is
    added at random as in training, and the way back invents another image.
    """
    labels = _labels(model, x, labels)
    steps = int(how["steps"])
    if own_noise:
        how = {**how, "sampler": model.reversible}
        yield "there", {"x": x, "guess": x}
        z = x
        for z in model.encode(x, labels, rng=generator(model, seed), **how):
            yield "there", {"x": checked(model.to_data(z)), "guess": x}
    else:
        rng = generator(model, seed)
        for z in model.noise_path(x, rng, steps + 1):
            yield "there", {"x": checked(model.to_data(z)), "guess": x}
    for state in states(model, z, labels, generator(model, seed), how):
        yield "back", state


def average_image(data: Dataset) -> Tensor:
    """-> (*shape) in [0, 1]"""
    return data.test_x[:1000].float().mean(0) / (1 if data.spec.is_points else 255)
