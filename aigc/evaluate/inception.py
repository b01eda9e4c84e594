"""FID by the Inception network, only where somebody has installed torch-fidelity: the figure that papers print, as far as small pictures allow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from aigc.evaluate.subject import Found, Note, Subject
from aigc.evaluate.text import figure
from aigc.words import both

MOST_ON_CPU = 1000  # pictures a side: the network reads about ten a second

READING = both("Reading {n} pictures with the Inception network", "正在用 Inception 网络读取 {n} 张图像")
FAILED = both("No Inception FID: torch-fidelity says “{why}”.", "未给出 Inception FID：torch-fidelity 报告“{why}”。")


def is_here() -> bool:
    return find_spec("torch_fidelity") is not None


class Pictures(TorchDataset[Tensor]):
    """uint8 (3, H, W) each, as torch-fidelity takes them; grey is repeated."""

    def __init__(self, x: Tensor):
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, place: int) -> Tensor:
        return self.x[place].expand(3, -1, -1).contiguous()


def examine(subject: Subject) -> Iterator[Found]:
    """As many samples as training pictures; nothing where torch-fidelity is not installed."""
    if not is_here():
        return
    on_cpu = subject.model.device.type == "cpu"
    n = min(subject.n, len(subject.data), MOST_ON_CPU if on_cpu else subject.n)
    real = subject.data.x[subject.some_real(n)]
    yield READING.fill(n=f"{2 * n:,}")
    try:
        import torch_fidelity

        found = torch_fidelity.calculate_metrics(
            input1=Pictures(subject.samples[:n]), input2=Pictures(real), fid=True, cuda=torch.cuda.is_available() and not on_cpu, verbose=False
        )  # fmt: skip
        value = float(found["frechet_inception_distance"])
    except Exception as error:  # somebody else's package, which may not fit this torch, and whose weights are downloaded at first use
        yield Note(FAILED.fill(why=(str(error) or type(error).__name__)[:200]))
        return
    yield figure("inception_fid", value, n=n)
