"""Schedulers: which ones a model admits, putting another in, and what a step says of the finished picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aigc.pretrained.image.asked import Scheduler
from aigc.words import Refusal, both

CLASSES: dict[Scheduler, tuple[str, dict[str, Any]]] = {
    Scheduler.DPM: ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "use_karras_sigmas": False}),
    Scheduler.DPM_KARRAS: ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True}),
    Scheduler.DPM_SDE: ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": False}),
    Scheduler.UNIPC: ("UniPCMultistepScheduler", {}),
    Scheduler.DDIM: ("DDIMScheduler", {}),
    Scheduler.EULER: ("EulerDiscreteScheduler", {}),
    Scheduler.ANCESTRAL: ("EulerAncestralDiscreteScheduler", {}),
    Scheduler.HEUN: ("HeunDiscreteScheduler", {}),
    Scheduler.DDPM: ("DDPMScheduler", {}),
    Scheduler.LCM: ("LCMScheduler", {}),
    Scheduler.FLOW: ("FlowMatchEulerDiscreteScheduler", {}),
}
NOISE_SPACE = ("Euler", "Heun", "LMS", "KDPM2", "EDM")  # these hold x0 + sigma * noise; the others sqrt(alpha) x0 + sqrt(1 - alpha) noise
NOT_ADMITTED = both("This model does not work with {name}; it admits: {admitted}.", "这个模型不能用 {name}；可用：{admitted}。")


def admitted(pipe: Any) -> list[Scheduler]:
    """The model's own first, then those that its scheduler says it can be exchanged for."""
    own = type(pipe.scheduler).__name__
    names = {own, *(c.__name__ for c in getattr(pipe.scheduler, "compatibles", []))}
    if own != "LCMScheduler":
        names.discard("LCMScheduler")  # takes a distilled model; any other turns to mush
    return [Scheduler.OWN, *(s for s, (name, _) in CLASSES.items() if name in names)]


def scheduler(pipe: Any, wanted: Scheduler) -> Any:
    """A fresh scheduler for one run, so that nothing of another run is left in it.  Raises Refusal for one the model does not admit."""
    import diffusers

    allowed = admitted(pipe)
    if wanted not in allowed:
        raise Refusal(NOT_ADMITTED, name=wanted.words, admitted=", ".join(s.value for s in allowed))
    if wanted is Scheduler.OWN:
        return type(pipe.scheduler).from_config(pipe.scheduler.config)
    name, changes = CLASSES[wanted]
    return getattr(diffusers, name).from_config(pipe.scheduler.config, **changes)


def believed(scheduler: Any, output: Tensor, t: Any, sample: Tensor) -> Tensor:
    """The finished picture that this prediction amounts to: x0 from x_t and the network's output.

    Ho et al. 2020, eq. 15 (noise); Salimans & Ho 2022, app. D (v); Karras et al. 2022 (the same in noise space); flows: x_t - sigma v.
    """
    kind = scheduler.config.get("prediction_type", "epsilon")
    if _is_flow(scheduler):
        return sample - _sigma(scheduler, t).to(sample) * output
    if kind == "sample":
        return output
    if type(scheduler).__name__.startswith(NOISE_SPACE):
        sigma = _sigma(scheduler, t).to(sample)
        if kind == "v_prediction":
            return sample / (sigma**2 + 1) - output * sigma / (sigma**2 + 1) ** 0.5
        return sample - sigma * output
    signal, noise = _rates(scheduler, t)
    if kind == "v_prediction":
        return signal * sample - noise * output
    return (sample - noise * output) / signal


def _is_flow(scheduler: Any) -> bool:
    return type(scheduler).__name__.startswith("FlowMatch") or bool(scheduler.config.get("use_flow_sigmas"))


def _rates(scheduler: Any, t: Any) -> tuple[float, float]:
    """The rates of signal and noise in x_t, where their squares add up to 1."""
    if hasattr(scheduler, "sigmas") and hasattr(scheduler, "index_for_timestep"):
        sigma = float(_sigma(scheduler, t))
        return (1 + sigma**2) ** -0.5, sigma * (1 + sigma**2) ** -0.5
    alpha_bar = float(scheduler.alphas_cumprod[int(t)])
    return alpha_bar**0.5, (1 - alpha_bar) ** 0.5


def _sigma(scheduler: Any, t: Any) -> Tensor:
    """Of this step, also before the scheduler has found out which one it is."""
    index = getattr(scheduler, "step_index", None)
    if index is None:
        index = getattr(scheduler, "begin_index", None)
    return scheduler.sigmas[scheduler.index_for_timestep(t) if index is None else index]


def curve(scheduler: Any) -> tuple[list[float], list[float], list[float]]:
    """Timesteps of a run, and the rates of signal and noise there: sqrt(alpha_bar) and sqrt(1 - alpha_bar), or 1 - sigma and sigma."""
    times = [float(t) for t in scheduler.timesteps]
    if _is_flow(scheduler):
        noise = [float(s) for s in scheduler.sigmas[: len(times)]]
        return times, [1 - s for s in noise], noise
    alpha_bar = torch.as_tensor(scheduler.alphas_cumprod).double()
    at = torch.tensor(times).double().clamp(0, len(alpha_bar) - 1)
    low = at.floor().long()
    high = (low + 1).clamp(max=len(alpha_bar) - 1)
    here = torch.lerp(alpha_bar[low], alpha_bar[high], at - low)
    return times, here.sqrt().tolist(), (1 - here).sqrt().tolist()
