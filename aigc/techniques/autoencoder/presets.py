"""Settings by dataset: those for digits and MNIST were measured on a CPU, larger pictures follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aigc.nets.kinds import LARGE, TINY, Network
from aigc.options import Optimiser, Schedule
from aigc.techniques.autoencoder.config import Code, Reconstruction

if TYPE_CHECKING:
    from aigc.data import DataSpec


def presets(data: DataSpec) -> dict[str, dict[str, Any]]:
    """quick, good and long: one recipe with more time and width.  article: 784-32-784, its cross-entropy taken from logits."""
    recipe = _points() if data.is_points else _tiny() if data.shape[-1] <= TINY else _picture(data)
    wider = {} if data.is_points else {"width": 512, "channels": 48, "components": 50}
    widest = {} if data.is_points else {**wider, "components": 100}
    return {
        "quick": {**recipe, "seconds": 45},
        "good": {**recipe, **wider, "seconds": 300},
        "long": {**recipe, **widest, "seconds": 1800, "schedule": Schedule.COSINE},
        "article": _article(data),
    }


def _points() -> dict[str, Any]:
    """One latent: a curve laid through the points, which is the least that squeezes them."""
    network = {"network": Network.DENSE, "width": 64, "layers": 3, "latent": 1, "reconstruction": Reconstruction.SQUARED}
    return network | {"batch": 256, "learning_rate": 2e-3, "ema_halflife": 20_000}


def _tiny() -> dict[str, Any]:
    """A little noise and a short code make the mixture's samples as clear as reconstructions."""
    network = {"network": Network.DENSE, "width": 256, "layers": 2, "latent": 12, "noise": 0.1, "l2": 0.02}
    return network | {"batch": 32, "learning_rate": 1e-3}


def _picture(data: DataSpec) -> dict[str, Any]:
    """Grey: dense layers see most pictures in a minute. Colour: convolutions."""
    if data.shape[0] == 1 and data.shape[-1] <= LARGE:
        network = {"network": Network.DENSE, "width": 384, "layers": 2, "latent": 16, "batch": 128}
    else:
        network = {"network": Network.CONVOLUTIONAL, "channels": 32, "latent": 64, "reconstruction": Reconstruction.SQUARED, "batch": 64}
    return network | {"l2": 0.02, "learning_rate": 1e-3, "flip": data.flips}


def _article(data: DataSpec) -> dict[str, Any]:
    loss = Reconstruction.SQUARED if data.is_points else Reconstruction.CROSS_ENTROPY
    network = {"network": Network.DENSE, "layers": 0, "latent": 32, "code": Code.RELU, "reconstruction": loss}
    training = {"optimiser": Optimiser.ADAM, "schedule": Schedule.CONSTANT, "learning_rate": 1e-3, "batch": 256, "ema_halflife": 0}
    return network | training | {"images": 50 * max(data.count, 256), "seconds": 0}
