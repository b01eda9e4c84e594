"""The one call that gives any dataset, whole and in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from aigc.data import spec
from aigc.data.dataspec import DataSpec
from aigc.data.decoded import decoded
from aigc.data.digits import digits
from aigc.data.own import is_own, read
from aigc.data.points import SETS, points
from aigc.data.sources import Progress, find, in_bytes
from aigc.data.table import SOURCES
from aigc.words import Refusal, both

TOO_FEW = both("{title} has {n} training examples: at least two are needed.", "{title} 只有 {n} 个训练样本：至少需要两个。")
ONE_CLASS = both(
    "All examples of {title} carry one label: its files are not what they should be, so replace them.",
    "{title} 的全部样本只有一种标签：文件不对，请更换。",
)
WRONG_LABEL = both(
    "{title} has labels outside its {n} classes: its files are not what they should be, so replace them.",
    "{title} 的标签超出了它的 {n} 个类别：文件不对，请更换。",
)
NOT_FETCHED = both(
    "{title} is not on this machine: allow its download ({size}) and start again.",
    "本机没有 {title}：请允许下载（{size}），然后重新开始。",
)


@dataclass(frozen=True)
class Dataset:
    """Real data in memory: uint8 (N, C, H, W) or float32 (N, 2), labels int64 (N,) or None; the test examples apart."""

    spec: DataSpec
    x: Tensor
    labels: Tensor | None
    test_x: Tensor
    test_labels: Tensor | None

    def __post_init__(self) -> None:
        """Looks at shapes only, so that a dataset on a device costs no wait."""
        kind = torch.float32 if self.spec.is_points else torch.uint8
        for x, labels in ((self.x, self.labels), (self.test_x, self.test_labels)):
            if x.dtype != kind or x.shape[1:] != self.spec.shape:
                raise ValueError(f"{self.spec.name}: {x.dtype} {tuple(x.shape)} where {kind} (N, {self.spec.shape}) was wanted")
            if labels is not None and labels.shape != x.shape[:1]:
                raise ValueError(f"{self.spec.name}: {len(labels)} labels for {len(x)} examples")
        if len(self.x) < 2:
            raise Refusal(TOO_FEW, title=self.spec.title, n=len(self.x))

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device | str) -> Dataset:
        def move(t: Tensor | None) -> Tensor | None:
            return None if t is None else t.to(device)

        return replace(self, x=self.x.to(device), labels=move(self.labels), test_x=self.test_x.to(device), test_labels=move(self.test_labels))


def load(name: str, *, progress: Progress | None = None, download: bool = True) -> Dataset:
    """The dataset of that name, downloaded and decoded first where that is needed and allowed.

    `progress(done, total)` hears of bytes, first of the download, then from zero again of the decoding; what it raises stops
    the work and is passed on.  Raises Refusal for everything that can go wrong.
    """
    described = spec(name)
    if name in SETS:
        tensors = _tensors(points(name))
    elif name in SOURCES:
        tensors = _from_files(described, progress, download)
    else:
        tensors = read(name) if is_own(name) else _tensors(digits())
    if not described.is_points:  # kept with the channels last: what networks on images read fastest
        tensors |= {key: tensors[key].permute(0, 3, 1, 2) for key in ("x", "test_x")}
    _check_labels(described, tensors.get("labels"))
    return Dataset(
        replace(described, count=len(tensors["x"])), tensors["x"], tensors.get("labels"), tensors["test_x"], tensors.get("test_labels")
    )  # fmt: skip


def _tensors(arrays: tuple[np.ndarray, ...]) -> dict[str, Tensor]:
    return {key: torch.from_numpy(array) for key, array in zip(("x", "labels", "test_x", "test_labels"), arrays, strict=True)}


def _from_files(described: DataSpec, progress: Progress | None, may_download: bool) -> dict[str, Tensor]:
    sources = SOURCES[described.name]
    for source in sources:
        if files := find(source):
            return decoded(described, source, files, progress)
    if not may_download:
        raise Refusal(NOT_FETCHED, title=described.title, size=in_bytes(sources[-1].download_bytes))
    from aigc.data.hub import download  # an HTTP client, for the first time only

    files = download(sources[-1], described.title, progress)
    return decoded(described, sources[-1], files, progress)


def _check_labels(described: DataSpec, labels: Tensor | None) -> None:
    if labels is None or not len(labels):
        return
    low, high = (int(v) for v in labels.aminmax())
    if low < 0 or high >= len(described.classes):
        raise Refusal(WRONG_LABEL, title=described.title, n=len(described.classes))
    if low == high:
        raise Refusal(ONE_CLASS, title=described.title)
