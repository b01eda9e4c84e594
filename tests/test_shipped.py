"""What comes along keeps its promises by a judge that shares nothing with it: a plain network, taught here, on the real test pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from conftest import PROJECT
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, pad

from aigc import home, registry
from aigc.data.load import Dataset, load
from aigc.evaluate.distances import frechet, moments
from aigc.evaluate.neighbours import closeness
from aigc.evaluate.reconstruction import reconstruction_errors
from aigc.registry.sampling import draw

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BATCH, STEPS = 128, 700  # one and a half times through MNIST
JUDGED = 2000


@pytest.fixture(autouse=True)
def _with_what_comes_along(monkeypatch: pytest.MonkeyPatch, datasets_dir: Path) -> None:
    monkeypatch.setattr(home, "SHIPPED", PROJECT / "checkpoints" / "shipped")


class Judge:
    """Rectified convolutions with batch norm, and the features before its last layer."""

    def __init__(self, data: Dataset):
        assert data.labels is not None
        torch.manual_seed(11)
        rng = Generator().manual_seed(3)
        self.body = nn.Sequential(
            *_block(1, 16), *_block(16, 32), *_block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 64), nn.ReLU()
        )
        self.head = nn.Linear(64, len(data.spec.classes))
        weights = [*self.body.parameters(), *self.head.parameters()]
        optimiser = torch.optim.AdamW(weights, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, STEPS)
        for _ in range(STEPS):
            which = torch.randint(len(data), (BATCH,), generator=rng)
            down, right = torch.randint(5, (2,), generator=rng).tolist()
            x = pad(data.x[which], (2, 2, 2, 2))[:, :, down : down + 28, right : right + 28]
            loss = cross_entropy(self.head(self.body(_centred(x))), data.labels[which])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        self.body.eval()
        self.real = self.read(data.x[:20_000])[0]

    @torch.inference_mode()
    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Bytes -> features and classes.  (n, 1, 28, 28) uint8 -> (n, 64), (n,)"""
        features = torch.cat([self.body(_centred(part)) for part in x.split(500)])
        return features, self.head(features).argmax(1)

    def distance(self, x: Tensor) -> float:
        """FID to real pictures."""
        return frechet(*moments(self.read(x)[0]), *moments(self.real))

    def yardstick(self, x: Tensor) -> float:
        """The FID of real pictures with noise of standard deviation 0.1 on them, in [-1, 1]."""
        noise = 0.1 * torch.randn(x.shape, generator=Generator().manual_seed(0))
        return self.distance(((_centred(x) + noise).clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8))


