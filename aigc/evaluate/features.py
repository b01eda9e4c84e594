"""Feature networks: taught here, kept beside the statistics of the real pictures they were taught on, loaded to compare samples by."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

from aigc import __version__
from aigc.data import DataSpec
from aigc.data.augment import Augmentation
from aigc.data.load import Dataset
from aigc.evaluate.feature_card import BROKEN, CARD, README, WEIGHTS, FeatureCard, card_of, folder_of, local_folder, readme
from aigc.evaluate.teach import Lesson, accuracy, found_again, teach, teach_by_contrast
from aigc.nets.classifier import FEATURES, Classifier, read_pictures
from aigc.registry import spec_as_json
from aigc.registry.weights import as_file, file_into, read_file, sha256
from aigc.words import Refusal, Words, both

LESSONS = {
    "digits": Lesson(20_000, width=24, augmentation=Augmentation(rotation=8, scale=0.08)),
    "mnist": Lesson(360_000, augmentation=Augmentation(shift=0.08, rotation=10, scale=0.1)),
    "fashion-mnist": Lesson(1_500_000, augmentation=Augmentation(shift=0.08, flip=True)),
    "cifar10": Lesson(1_000_000, augmentation=Augmentation(shift=0.125, flip=True)),
    "fairface64": Lesson(200_000, colour=0.4, augmentation=Augmentation(shift=0.12, rotation=12, scale=0.2, flip=True)),
}
UNLABELLED = Lesson(0, colour=0.3, augmentation=Augmentation(shift=0.1, rotation=10, scale=0.15))
NO_PICTURES = both("{data} is points: they are compared as they are, without a network.", "{data} 是点集：直接比较，无需网络。")
TEACHING = both("{seen} of {all} pictures, loss {loss:.3f} nats", "{seen} / {all} 张图像，损失 {loss:.3f} nat")


class FeatureNetwork(nn.Module):
    """A classifier with the mean (F,) and covariance (F, F) of the features of `count` real training pictures."""

    mean: Tensor
    covariance: Tensor
    count: Tensor

    def __init__(self, spec: DataSpec, width: int, features: int = FEATURES):
        super().__init__()
        self.network = Classifier(spec.shape, len(spec.classes), width, features)
        self.register_buffer("mean", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("covariance", torch.eye(features, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures, uint8 or float in [0, 1] -> features (N, F), logits (N, classes), on the CPU."""
        return read_pictures(self.network, x)


@dataclass(frozen=True)
class Extractor:
    """A feature network ready for use."""

    model: FeatureNetwork
    card: FeatureCard

    @property
    def title(self) -> Words:
        return self.card.title

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.read(x)


def extractor(spec: DataSpec, device: torch.device | str = "cpu") -> Extractor:
    """The feature network of a dataset.  Raises Refusal where there is none or its files are damaged."""
    card, folder = card_of(spec), folder_of(spec.name)
    assert folder is not None, "card_of found it"
    raw = read_file(folder / WEIGHTS)
    if sha256(raw) != card.hashes.get(WEIGHTS):
        raise Refusal(BROKEN, name=spec.name)
    model = file_into(FeatureNetwork(spec, card.width, card.features), raw)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Extractor(model.to(device).eval().requires_grad_(False), card)


def data_hash(x: Tensor) -> str:
    """sha256 of the values of a dataset, as they lie in memory with the channels last."""
    values = x.permute(0, 2, 3, 1) if x.dim() == 4 else x
    return hashlib.sha256(values.cpu().contiguous().numpy().tobytes()).hexdigest()


def make(data: Dataset, to: Path | None = None, images: int = 0, seed: int = 0, device: torch.device | str = "cpu") -> Iterator[Words | FeatureCard]:
    """Teach the feature network of a dataset and keep it; progress in words, its card last.  Raises Refusal for points."""
    spec, labelled = data.spec, bool(data.spec.classes)
    if spec.is_points:
        raise Refusal(NO_PICTURES, data=spec.title)
    usual = Lesson(10 * len(data), augmentation=Augmentation(flip=spec.flips)) if labelled else replace(UNLABELLED, images=20 * len(data))
    lesson = LESSONS.get(spec.name, usual)
    lesson = replace(lesson, images=images or lesson.images, seed=seed)
    begun = time.monotonic()
    network: Classifier | None = None
    for seen, loss, network in (teach if labelled else teach_by_contrast)(data, lesson, device):  # noqa: B007
        yield TEACHING.fill(seen=f"{seen:,}", all=f"{lesson.images:,}", loss=loss)
    seconds = time.monotonic() - begun
    model = FeatureNetwork(spec, lesson.width)
    assert network is not None, "every lesson has a step"
    model.network = network
    features = model.read(data.x)[0].double()
    model.mean, model.covariance, model.count = features.mean(0), features.T.cov(), torch.tensor(len(features))
    yield _kept(model, data, lesson, seconds, to or local_folder() / spec.name, str(device))


def _kept(model: FeatureNetwork, data: Dataset, lesson: Lesson, seconds: float, folder: Path, device: str) -> FeatureCard:
    labels = data.test_labels
    spec, raw = data.spec, as_file(model)
    card = FeatureCard(
        data=spec.name, spec=spec_as_json(spec), data_hash=data_hash(data.x), width=lesson.width, features=FEATURES, images=lesson.images,
        seconds=round(seconds, 1), seed=lesson.seed, lesson=dataclasses.asdict(lesson),
        accuracy=accuracy(model.network, data.test_x, labels) if labels is not None else found_again(model.network, data.test_x, lesson),
        tested=len(data.test_x), command=f"python -m aigc features {spec.name} --images {lesson.images} --seed {lesson.seed}", licence=spec.licence,
        credit=spec.credit, created=datetime.now(UTC).isoformat(timespec="seconds"), device=device, code_version=__version__,
        hashes={WEIGHTS: sha256(raw)},
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(raw)
    (folder / README).write_text(readme(card), encoding="utf-8")
    (folder / CARD).write_bytes(card.as_bytes())
    return card
