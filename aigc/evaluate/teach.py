"""Teaches a classifier: the feature networks of evaluation, and the small ones that show what samples are good for."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from aigc.data.augment import Augmentation
from aigc.data.batches import Batches
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
    seed: int = 0


def teach(data: Dataset, lesson: Lesson, device: torch.device | str = "cpu") -> Iterator[tuple[int, float, Classifier]]:
    """(images seen, mean loss in nats, the averaged network) about every hundredth of the lesson; the last one is what was learnt.

    Weights are averaged with a half-life of a twentieth of the lesson, and their batch statistics taken with them.
    """
    labels = data.labels
    assert labels is not None, "a classifier is taught on labels"
    torch.manual_seed(lesson.seed)  # fresh weights draw from the global generator
    network = Classifier(data.spec.shape, len(data.spec.classes), lesson.width).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = EMA(network, copy.deepcopy(network))
    averaged = average.averaged
    assert isinstance(averaged, Classifier)
    weights = list(network.parameters())
    optimiser = torch.optim.AdamW(weights, lesson.learning_rate, weight_decay=lesson.weight_decay, fused=weights[0].device.type in ("cpu", "cuda"))
    batches = Batches(data, lesson.batch, lesson.augmentation, lesson.seed, device)
    rng = Generator(device).manual_seed(lesson.seed)
    steps = max(1, math.ceil(lesson.images / lesson.batch))
    said, losses = max(1, steps // 100), []
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = lesson.learning_rate * _height((step + 1) / steps)
        batch = batches.draw(step, rng)
        assert batch.labels is not None, "as the data have them"
        with precision(rng.device):
            logits = network(batch.x)[1]
        loss = functional.cross_entropy(logits.float(), batch.labels)
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
