"""Pictures without a prompt by the lab's own diffusion models: they come along for training, and draw here as any pipeline does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from aigc.pretrained import Stopped
from aigc.pretrained.image.asked import Asked, Sample, Scheduler
from aigc.pretrained.image.make import Shot, seeds_of
from aigc.pretrained.image.previews import as_pictures
from aigc.pretrained.image.schedulers import NOT_ADMITTED
from aigc.registry.sampling import sampling_values
from aigc.registry.store import load as from_registry
from aigc.techniques.diffusion.model import Diffusion
from aigc.words import Refusal


@dataclass(frozen=True)
class Drawer:
    model: Diffusion

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """What draws, for the shelf to compile."""
        return (self.model.denoiser,)


def load(folder: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> Drawer:
    """A model of the registry.  It draws in float32 whatever `dtype` is: it is small, and so the same on every device."""
    model = from_registry(folder.name, str(device))
    assert isinstance(model, Diffusion), "the catalogue lists no others"
    return Drawer(model.eval())


def drawn(drawer: Drawer, asked: Asked, stop: threading.Event) -> Iterator[Shot]:
    """Each picture from noise of a seed of its own; on the way, what the network believes.  Raises Refusal, and Stopped within a step."""
    how, model = asked.settings, drawer.model
    assert isinstance(how, Sample)
    if how.scheduler is not Scheduler.OWN:
        raise Refusal(NOT_ADMITTED, name=how.scheduler.words, admitted=Scheduler.OWN.value)
    seeds = seeds_of(how.seed, how.count)
    values = sampling_values(model, {"steps": how.steps})
    rngs = [torch.Generator(model.device).manual_seed(seed) for seed in seeds]
    begun = time.perf_counter()
    with torch.inference_mode():
        z = torch.cat([model.latents(1, rng, **values) for rng in rngs])
        for index, (x, believed) in enumerate(model.path(z, rng=rngs[0], **values)):
            if stop.is_set():
                raise Stopped
            is_final = index == how.steps
            pictures = as_pictures((x if is_final else believed).float().clamp(0, 1))
            yield Shot(pictures, min(index + 1, how.steps), how.steps, is_final, time.perf_counter() - begun, seeds=seeds)
