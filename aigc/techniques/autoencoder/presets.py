"""Settings that work, by dataset: measured on two CPU cores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aigc.nets.kinds import Network
from aigc.options import Optimiser, Schedule
from aigc.techniques.autoencoder.config import Code, Reconstruction

if TYPE_CHECKING:
    from aigc.data import DataSpec

TINY, LARGE = 16, 40  # sides in pixels: dense layers are quicker up to the first; past the second the code must be longer


def presets(data: DataSpec) -> dict[str, dict[str, Any]]:
    """quick, good and long: one recipe with more time and width.  article: 784-32-784, its cross-entropy taken from logits."""
    recipe = _points() if data.is_points else _tiny() if data.shape[-1] <= TINY else _picture(data)
    wider = {} if data.is_points else {"width": 384} if data.shape[-1] <= TINY else {"channels": 48}
    return {
        "quick": {**recipe, "seconds": 45},
        "good": {**recipe, **wider, "seconds": 300},
        "long": {**recipe, **wider, "seconds": 1800, "schedule": Schedule.COSINE},
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
    latent, loss = (16, Reconstruction.CROSS_ENTROPY) if data.shape[0] == 1 else (64, Reconstruction.SQUARED)
    latent = 64 if data.shape[-1] > LARGE else latent
    return {"channels": 32, "latent": latent, "reconstruction": loss, "l2": 0.02, "batch": 64, "learning_rate": 1e-3, "flip": data.flips}


def _article(data: DataSpec) -> dict[str, Any]:
    loss = Reconstruction.SQUARED if data.is_points else Reconstruction.CROSS_ENTROPY
    network = {"network": Network.DENSE, "layers": 0, "latent": 32, "code": Code.RELU, "reconstruction": loss}
    training = {"optimiser": Optimiser.ADAM, "schedule": Schedule.CONSTANT, "learning_rate": 1e-3, "batch": 256, "ema_halflife": 0}
    return network | training | {"images": 50 * max(data.count, 256), "seconds": 0}
