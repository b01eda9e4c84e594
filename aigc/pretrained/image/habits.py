"""What a model is best at, known before it is loaded: the settings a form starts from, and the schedulers it can be asked for.  No torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aigc.knobs import knobs
from aigc.pretrained import catalogue, hub
from aigc.pretrained.catalogue import Task
from aigc.pretrained.image.asked import SETTINGS, TASKS, Scheduler, Verb
from aigc.words import Refusal, both

MINIATURE = "pictures"  # the Stable Diffusion that comes along

# Where they differ from the declared ones; distilled models go without guidance and in few steps.
HABITS: dict[str, dict[str, Any]] = {
    MINIATURE: {"steps": 10, "guidance": 7.5, "count": 4, "left": 0, "right": 32, "top": 0, "bottom": 0},  # room for one thing more
    "sd-1.5": {"steps": 25, "guidance": 7.5, "scheduler": Scheduler.DPM},
    "sd-1.5-inpainting": {"steps": 25, "guidance": 7.5, "scheduler": Scheduler.DPM},
    "lcm-dreamshaper": {"steps": 4, "guidance": 8.0},
    "z-image-turbo": {"steps": 9, "guidance": 0.0},
    "flux2-klein-4b": {"steps": 4, "guidance": 1.0},
    "sdxl": {"steps": 30, "guidance": 5.0},
    "sd-x4-upscaler": {"steps": 20, "guidance": 7.0},
    "ddpm-mnist": {"steps": 50},
    "ddpm-cifar10": {"steps": 50},
    "faces-diffusion": {"scheduler": Scheduler.OWN},
}
NOISE = (
    Scheduler.DPM, Scheduler.DPM_KARRAS, Scheduler.DPM_SDE, Scheduler.UNIPC, Scheduler.DDIM, Scheduler.EULER, Scheduler.ANCESTRAL, Scheduler.HEUN,
    Scheduler.DDPM,
)  # fmt: skip
NETWORKS = ("upscaler", "swin2sr")  # families that enlarge in one pass
OF_DIFFUSION = ("steps", "guidance", "seed", "prompt", "negative")  # what has no say in that
FAMILY = {"FlowMatchEulerDiscreteScheduler": (Scheduler.FLOW,), "LCMScheduler": (Scheduler.LCM,)}
UNHEARD = both("{model} has no use for “{setting}”: leave it out.", "{model} 用不到“{setting}”：请去掉。")


def habits(verb: Verb, model: str) -> dict[str, Any]:
    """Values of the verb's settings, by name."""
    known = knobs(SETTINGS[verb])
    return {name: k.default for name, k in known.items()} | {name: v for name, v in HABITS.get(model, {}).items() if name in known}


def silent(verb: Verb, model: str) -> tuple[str, ...]:
    """What has no say with this model: settings by name, and the prompts where it reads none."""
    try:
        is_network = verb is Verb.UPSCALE and hub.family(catalogue.find(TASKS[verb], model)) in NETWORKS
    except Refusal:
        is_network = False
    return OF_DIFFUSION if is_network else ()


def check_heeded(verb: Verb, model: str, asked: Iterable[str]) -> None:
    """Raises Refusal for a setting that somebody asked for and this model has no use for."""
    if unheard := next((name for name in asked if name in silent(verb, model)), None):
        raise Refusal(UNHEARD, model=model, setting=knobs(SETTINGS[verb])[unheard].label)


def admitted_by(task: Task, model: str) -> list[Scheduler]:
    """By the scheduler that its files name; all of them while they are not here.  schedulers.admitted has the last word."""
    try:
        entry = catalogue.find(task, model)
        if entry.family == catalogue.OF_THE_LAB:
            return [Scheduler.OWN]
        folder = hub.here(entry)
        files = [folder / place for place in ("scheduler/scheduler_config.json", "scheduler_config.json")] if folder else []
        own = next((json.loads(f.read_text("utf-8")).get("_class_name") for f in files if f.is_file()), None)
    except (Refusal, OSError, ValueError):
        own = None
    return [Scheduler.OWN, *(list(Scheduler)[1:] if own is None else FAMILY.get(own, NOISE))]
