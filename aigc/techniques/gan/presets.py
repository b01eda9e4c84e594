"""Settings by dataset: those for digits and MNIST were measured on a CPU, larger pictures follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aigc.nets.kinds import LARGE, TINY, Network, Norm
from aigc.options import Optimiser, Schedule
from aigc.techniques.gan.config import CriticNetwork, Loss

if TYPE_CHECKING:
    from aigc.data import DataSpec


def presets(data: DataSpec) -> dict[str, dict[str, Any]]:
    """quick, good and long: one recipe with more time and width.  article: the sizes of the articles, their logits corrected."""
    recipe = _points(data) if data.is_points else _tiny(data) if data.shape[-1] <= TINY else _picture(data)
    recipe["conditional"] = bool(data.classes) and not data.is_points
    return {
        "quick": {**recipe, "seconds": 45},
        "good": {**recipe, **_wider(data, 1.5), "seconds": 300},
        "long": {**recipe, **_wider(data, 2), "seconds": 1800, "schedule": Schedule.COSINE},
        "article": _article(data),
    }


def _points(data: DataSpec) -> dict[str, Any]:
    """Two latents, so that the page can draw what the generator does to the plane."""
    network = {"network": Network.DENSE, "width": 128, "layers": 3, "latent": 2, "loss": Loss.RELATIVISTIC, "r1_weight": 0.1}
    return network | {"batch": 256, "learning_rate": 1e-3, "critic_learning_rate": 1e-3, "ema_halflife": 20_000}


def _tiny(data: DataSpec) -> dict[str, Any]:
    network = {"network": Network.DENSE, "width": 256, "layers": 2, "latent": 32, "loss": Loss.RELATIVISTIC, "r1_weight": 0.1}
    return network | {"batch": 32, "learning_rate": 1e-3, "critic_learning_rate": 1e-3}


def _picture(data: DataSpec) -> dict[str, Any]:
    """Batch normalisation in the generator and a lazy R1 learn most in a minute of a CPU."""
    network = {"channels": 32, "latent": 64, "generator_norm": Norm.BATCH, "loss": Loss.NON_SATURATING, "r1_weight": 0.5, "r1_every": 8}
    rate = 5e-4 if data.shape[-1] > LARGE else 1e-3
    return network | {"batch": 32, "learning_rate": rate, "critic_learning_rate": rate, "flip": data.flips}


def _wider(data: DataSpec, factor: float) -> dict[str, Any]:
    if data.is_points:
        return {}
    return {"width": round(256 * factor)} if data.shape[-1] <= TINY else {"channels": round(32 * factor)}


def _article(data: DataSpec) -> dict[str, Any]:
    """100-128-128-784 against a pooled critic, Adam(0.0002, 0.5), 10,000 steps of 64."""
    network = {"network": Network.DENSE, "width": 128, "layers": 2, "latent": 100, "loss": Loss.NON_SATURATING, "dropout": 0.2}
    network["critic_network"] = CriticNetwork.MIRROR if data.is_points else CriticNetwork.POOLED
    training = {"optimiser": Optimiser.ADAM, "schedule": Schedule.CONSTANT, "beta1": 0.5, "ema_halflife": 0}
    return network | training | {"learning_rate": 2e-4, "critic_learning_rate": 2e-4, "batch": 64, "images": 640_000, "seconds": 0}
