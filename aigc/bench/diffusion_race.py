"""The diffusion trainer beside denoising-diffusion-pytorch: FID after so many seconds on the same pictures and cores."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any, Protocol

import torch
from torch import Tensor

from aigc.bench.contenders import stepped
from aigc.data.batches import Augmentation, Batches
from aigc.data.load import Dataset
from aigc.evaluate.distances import frechet, moments
from aigc.evaluate.features import Extractor, extractor
from aigc.evaluate.subject import as_bytes
from aigc.knobs import as_values
from aigc.registry import build
from aigc.registry.sampling import pieces
from aigc.techniques import technique
from aigc.train.loop import Loop
from aigc.words import Refusal, both

PEER = "denoising-diffusion-pytorch"
INSTALL = "pip install --no-deps denoising-diffusion-pytorch==2.3.4 ema-pytorch==0.8.3 einops==0.8.2"  # without torchvision, which the race needs not
MARKS, SAMPLES = (300.0, 1200.0), 1000
DRAWN = 100  # at a time
NOT_HERE = both(
    "{peer} is not part of this race: it could not be loaded here ({why}). Install it with  {install}",
    "{peer} 未参加比赛：无法在此载入（{why}）。请用  {install}  安装。",
)


@dataclass(frozen=True)
class Reached:
    """Where a contender stood after so many seconds of training."""

    contender: str
    seconds: float
    images: int
    fid: float
    n: int  # samples

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Runner(Protocol):
    name: str

    def step(self) -> int:
        """-> images drawn"""
        ...

    def samples(self, n: int) -> Tensor:
        """(n, C, H, W) in [0, 1]"""
        ...


class Ours:
    """The *good* preset with the budget of the race, as a run without previews has it; sampled as the page samples."""

    name = "aigc"

    def __init__(self, data: Dataset, seconds: float):
        info = technique("diffusion")
        config, options = info.read({"seconds": seconds, "images": 0}, data.spec, "good")
        torch.manual_seed(0)
        self.loop = Loop(build(info.slug, as_values(config), data.spec), data, options, watch=False)
        self.loop.start_clock()

    def step(self) -> int:
        return stepped(self.loop)

    def samples(self, n: int) -> Tensor:
        return torch.cat([x for x, _ in pieces(self.loop.averaged.eval(), n)])


class Theirs:
    """Their U-Net, diffusion and averaging with the settings of their README, fed from memory, which is faster than their folder of files.

    In their favour the U-Net is half as wide as in the README, or it would see too few pictures; sampled by DDIM in 50 steps, since
    their default of 250 would take longer than the race.
    """

    name = PEER
    BATCH, RATE, DIM, STEPS = 32, 8e-5, 32, 50

    def __init__(self, data: Dataset, seconds: float):
        with pictures_of_files_left_out():
            from denoising_diffusion_pytorch import GaussianDiffusion, Unet
            from ema_pytorch import EMA

        channels, side = data.spec.shape[0], data.spec.shape[-1]
        torch.manual_seed(0)
        unet = Unet(dim=self.DIM, dim_mults=(1, 2, 4), channels=channels, flash_attn=False)
        self.diffusion = GaussianDiffusion(unet, image_size=side, timesteps=1000, sampling_timesteps=self.STEPS)
        self.average = EMA(self.diffusion, beta=0.995, update_every=10)
        self.adam = torch.optim.Adam(self.diffusion.parameters(), lr=self.RATE, betas=(0.9, 0.99))
        self.batches = Batches(data, self.BATCH, Augmentation(), 0, "cpu")
        self.rng, self.drawn = torch.Generator().manual_seed(0), 0

    def step(self) -> int:
        x = self.batches.draw(self.drawn, self.rng).x
        self.drawn += 1
        self.diffusion(x.contiguous()).backward()
        torch.nn.utils.clip_grad_norm_(self.diffusion.parameters(), 1.0)
        self.adam.step()
        self.adam.zero_grad()
        self.average.update()
        return len(x)

    def samples(self, n: int) -> Tensor:
        made = [self.average.ema_model.sample(batch_size=min(DRAWN, n - start)) for start in range(0, n, DRAWN)]
        return torch.cat(made).clamp(0, 1)


# what their package imports for its folders of files and for Inception FID: the race feeds and measures itself
LEFT_OUT = {
    "torchvision": ("transforms", "utils"),
    "torchvision.transforms": (),
    "torchvision.utils": (),
    "pytorch_fid": (),
    "pytorch_fid.fid_score": ("calculate_frechet_distance",),
    "pytorch_fid.inception": ("InceptionV3",),
}


@contextmanager
def pictures_of_files_left_out() -> Iterator[None]:
    """Empty modules for those, so that it is imported beside any PyTorch: a torchvision that belongs to another one does not load."""
    empty = {name: ModuleType(name) for name in LEFT_OUT}
    for name, parts in LEFT_OUT.items():
        for part in parts:
            setattr(empty[name], part, empty.get(f"{name}.{part}"))
    before = {name: sys.modules.get(name) for name in empty}
    sys.modules.update(empty)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def check_peer() -> None:
    """Raises Refusal, which says why, unless the other library can be used."""
    try:
        with pictures_of_files_left_out():
            import denoising_diffusion_pytorch  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        raise Refusal(NOT_HERE, peer=PEER, install=INSTALL, why=str(error).splitlines()[0][:120]) from None


def race(
    data: Dataset,
    marks: Sequence[float] = MARKS,
    n: int = SAMPLES,
    runners: Sequence[Callable[[Dataset, float], Runner]] = (Ours, Theirs),
    told: Callable[[str, float], None] = lambda name, share: None,
) -> Iterator[Reached]:
    """Every contender starts anew for every mark, since a schedule follows its budget; the time of sampling is not counted."""
    seen = extractor(data.spec)
    for seconds in marks:
        for make in runners:
            runner = make(data, seconds)
            images, begun = 0, time.perf_counter()
            while (spent := time.perf_counter() - begun) < seconds:
                images += runner.step()
                told(runner.name, spent / seconds)
            yield Reached(runner.name, seconds, images, _fid(seen, runner.samples(n)), n)


def _fid(seen: Extractor, x: Tensor) -> float:
    return frechet(*moments(seen.read(as_bytes(x))[0]), seen.model.mean.cpu(), seen.model.covariance.cpu())
