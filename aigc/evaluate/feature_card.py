"""The feature networks that are here, a dataset each, and what their cards say: a quick look, without torch.

Shipped ones are in `checkpoints/shipped/features/<data>`, those trained here in `checkpoints/features/<data>` of the home folder.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigc import home
from aigc.data import DataSpec
from aigc.registry import spec_from_json
from aigc.registry.card import LIBRARY
from aigc.registry.readme import front_matter, hub_datasets, licence_fields
from aigc.words import LANGS, Refusal, Words, both

WEIGHTS, CARD, README = "model.safetensors", "config.json", "README.md"
NAMES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "digits": "Digits 8×8", "cifar10": "CIFAR-10", "fairface64": "FairFace"}

NO_NETWORK = both(
    "There is no feature network for {data}: train one with  python -m aigc features {name}",
    "{data} 没有特征网络：用 python -m aigc features {name} 训练一个。",
)
BROKEN = both("The feature network of {name} cannot be read: train it again with  python -m aigc features {name}.",
              "无法读取 {name} 的特征网络：请用 python -m aigc features {name} 重新训练。")  # fmt: skip


@dataclass(frozen=True)
class FeatureCard:
    data: str
    spec: dict[str, Any]  # `spec_as_json`
    data_hash: str  # of the training pictures that `reference` was taken from
    width: int
    features: int
    images: int  # seen while it was taught
    seconds: float
    seed: int
    lesson: dict[str, Any]
    accuracy: float  # on the test split, 0 to 1: named right, or without labels, found again by a changed copy
    tested: int  # test pictures
    command: str  # that makes it again
    licence: str
    credit: str
    created: str
    device: str
    code_version: str
    hashes: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> Words:
        """What stands behind the name of a figure: "MNIST CNN"."""
        name = NAMES.get(self.data, self.data)
        return both(f"{name} CNN", f"{name} CNN")

    def as_bytes(self) -> bytes:
        values = {"library_name": LIBRARY, "kind": "features", **dataclasses.asdict(self)}
        return json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False).encode()


def local_folder() -> Path:
    return home.home() / "checkpoints" / "features"


def folder_of(data: str) -> Path | None:
    """The folder of the feature network of a dataset, the shipped one first; None where there is none."""
    for root in (home.SHIPPED / "features", local_folder()):
        if (root / data / CARD).is_file():
            return root / data
    return None


def card_of(spec: DataSpec) -> FeatureCard:
    """The card of the feature network of a dataset.  Raises Refusal where there is none, or one for other pictures."""
    folder = folder_of(spec.name)
    if folder is None:
        raise Refusal(NO_NETWORK, data=spec.title, name=spec.name)
    try:
        values = json.loads((folder / CARD).read_bytes())
        card = FeatureCard(**{f.name: values[f.name] for f in dataclasses.fields(FeatureCard)})
        fits = spec_from_json(card.spec).shape == spec.shape and len(card.spec["classes"]) == len(spec.classes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refusal(BROKEN, name=spec.name) from error
    if not fits:
        raise Refusal(NO_NETWORK, data=spec.title, name=spec.name)
    return card


def has_network(spec: DataSpec) -> bool:
    """Whether samples of this data can be compared by features."""
    return folder_of(spec.name) is not None


def readme(card: FeatureCard) -> str:
    """README.md beside the weights: front matter for the Hub, then both languages."""
    title, percent = spec_from_json(card.spec).title, f"{100 * card.accuracy:.2f} %"
    what = both(
        f"A small residual network that names the classes of *{title.en}*. {percent} of the {card.tested:,} test pictures are named right.",
        f"一个小型残差网络，识别“{title.zh}”的类别，在 {card.tested:,} 张测试图像上的正确率为 {percent}。",
    ) if card.spec["classes"] else both(
        f"A small residual network taught without labels on *{title.en}*: a picture that was moved, turned, resized and lit otherwise must be found "
        f"again among others (Chen et al. 2020). Of the {card.tested:,} test pictures {percent} are.",
        f"一个小型残差网络，在“{title.zh}”上无标签训练：图像经移动、旋转、缩放并改变光照后，仍须能从其他图像中被认出（Chen 等 2020）。"
        f"{card.tested:,} 张测试图像中有 {percent} 被认出。",
    )  # fmt: skip
    facts = both(
        f"{what.en} "
        f"Its {card.features} numbers before the last layer are the features by which evaluation compares samples with real pictures, "
        f"as in “FID, {card.title.en}”. They are not Inception features: figures by different networks cannot be compared.\n\n"
        f"Beside the weights the file holds the mean and covariance of the features of all training pictures.\n\n"
        f"Taught by {card.images:,} pictures (repeats counted) in {card.seconds:.0f} s on {card.device}, seed {card.seed}.\n\n"
        f"Data: {card.credit}. Licence: {card.licence}.",
        f"{what.zh}"
        f"最后一层之前的 {card.features} 个数就是评估时比较样本与真实图像所用的特征，图中写作“FID，{card.title.zh}”。"
        f"它不是 Inception 特征：不同网络算出的数值不能互相比较。\n\n"
        f"文件中除权重外，还有全部训练图像特征的均值与协方差。\n\n"
        f"训练用图 {card.images:,} 张（含重复），{card.seconds:.0f} 秒，设备 {card.device}，种子 {card.seed}。\n\n"
        f"数据：{card.credit}。许可：{card.licence}。",
    )
    made, files = both("Made by", "训练命令"), "\n".join(f"- `{name}` sha256 `{value}`" for name, value in card.hashes.items())
    body = "\n\n---\n\n".join(
        f"# {card.title[lang]}\n\n{facts[lang]}\n\n## {made[lang]}\n\n```bash\n{card.command}\n```\n\n{files}" for lang in LANGS
    )  # fmt: skip
    fields = {"language": list(LANGS), **licence_fields(card.licence), "library_name": LIBRARY, "tags": [LIBRARY, "feature-extraction"]}
    return f"{front_matter(fields | hub_datasets(card.data))}\n{body}\n"
