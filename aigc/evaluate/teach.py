"""Teaches a classifier: the feature networks of evaluation, and the small ones that show what samples are good for.

Where there are no labels, features are taught by contrast (Chen et al. 2020); such features judge samples no worse (Morozov et al. 2021).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from aigc.data.augment import Augmentation, augment
from aigc.data.batches import Batch, Batches
from aigc.data.load import Dataset
from aigc.ema import EMA
from aigc.nets.classifier import Classifier, read_pictures
from aigc.train.devices import precision


@dataclass(frozen=True)
class Lesson:
    """How a classifier is taught."""

    images: int  # seen in all, repeats counted
    batch: int = 128
    learning_rate: float = 4e-3  # at its height; a tenth of the images to rise, then a cosine to zero
    weight_decay: float = 0.05
    width: int = 32
    augmentation: Augmentation = Augmentation()
    colour: float = 0.0  # share by which contrast and every channel are made stronger or weaker at most; without labels only
    seed: int = 0


Told = Iterator[tuple[int, float, Classifier]]
TEMPERATURE = 0.2  # of likeness by contrast: the smaller, the more the most similar other pictures count


def teach(data: Dataset, lesson: Lesson, device: torch.device | str = "cpu") -> Told:
    """(images seen, mean loss in nats, the averaged network) about every hundredth of the lesson; the last one is what was learnt.

    Weights are averaged with a half-life of a twentieth of the lesson, and their batch statistics taken with them.
    """
    torch.manual_seed(lesson.seed)  # fresh weights draw from the global generator
    network = Classifier(data.spec.shape, len(data.spec.classes), lesson.width).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def named(batch: Batch, rng: Generator) -> Tensor:
        assert batch.labels is not None, "a classifier is taught on labels"
        with precision(rng.device):
            logits = network(batch.x)[1]
        return functional.cross_entropy(logits.float(), batch.labels)

    return _learn(network, nn.Identity(), named, Batches(data, lesson.batch, lesson.augmentation, lesson.seed, device), lesson)


def teach_by_contrast(data: Dataset, lesson: Lesson, device: torch.device | str = "cpu") -> Told:
    """The same without labels: each of two changed copies of a picture must be found among those of all others.   Chen et al. 2020, eq. 1"""
    torch.manual_seed(lesson.seed)
    network = Classifier(data.spec.shape, 0, lesson.width).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    size = network.features
    head = nn.Sequential(nn.SiLU(), nn.Linear(size, size), nn.SiLU(), nn.Linear(size, size)).to(device)  # what is only good for the game

    def alike(batch: Batch, rng: Generator) -> Tensor:
        n = len(batch)
        copies = torch.cat([changed(batch.x, lesson, rng) for _ in range(2)]).contiguous(memory_format=torch.channels_last)
        with precision(rng.device):
            seen = head(network(copies)[0])
        seen = functional.normalize(seen.float(), dim=1)
        likeness = (seen @ seen.T / TEMPERATURE).fill_diagonal_(-torch.inf)
        return functional.cross_entropy(likeness, torch.arange(2 * n, device=rng.device).roll(n))

    return _learn(network, head, alike, Batches(data, lesson.batch, Augmentation(), lesson.seed, device), lesson)


def changed(x: Tensor, lesson: Lesson, rng: Generator) -> Tensor:
    """Pictures moved, turned and resized as the lesson has it, and in other light.  (B, C, H, W) -> the same"""

    def about_one(channels: int) -> Tensor:
        return 1 + lesson.colour * (2 * torch.rand(len(x), channels, 1, 1, generator=rng, device=x.device) - 1)

    x = augment(x, lesson.augmentation, rng)
    return (((x - 0.5) * about_one(1) + 0.5) * about_one(x.shape[1])).clamp(0, 1)


def _learn(network: Classifier, head: nn.Module, loss_of: Callable[[Batch, Generator], Tensor], batches: Batches, lesson: Lesson) -> Told:
    average = EMA(network, copy.deepcopy(network))
    averaged = average.averaged
    assert isinstance(averaged, Classifier)
    weights = [*network.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(weights, lesson.learning_rate, weight_decay=lesson.weight_decay, fused=weights[0].device.type in ("cpu", "cuda"))
    rng = Generator(weights[0].device).manual_seed(lesson.seed)
    steps = max(1, math.ceil(lesson.images / lesson.batch))
    said, losses = max(1, steps // 100), []
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = lesson.learning_rate * _height((step + 1) / steps)
        loss = loss_of(batches.draw(step, rng), rng)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        average.update(lesson.batch, lesson.images / 20, (step + 1) * lesson.batch)
        losses.append(loss.detach())
        if (step + 1) % said == 0 or step + 1 == steps:
            yield (step + 1) * lesson.batch, float(torch.stack(losses).mean()), averaged
            losses = []


def _height(progress: float) -> float:
    """Share of the learning rate: up over a tenth, then down a cosine."""
    return min(progress / 0.1, 0.5 * (1 + math.cos(math.pi * progress)))


def taught(data: Dataset, lesson: Lesson, device: torch.device | str = "cpu") -> Classifier:
    """The network at the end of the lesson."""
    *_, (_, _, network) = teach(data, lesson, device)
    return network


def accuracy(network: Classifier, x: Tensor, labels: Tensor) -> float:
    """Share of pictures whose class is named right, 0 to 1."""
    return float((read_pictures(network, x)[1].argmax(1) == labels).float().mean())


def found_again(network: Classifier, x: Tensor, lesson: Lesson) -> float:
    """Share of pictures whose changed copy is nearer to themselves, by features, than to any other of them, 0 to 1."""
    copies = changed(x.float() / 255, lesson, Generator().manual_seed(lesson.seed))
    distance = torch.cdist(read_pictures(network, copies)[0], read_pictures(network, x)[0])
    return float((distance.argmin(1) == torch.arange(len(x))).float().mean())