def _block(channels: int, out: int) -> Iterator[nn.Module]:
    for size in (channels, out):
        yield from (nn.Conv2d(size, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())
    yield nn.MaxPool2d(2)


def _centred(x: Tensor) -> Tensor:
    return (x.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


@cache
def judge(name: str) -> tuple[Judge, Dataset]:
    data = load(name)
    return Judge(data), data


@cache
def drawn(slug: str, n: int = JUDGED, steps: int = 0) -> tuple[Tensor, Tensor]:
    """Bytes and the classes asked for."""
    x, labels = draw(registry.load(slug), n, how={"steps": steps} if steps else None)
    assert labels is not None
    return (x * 255).round().to(torch.uint8), labels


def test_the_judge_can_read() -> None:
    by, data = judge("mnist")
    assert float((by.read(data.test_x)[1] == data.test_labels).float().mean()) > 0.98


@pytest.mark.parametrize(("slug", "data_name", "right", "of_yardstick"), [
    ("mnist-diffusion", "mnist", 0.985, 0.25),
    ("mnist-gan", "mnist", 0.97, 0.5),
    ("fashion-diffusion", "fashion-mnist", 0.88, 0.25),
    ("mnist-guided", "mnist", 0.985, 0.25),  # by ten evaluations, where the one it started from takes thirteen
    ("fashion-guided", "fashion-mnist", 0.88, 0.25),
    ("mnist-shortcut", "mnist", 0.975, 2.0),  # by two evaluations, where its teacher takes thirteen
    ("fashion-shortcut", "fashion-mnist", 0.88, 1.0),
])  # fmt: skip
def test_samples_are_what_was_asked_for_and_near_to_real_ones(slug: str, data_name: str, right: float, of_yardstick: float) -> None:
    by, data = judge(data_name)
    x, labels = drawn(slug)
    assert float((by.read(x)[1] == labels).float().mean()) > right
    assert by.distance(x) < of_yardstick * by.yardstick(data.x[-JUDGED:])


# Judges taught from other seeds, or the same on another processor, read 1.1 to 2.5, 1.1 to 2.3 and 1.5 to 3.2 times their yardsticks,
# since how much they see of faint noise differs; codes drawn from one Gaussian would be twenty times.
@pytest.mark.parametrize(("slug", "of_yardstick"), [("mnist-vae", 4.0), ("mnist-autoencoder-16", 4.0), ("mnist-autoencoder", 5.0)])
def test_samples_from_fitted_codes_are_near_to_real_pictures(slug: str, of_yardstick: float) -> None:
    by, data = judge("mnist")
    x, _ = draw(registry.load(slug), JUDGED)
    assert by.distance((x * 255).round().to(torch.uint8)) < of_yardstick * by.yardstick(data.x[-JUDGED:])


@pytest.mark.parametrize("slug", ["mnist-gan", "mnist-diffusion"])
def test_samples_are_good_and_nothing_is_missing(slug: str) -> None:
    by, data = judge("mnist")
    assert data.labels is not None
    x, _ = drawn(slug)
    features, read = by.read(x)
    near = closeness(by.real[:JUDGED], features)
    assert near.in_real.float().mean() > 0.75 and near.in_samples.float().mean() > 0.75
    assert slug == "mnist-gan" or near.covered.float().mean() > 0.90
    shares, real = (labels.bincount(minlength=10) / len(labels) for labels in (read, data.labels))
    assert (shares - real).abs().max() < 0.02


def test_samples_teach_as_well_as_real_pictures_do() -> None:
    """A network that saw nothing else reads the real test digits.  Whoever draws 60,000 comes further."""
    _, data = judge("mnist")
    taught = Judge(Dataset(data.spec, *drawn("mnist-guided", 12_000), data.test_x, data.test_labels))
    assert float((taught.read(data.test_x)[1] == data.test_labels).float().mean()) > 0.985


def test_eight_evaluations_come_as_near_as_a_hundred_or_almost() -> None:
    by, _ = judge("mnist")
    few, many = (by.distance(drawn("mnist-guided", steps=steps)[0]) for steps in (8, 100))
    assert few < 1.3 * many


def test_the_vae_explains_digits_in_black_and_white() -> None:
    """In nats, by the importance-weighted bound, which grows with the latents (Burda et al. 2016, eq. 8): here a hundred a picture."""
    vae, latents, rng = registry.load("mnist-vae"), 100, Generator().manual_seed(0)

    @torch.inference_mode()
    def bound(x: Tensor) -> Tensor:
        mean, logvar = vae.posterior(x, None)
        weights = []
        for _ in range(latents):
            noise = torch.randn(mean.shape, generator=rng)
            z = mean + (logvar / 2).exp() * noise
            weights.append(vae.log_likelihood(x, z, None) + ((noise.square() - z.square() + logvar) / 2).sum(1))
        return torch.stack(weights).double().logsumexp(0) - math.log(latents)

    x = torch.bernoulli(load("mnist").test_x.float() / 255, generator=Generator().manual_seed(0))
    assert -float(torch.cat([bound(part) for part in x.split(1000)]).mean()) < 89


@pytest.mark.parametrize(("slug", "most"), [("mnist-autoencoder-16", 0.009), ("mnist-autoencoder", 0.004), ("mnist-autoencoder-64", 0.0018)])
def test_autoencoders_rebuild_test_pictures(slug: str, most: float) -> None:
    assert float(reconstruction_errors(registry.load(slug), load("mnist"), 2000).mean()) < most
