"""What only a machine with an NVIDIA GPU can show: recorded steps, compiling there, and pipelines in its memory."""

from __future__ import annotations

import functools
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from toys import toy_data

from aigc.events import Said, Saved
from aigc.knobs import as_values
from aigc.options import Compiling
from aigc.registry import build
from aigc.techniques import technique
from aigc.train import compiling, train
from aigc.train.devices import memory_bytes
from aigc.train.loop import Loop

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
GPU = torch.device("cuda")
STEPS = 12
WORKLOADS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "article gan": ("gan", "article", {}),
    "convolutional gan": ("gan", "quick", {}),
    "wgan-gp": ("gan", "quick", {"loss": "wasserstein-gp"}),
    "wgan with clipping": ("gan", "quick", {"loss": "wasserstein-clip"}),
    "autoencoder": ("autoencoder", "article", {}),
    "vae": ("vae", "article", {}),
    "good vae": ("vae", "good", {}),
    "diffusion": ("diffusion", "quick", {}),
    "diffusion with muon and guidance": ("diffusion", "good", {}),
    "diffusion with attention and dropout": ("diffusion", "quick", {"attention": True, "dropout": 0.1, "clip_gradient": 1.0}),
    "augmented diffusion": ("diffusion", "quick", {"shift": 0.1, "rotation": 10.0, "scale": 0.1, "optimiser": "adamw", "weight_decay": 0.1}),
    "stochastic descent": ("diffusion", "quick", {"optimiser": "sgd", "learning_rate": 0.01}),
}


def begun(slug: str, preset: str, values: dict[str, Any], recorded: bool = True) -> Loop:
    data = toy_data((1, 28, 28), n=500)
    config, options = technique(slug).read({"seconds": 0, "images": 10**6, **values}, data.spec, preset)
    torch.manual_seed(0)
    return Loop(build(slug, as_values(config), data.spec).to(GPU), data, options, watch=False, recorded=recorded)


def stepped(loop: Loop, steps: int = STEPS) -> Loop:
    for _ in range(steps):
        loop.step()
    return loop


def weights(loop: Loop) -> torch.Tensor:
    return torch.cat([v.flatten().double() for v in loop.model.state_dict().values()]).cpu()


def numbers(loop: Loop) -> dict[str, float]:
    return loop.meter.read(loop.images)[0]


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_recorded_step_learns_the_same_bits(name: str) -> None:
    plain, recorded = (stepped(begun(*WORKLOADS[name], recorded=it)) for it in (False, True))
    assert not (recorded.recorder and recorded.recorder.failed)
    assert torch.equal(weights(plain), weights(recorded))
    ours, theirs = numbers(recorded), numbers(plain)
    assert ours.keys() == theirs.keys()
    assert all(ours[k] == pytest.approx(theirs[k], rel=1e-3, abs=1e-5) for k in ours if not k.endswith("gradient"))


@pytest.mark.parametrize("name", ["convolutional gan", "diffusion with muon and guidance"])
def test_a_resumed_run_equals_one_that_went_on(name: str) -> None:
    whole = stepped(begun(*WORKLOADS[name]), 2 * STEPS)
    first, second = stepped(begun(*WORKLOADS[name])), begun(*WORKLOADS[name])
    state = {k: v.detach().cpu().clone() for k, v in first._state().items()}
    second.restore(state, first._facts())
    assert torch.equal(weights(whole), weights(stepped(second)))


def test_a_live_knob_turns_a_recorded_step() -> None:
    loop = stepped(begun("diffusion", "quick", {"optimiser": "adam"}))
    before = weights(loop)
    loop.options = replace(loop.options, learning_rate=0.0)
    assert torch.equal(before, weights(stepped(loop)))
    loop.options = replace(loop.options, learning_rate=1e-3)
    assert not torch.equal(before, weights(stepped(loop)))


def test_no_step_waits_for_the_gpu_and_a_recorded_one_is_a_few_launches() -> None:
    loop = stepped(begun("diffusion", "good", {}))
    torch.cuda.set_sync_debug_mode("error")
    try:
        stepped(loop)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        stepped(loop, 5)
        torch.cuda.synchronize()
    counted = {event.key: event.count for event in seen.key_averages()}
    assert counted.get("cudaGraphLaunch", 0) == 5, counted
    assert counted.get("cudaLaunchKernel", 0) <= 5 * 25, counted


def test_a_recorded_step_is_faster() -> None:
    def seconds(loop: Loop) -> float:
        stepped(loop, 20)
        torch.cuda.synchronize()
        start = time.perf_counter()
        stepped(loop, 50)
        torch.cuda.synchronize()
        return time.perf_counter() - start

    plain, recorded = (seconds(begun("diffusion", "good", {}, recorded=it)) for it in (False, True))
    assert recorded < plain / 1.5, (plain, recorded)


