"""Settings by dataset: those for digits and MNIST were measured on a CPU, larger pictures follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aigc.nets.kinds import LARGE, MAP_FACTOR, TINY, Network
from aigc.options import Optimiser, Schedule
from aigc.techniques.vae.config import Bottleneck, Likelihood

if TYPE_CHECKING:
    from aigc.data import DataSpec


def presets(data: DataSpec) -> dict[str, dict[str, Any]]:
    """quick, good and long: one recipe with more time and width.  article: 784-256-512-2, with beta 1."""
    recipe = _points() if data.is_points else _tiny() if data.shape[-1] <= TINY else _picture(data)
    recipe["conditional"] = bool(data.classes) and not data.is_points
    wider = {} if data.is_points else {"width": 384, "channels": 48}
    large = not data.is_points and min(data.shape[1:]) > LARGE and not any(side % MAP_FACTOR for side in data.shape[1:])
    return {
        "quick": {**recipe, "seconds": 45},
        "good": {**recipe, **wider, "seconds": 300},
        "long": {**recipe, **wider, "seconds": 1800, "schedule": Schedule.COSINE},
        "article": _article(data),
        **({"codes": _codes(data)} if large else {}),
    }


def _points() -> dict[str, Any]:
    network = {"network": Network.DENSE, "width": 128, "layers": 3, "latent": 2, "likelihood": Likelihood.GAUSSIAN_LEARNED}
    return network | {"batch": 256, "learning_rate": 1e-3, "warmup": 20_000, "ema_halflife": 20_000}


def _tiny() -> dict[str, Any]:
    """With 64 grey pixels the cross-entropy is so small that a beta of 1 leaves the latents little to say."""
    network = {"network": Network.DENSE, "width": 256, "layers": 2, "latent": 8, "beta": 0.2}
    return network | {"batch": 32, "learning_rate": 1e-3}


def _picture(data: DataSpec) -> dict[str, Any]:
    """Grey: dense layers see most pictures in a minute, and a beta of 2 leaves the class to the label. Colour: convolutions."""
    if data.shape[0] == 1 and data.shape[-1] <= LARGE:
        network = {"network": Network.DENSE, "width": 256, "layers": 2, "latent": 8, "beta": 2.0, "learning_rate": 2e-3}
    else:
        network = {"network": Network.CONVOLUTIONAL, "channels": 32, "latent": 64, "beta": 0.5, "learning_rate": 1e-3}
    return network | {"batch": 64, "flip": data.flips}


def _codes(data: DataSpec) -> dict[str, Any]:
    """A map of codes for a diffusion model: sigma near the error that is left, so that beta 1 keeps what is worth its nats."""
    network = {"bottleneck": Bottleneck.MAP, "latent": 4, "channels": 48, "likelihood": Likelihood.GAUSSIAN, "sigma": 0.04, "warmup": 10_000}
    training = {"schedule": Schedule.COSINE, "learning_rate": 1.5e-3, "batch": 32, "ema_halflife": 10_000, "flip": data.flips}
    return network | training | {"seconds": 900}


def _article(data: DataSpec) -> dict[str, Any]:
    likelihood = Likelihood.GAUSSIAN if data.is_points else Likelihood.BERNOULLI
    network = {"network": Network.DENSE, "width": 256, "layers": 2, "widening": 2.0, "latent": 2, "likelihood": likelihood}
    training = {"optimiser": Optimiser.ADAM, "schedule": Schedule.CONSTANT, "learning_rate": 1e-3, "batch": 256, "ema_halflife": 0}
    return network | training | {"images": 50 * max(data.count, 256), "seconds": 0}