def test_a_compiled_network_is_recorded_too() -> None:
    loop = begun("diffusion", "quick", {})
    assert compiling.compile_now(loop)
    before = weights(loop)
    stepped(loop)
    assert loop.recorder and loop.recorder.recordings and not loop.recorder.failed
    assert not torch.equal(before, weights(loop)) and all(torch.isfinite(weights(loop)))


def test_compiling_in_a_process_of_its_own_is_taken_over() -> None:
    data = toy_data((1, 28, 28), n=500)
    config, options = technique("diffusion").read({"seconds": 0, "images": 3200, "compiling": Compiling.ON}, data.spec, "quick")
    model = build("diffusion", as_values(config), data.spec).to(GPU)
    said = [event.words for event in train(model, data, options) if isinstance(event, Said)]
    assert said == [compiling.BEGUN, compiling.DONE]


@pytest.mark.parametrize("slug", ["gan", "autoencoder", "vae", "diffusion"])
@pytest.mark.parametrize("shape", [(2,), (1, 28, 28), (3, 32, 32)])
def test_every_technique_trains_shows_and_keeps(slug: str, shape: tuple[int, ...]) -> None:
    data = toy_data(shape, n=300)
    config, options = technique(slug).read({"seconds": 0, "images": 2000}, data.spec, "quick")
    model = build(slug, as_values(config), data.spec).to(GPU)
    events = list(train(model, data, options))
    saved = [event for event in events if isinstance(event, Saved)]
    assert saved and all(torch.isfinite(v).all() for v in saved[-1].weights.values() if v.is_floating_point())


# pretrained pipelines
NEVER = threading.Event()


@functools.cache
def tiny(slug: str) -> Path:
    from tiny_pretrained import written

    from aigc.pretrained import catalogue

    return written(next(e for e in catalogue.entries() if e.slug == slug), Path(tempfile.mkdtemp()))


def drawers() -> Iterator[str]:
    from aigc.pretrained import catalogue
    from aigc.pretrained.catalogue import Task

    yield from (e.slug for e in catalogue.ON_A_CPU + catalogue.ON_A_GPU if Task.TEXT_TO_IMAGE in e.tasks)


def draw(it: Any, slug: str) -> None:
    from aigc.knobs import read
    from aigc.pretrained.image import habits
    from aigc.pretrained.image.asked import SETTINGS, Asked, Verb
    from aigc.pretrained.image.make import made

    guidance = habits.habits(Verb.GENERATE, slug)["guidance"]
    settings = read(SETTINGS[Verb.GENERATE], {"steps": 3, "width": 32, "height": 32, "guidance": guidance})
    *_, last = made(it, Asked(Verb.GENERATE, settings, "a red seven on blue"), NEVER)
    assert last.is_final and last.images[0].size == (32, 32)


@pytest.mark.parametrize("how", ["whole", "offload", "slicing"])
@pytest.mark.parametrize("slug", list(drawers()))
def test_every_architecture_draws_on_the_gpu(slug: str, how: str) -> None:
    from aigc.pretrained.fit import Chosen
    from aigc.pretrained.image import kit
    from aigc.pretrained.shelf import settle

    offload = how == "offload"
    it = kit.load(tiny(slug), torch.device("cpu") if offload else GPU, torch.bfloat16)
    settle(it, Chosen(GPU.type, "bfloat16", offload=offload, slicing=how == "slicing"))
    draw(it, slug)


def test_a_compiled_pipeline_draws_on_the_gpu() -> None:
    from aigc.pretrained.fit import Chosen
    from aigc.pretrained.image import kit
    from aigc.pretrained.shelf import settle

    slug = next(drawers())
    it = kit.load(tiny(slug), GPU, torch.float16)
    settle(it, Chosen(GPU.type, "float16", compile=True))
    draw(it, slug)


@pytest.mark.parametrize("name", ["gpt2", "qwen3-0.6b"])
def test_language_models_write_on_the_gpu(name: str) -> None:
    from tiny_pretrained import BUILDERS

    from aigc.pretrained.text.asked import Continue
    from aigc.pretrained.text.continuing import compared, continued
    from aigc.pretrained.text.kit import load

    with tempfile.TemporaryDirectory() as folder:
        BUILDERS[name](Path(folder), None)
        it = load(Path(folder), GPU, torch.bfloat16)
    *_, draft = continued(it, "hello", Continue(length=12), (), NEVER)
    assert draft.is_final and draft.tokens
    *_, drafts = compared(it, "hello", Continue(length=8), (), NEVER)
    assert len(drafts) == 3


def test_memory_is_counted_from_the_beginning_of_a_training() -> None:
    before = torch.empty(1 << 30, dtype=torch.uint8, device=GPU)
    del before
    assert memory_bytes(begun(*WORKLOADS["vae"]).device) < 1 << 29
