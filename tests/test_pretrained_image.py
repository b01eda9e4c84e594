"""Pictures from pretrained pipelines: every architecture of the catalogue in miniature, oracles for the maths, and what is refused."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter, features
from tiny_pretrained import written

from aigc.knobs import read
from aigc.pretrained import Stopped, catalogue, upscaler
from aigc.pretrained.catalogue import Task
from aigc.pretrained.grid import axis
from aigc.pretrained.image import given, grid, habits, kit, make, patch, schedulers
from aigc.pretrained.image.asked import (
    SETTINGS,
    TASKS,
    Asked,
    Edit,
    Generate,
    Inpaint,
    Outpaint,
    Sample,
    Scheduler,
    Upscale,
    Verb,
)
from aigc.pretrained.image.inside import Recorder, Watch, attention_to, inside, watching
from aigc.pretrained.image.kit import DECODED, DENOISED, Kit
from aigc.pretrained.image.make import Shot, made, note
from aigc.pretrained.image.others import enlarged, of
from aigc.pretrained.image.previews import Preview
from aigc.pretrained.image.prompts import words_of
from aigc.pretrained.image.steps import steps_of
from aigc.words import Refusal

FOLDERS: dict[str, Path] = {}


@pytest.fixture(scope="session", autouse=True)
def folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    FOLDERS["base"] = tmp_path_factory.mktemp("pipelines")


def folder(slug: str) -> Path:
    """The tiny model of this row, on disk."""
    to = FOLDERS["base"] / slug
    if not to.exists():
        written(next(e for e in catalogue.entries() if e.slug == slug), to)
    return to


@functools.cache
def loaded(slug: str) -> Kit:
    return kit.load(folder(slug), torch.device("cpu"), torch.float32)


def picture(width: int = 64, height: int = 64, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))


def mask(size: tuple[int, int] = (64, 64)) -> Image.Image:
    painted = Image.new("L", size)
    ImageDraw.Draw(painted).rectangle((20, 20, 44, 44), fill=255)
    return painted


def asked(verb: Verb = Verb.GENERATE, prompt: str = "a red seven on blue", **values: Any) -> Asked:
    more = {name: values.pop(name) for name in ("negative", "image", "mask", "style") if name in values}
    settings = read(SETTINGS[verb], {"steps": 3, **values})
    return Asked(verb, settings, prompt, **more)


def result(slug: str, what: Asked) -> Shot:
    *_, last = made(loaded(slug), what, threading.Event())
    assert last.is_final
    return last


def same(a: Image.Image, b: Image.Image, within: int = 1) -> bool:
    return a.size == b.size and int(np.abs(np.asarray(a).astype(int) - np.asarray(b)).max()) <= within


# every architecture of the catalogue
@pytest.mark.parametrize("slug", [e.slug for e in catalogue.ON_A_CPU + catalogue.ON_A_GPU if Task.TEXT_TO_IMAGE in e.tasks])
def test_every_architecture_makes_pictures_step_by_step(slug: str) -> None:
    how = habits.habits(Verb.GENERATE, slug)
    shots = list(made(loaded(slug), asked(steps=3, width=32, height=32, guidance=how["guidance"], count=2), threading.Event()))
    seen = {s.index for s in shots if not s.is_final} - {0}
    assert seen == set(range(1, shots[-1].count + 1)) and shots[-1].count >= 3
    assert [i.size for i in shots[-1].images] == [(32, 32)] * 2 and shots[-1].seeds == (0, 1)
    if "flux" not in slug:  # its latents are packed in a way of its own
        assert len(shots[-2].images) == 2


@pytest.mark.parametrize("slug", [e.slug for e in catalogue.ON_A_CPU + catalogue.ON_A_GPU if Task.IMAGE_TO_IMAGE in e.tasks])
def test_every_editor_edits(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kit, "native", 96)
    how = habits.habits(Verb.EDIT, slug)
    shot = result(slug, asked(Verb.EDIT, image=picture(40, 24), guidance=how["guidance"], steps=4))
    assert shot.before is not None and shot.images[0].size == shot.before.size and shot.before.width > shot.before.height
    assert shot.notes[0].en.startswith("What was given is 40 × 24 pixels")


@pytest.mark.parametrize("slug", [e.slug for e in catalogue.ON_A_CPU + catalogue.ON_A_GPU if Task.INPAINT in e.tasks])
def test_what_is_not_painted_over_stays_to_the_pixel(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kit, "native", 64)
    how = habits.habits(Verb.INPAINT, slug)
    shot = result(slug, asked(Verb.INPAINT, image=picture(), mask=mask(), guidance=how["guidance"], soften=0))
    assert shot.before is not None
    scale = shot.before.width / 64
    outside = np.ones((shot.before.height, shot.before.width), bool)
    outside[int(16 * scale) : int(49 * scale), int(16 * scale) : int(49 * scale)] = False
    new, old = np.asarray(shot.images[0]), np.asarray(shot.before)
    assert (new[outside] == old[outside]).all() and (new != old).any()


@pytest.mark.parametrize(("width", "height"), [(900, 500), (64, 400), (40, 24), (66, 61)])
@pytest.mark.parametrize("where", [(5, 5, 17, 15), (20, 8, 38, 22)])
def test_a_photograph_keeps_its_size_and_its_pixels(width: int, height: int, where: tuple[int, int, int, int]) -> None:
    """Only a square around what is marked goes through the model; the rest is the file's, bit for bit."""
    photograph, marked = picture(width, height), Image.new("L", (width, height))
    ImageDraw.Draw(marked).rectangle(where, fill=255)
    *previews, last = made(loaded("sd-1.5"), asked(Verb.INPAINT, image=photograph, mask=marked, soften=2), threading.Event())
    new, old = np.asarray(last.images[0]), np.asarray(photograph)
    assert last.images[0].size == (width, height) and last.before == photograph
    outside, inside = np.asarray(given.widened(marked, 4)) == 0, np.asarray(marked) == 255
    assert (new[outside] == old[outside]).all()
    assert (new[inside] != old[inside]).mean() > 0.5
    assert previews[-1].images[0].size == (width, height)


def test_what_the_model_sees_has_room_around_what_is_marked() -> None:
    for box in ((10, 10, 40, 40), (2000, 1500, 2900, 1700), (0, 0, 4000, 3000), (3980, 2990, 4000, 3000)):
        marked = Image.new("L", (4000, 3000))
        marked.paste(255, box)
        one = patch.around(Image.new("RGB", marked.size), marked, 4, 4, 512, 8, 2048)
        width, height = one.box[2] - one.box[0], one.box[3] - one.box[1]
        assert one.box[0] <= box[0] and one.box[1] <= box[1] and box[2] <= one.box[2] and box[3] <= one.box[3]
        assert width >= min(4000, max(512, 2 * (box[2] - box[0]))) and one.size[0] % 8 == one.size[1] % 8 == 0
        assert abs(one.size[0] / one.size[1] - width / height) < 0.05 and one.size[0] * one.size[1] <= 1.1 * 512**2
        assert one.mask.getbbox() is not None and max(one.small().whole.size) <= 1024


def test_an_extended_photograph_keeps_its_pixels() -> None:
    photograph = picture(300, 200)
    shot = result("sd-1.5", asked(Verb.OUTPAINT, image=photograph, left=0, right=70, top=30, bottom=0, soften=0))
    assert shot.images[0].size == (370, 230) and shot.notes[0].en.startswith("370 × 230 pixels")
    assert (np.asarray(shot.images[0])[30:, :300] == np.asarray(photograph)).all()


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (900, 130), (61, 66)])
def test_an_edited_photograph_keeps_its_size_and_its_proportions(size: tuple[int, int]) -> None:
    """Nothing is cut off: a picture that the model gives back as it is comes back as a whole."""
    photograph = picture(*size)
    one = patch.all_of(photograph, 64, 8, 256)
    assert abs(one.size[0] / one.size[1] / (size[0] / size[1]) - 1) < 0.15 and one.size[0] * one.size[1] <= 1.2 * 64**2
    shot = result("sd-1.5", asked(Verb.EDIT, image=photograph, count=2))
    assert [i.size for i in shot.images] == [size] * 2 and shot.before == photograph
    said = f"What was given is {size[0]} × {size[1]} pixels; this model worked at {one.size[0]} × {one.size[1]}"
    assert shot.notes[0].en.startswith(said) and shot.notes[0].en.endswith(f"brought back to {size[0]} × {size[1]}.")
    smooth = Image.linear_gradient("L").convert("RGB").resize(size)
    again = patch.all_of(smooth, 64, 8, 256)
    assert same(again.with_(again.image), smooth, within=16)


def test_a_picture_of_the_models_own_size_is_neither_resized_nor_noted() -> None:
    shot = result("sd-1.5", asked(Verb.EDIT, image=picture(64, 64)))
    assert shot.images[0].size == (64, 64) and not shot.notes


def test_a_model_that_draws_at_a_size_of_its_own_is_not_stretched(monkeypatch: pytest.MonkeyPatch) -> None:
    real = make.denoised

    def stubborn(*args: Any, **how: Any) -> Iterator[Shot]:
        for shot in real(*args, **how):
            yield replace(shot, images=[image.resize((64, 64)) for image in shot.images])

    monkeypatch.setattr(make, "denoised", stubborn)
    shot = result("sd-1.5", asked(Verb.EDIT, image=picture(300, 200)))
    assert shot.images[0].size == (64, 64) and shot.notes[0].en.startswith("This model drew at 64 × 64, whatever it was asked for")


def test_edits_that_would_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "MOST_AT_ONCE", 64 * 64 * 3)
    with pytest.raises(Refusal, match="At most 3"):
        result("sd-1.5", asked(Verb.EDIT, image=picture(), count=4))


def test_results_that_would_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "MOST_AT_ONCE", 64 * 64 * 3)
    with pytest.raises(Refusal, match="At most 3"):
        result("sd-1.5", asked(Verb.INPAINT, image=picture(), mask=mask(), count=4))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Kit:
    """A miniature that is taken for a large model."""
    kit = loaded("sd-1.5")
    monkeypatch.setattr(kit.preview, "whole", False)
    return kit


def test_where_memory_is_tight_pictures_are_decoded_one_at_a_time(large: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen of 512 pixels at once would take 20 GB, and a machine out of memory ends the process without a word."""
    decoded: list[tuple[bool, bool]] = []
    vae, one, decode = large.pipe.vae, 64 * 64 * DECODED, type(large.pipe.vae).decode
    monkeypatch.setattr(type(vae), "decode", lambda vae, z, *a, **k: (decoded.append((vae.use_slicing, vae.use_tiling)), decode(vae, z, *a, **k))[1])
    for free, slices_and_tiles in ((5 * one, (False, False)), (3 * one, (True, False)), (int(0.9 * one), (True, True))):
        monkeypatch.setattr(kit, "free_memory", lambda device, free=free: free)
        *_, shot = make.made(large, asked(count=1 if free < one else 4, width=64, height=64), threading.Event())
        assert shot.is_final and decoded[-1] == slices_and_tiles
        assert (vae.use_slicing, vae.use_tiling) == (False, False), "only for this run"
    *_, seen = inside(large, asked(width=64, height=64), threading.Event())
    assert seen.final is not None and decoded[-1] == (True, True) and not vae.use_tiling, "one that is looked into, too"


def test_more_pictures_than_memory_holds_are_refused_before_the_machine_dies(large: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "free_memory", lambda device: int(3.5 * 64 * 64 * 2 * DENOISED))
    with pytest.raises(Refusal, match="At most 3 pictures of this size") as refusal:
        list(make.made(large, asked(count=4, width=64, height=64), threading.Event()))
    assert "最多生成 3 张" in refusal.value.words.zh
    *_, shot = make.made(large, asked(count=3, width=64, height=64), threading.Event())
    assert len(shot.images) == 3
    *_, shot = make.made(large, asked(count=6, guidance=1.0, width=64, height=64), threading.Event())
    assert len(shot.images) == 6, "without guidance there is one prediction, not two"
    monkeypatch.setattr(kit, "free_memory", lambda device: 0)
    *_, shot = make.made(large, asked(count=1, width=64, height=64), threading.Event())
    assert len(shot.images) == 1, "one is always tried"


@pytest.mark.parametrize("slug", [e.slug for e in catalogue.ON_A_CPU + catalogue.ON_A_GPU if Task.UNCONDITIONAL in e.tasks])
def test_unconditional_pipelines_sample(slug: str) -> None:
    shot = result(slug, asked(Verb.SAMPLE, "", count=3))
    assert [i.size for i in shot.images] == [(16, 16)] * 3
    assert same(result(slug, asked(Verb.SAMPLE, "", count=1, seed=1)).images[0], shot.images[1])


def test_unconditional_sampling_is_the_pipelines_own() -> None:
    """Against DDIMPipeline of diffusers with the same noise."""
    from diffusers import DDIMPipeline, DDIMScheduler

    pipe = loaded("ddpm-cifar10").pipe
    theirs = DDIMPipeline(pipe.unet, DDIMScheduler.from_config(pipe.scheduler.config))
    theirs.set_progress_bar_config(disable=True)
    wanted = theirs(batch_size=1, num_inference_steps=5, generator=[torch.Generator().manual_seed(3)]).images[0]
    ours = result("ddpm-cifar10", asked(Verb.SAMPLE, "", count=1, seed=3, steps=5, scheduler="ddim")).images[0]
    assert same(ours, wanted)


@pytest.mark.parametrize(("slug", "times"), [("swin2sr-x2", 2), ("sd-x4-upscaler", 4)])
def test_pictures_are_enlarged(slug: str, times: int) -> None:
    entry = catalogue.find(Task.UPSCALE, slug)
    load, make_ = of(entry)
    model = load(folder(slug), torch.device("cpu"), torch.float32)
    *_, shot = make_(model, asked(Verb.UPSCALE, "", image=picture(24, 16)), threading.Event())
    assert shot.is_final and shot.images[0].size == (24 * times, 16 * times) and shot.before.size == (24, 16)
    assert ("guidance" in shot.silent) is (times == 2), "a network draws no lots and reads no prompt"


def invented(size: tuple[int, int], prompt: str = "", **values: Any) -> list[Shot]:
    how = Asked(Verb.UPSCALE, read(Upscale, {"steps": 3, **values}), prompt, image=picture(*size))
    return list(enlarged(loaded("sd-x4-upscaler"), how, threading.Event()))


@functools.cache
def swin2sr() -> Any:
    return of(catalogue.find(Task.UPSCALE, "swin2sr-x2"))[0](folder("swin2sr-x2"), torch.device("cpu"), torch.float32)


@pytest.mark.parametrize(("times", "becomes"), [(0, 4), (4, 4), (16, 16)])
def test_a_diffusion_upscaler_enlarges_as_much_as_asked_for(times: int, becomes: int) -> None:
    shots = invented((13, 9), times=times)
    assert shots[-1].images[0].size == (13 * becomes, 9 * becomes) and shots[-1].before.size == (13, 9)
    assert [s.is_final for s in shots].count(True) == 1 and shots[-1].index == shots[-1].count == (6 if times == 16 else 3)
    assert [s.index for s in shots] == sorted(s.index for s in shots)


def test_a_diffusion_upscaler_refuses_what_it_cannot_reach() -> None:
    with pytest.raises(Refusal, match="choose 4 or 16, not 2"):
        invented((16, 16), times=2)
    with pytest.raises(Refusal, match="up to 128 pixels a side to make them 16 times"):
        invented((130, 16), times=16)


def test_a_diffusion_upscaler_reads_its_prompt_and_a_network_refuses_one() -> None:
    one, other = (invented((16, 16), prompt)[-1].images[0] for prompt in ("a cat", "a dog"))
    assert not same(one, other, within=0)
    with pytest.raises(Refusal, match="No prompt is read"):
        next(enlarged(swin2sr(), asked(Verb.UPSCALE, "a cat", image=picture()), threading.Event()))
    with pytest.raises(Refusal, match="No prompt is read"):
        Asked(Verb.SAMPLE, Sample(), "a cat")


@pytest.mark.parametrize("times", [2, 4])
def test_a_network_says_how_many_tiles_there_are_in_all(times: int) -> None:
    shots = list(enlarged(swin2sr(), asked(Verb.UPSCALE, "", image=picture(100, 20), times=times), threading.Event()))
    assert len({s.count for s in shots}) == 1 and shots[-1].index == shots[-1].count == (2 if times == 2 else 2 + 3)


def test_settings_without_a_say_are_not_written_into_the_file() -> None:
    what = asked(Verb.UPSCALE, "", image=picture(), times=2)
    *_, shot = enlarged(swin2sr(), what, threading.Event())
    assert note(what, "swin2sr-x2", shot)["settings"] == {"times": 2}
    habits.check_heeded(Verb.UPSCALE, "swin2sr-x2", ["times"])
    with pytest.raises(Refusal, match="no use for “Steps”"):
        habits.check_heeded(Verb.UPSCALE, "swin2sr-x2", ["times", "steps"])
    assert habits.silent(Verb.UPSCALE, "swin2sr-x2") == shot.silent and not habits.silent(Verb.UPSCALE, "sd-x4-upscaler")


# the same result as the pipeline itself, and every picture by its own seed
def test_a_picture_is_the_pipelines_own() -> None:
    pipe = loaded("sd-1.5").pipe
    wanted = pipe("a cat", num_inference_steps=4, guidance_scale=5.0, width=32, height=32, generator=torch.Generator().manual_seed(9)).images[0]
    ours = result("sd-1.5", asked(prompt="a cat", steps=4, guidance=5.0, width=32, height=32, seed=9)).images[0]
    assert same(ours, wanted)


def test_each_of_several_pictures_has_a_seed_of_its_own() -> None:
    several = result("sd-1.5", asked(count=3, seed=5, width=32, height=32))
    assert several.seeds == (5, 6, 7)
    assert same(result("sd-1.5", asked(seed=7, width=32, height=32)).images[0], several.images[2])


@pytest.mark.parametrize(("slug", "verb"), [("sd-1.5", Verb.GENERATE), ("ddpm-cifar10", Verb.SAMPLE)])
def test_every_seed_of_a_batch_can_be_typed_in_again(slug: str, verb: Verb) -> None:
    prompt, size = ("", {}) if verb is Verb.SAMPLE else ("a", {"width": 32, "height": 32})
    several = result(slug, asked(verb, prompt, count=3, seed=2**31 - 2, **size))
    assert several.seeds == (2**31 - 2, 2**31 - 1, 0)
    assert same(result(slug, asked(verb, prompt, count=1, seed=several.seeds[2], **size)).images[0], several.images[2])


def test_a_refusal_begins_like_a_sentence_and_names_every_choice() -> None:
    with pytest.raises(Refusal, match=r"^Width must be a multiple"):
        result("sd-1.5", asked(width=36, height=32))
    for scale, choices in ((2, "2, 4, 8 or 16"), (4, "4 or 16")):
        with pytest.raises(Refusal, match=f"choose {choices}, not 3"):
            upscaler.passes_for(3, scale)


def test_a_run_leaves_the_pipeline_as_it_was() -> None:
    own = loaded("sd-1.5").pipe.scheduler
    result("sd-1.5", asked(scheduler="euler", width=32, height=32))
    assert loaded("sd-1.5").pipe.scheduler is own and "step" not in vars(own)


def test_one_loaded_model_serves_every_task() -> None:
    it = loaded("sd-1.5")
    for task in (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT):
        assert it.of(task).unet is it.pipe.unet and it.of(task).vae is it.pipe.vae


def test_a_pipeline_that_cannot_says_so() -> None:
    with pytest.raises(Refusal, match="cannot do that"):
        loaded("ddpm-cifar10").of(Task.INPAINT)


# schedulers: an exact denoiser's belief is the picture itself, at every step and in every parameterisation
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("which", [s for s in schedulers.CLASSES if s not in (Scheduler.FLOW, Scheduler.DPM_KARRAS)])
def test_what_a_step_believes_is_exact_for_an_exact_denoiser(which: Scheduler, kind: str) -> None:
    import diffusers

    base = diffusers.DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, prediction_type=kind)
    name, changes = schedulers.CLASSES[which]
    rule = getattr(diffusers, name).from_config(base.config, **changes)
    rule.set_timesteps(8)
    rng = torch.Generator().manual_seed(0)
    x0 = torch.randn(1, 4, 8, 8, generator=rng)
    x = torch.randn(1, 4, 8, 8, generator=rng) * rule.init_noise_sigma
    for i, t in enumerate(rule.timesteps):
        in_noise_space = float(rule.init_noise_sigma) > 1.5
        alpha_bar = 1 / (1 + rule.sigmas[i] ** 2) if in_noise_space else rule.alphas_cumprod[int(t)]
        held = x * alpha_bar.sqrt() if in_noise_space else x  # back to sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) noise
        noise = (held - alpha_bar.sqrt() * x0) / (1 - alpha_bar).sqrt()
        output = noise if kind == "epsilon" else alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * x0
        torch.testing.assert_close(schedulers.believed(rule, output, t, x), x0, atol=2e-3, rtol=0)
        x = rule.step(output, t, x).prev_sample


def test_a_flows_belief_is_exact() -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    rule = FlowMatchEulerDiscreteScheduler(shift=3.0)
    rule.set_timesteps(6)
    rng = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(1, 4, 4, 4, generator=rng) for _ in range(2))
    x = noise
    for t in rule.timesteps:
        torch.testing.assert_close(schedulers.believed(rule, noise - x0, t, x), x0, atol=1e-4, rtol=0)
        x = rule.step(noise - x0, t, x).prev_sample


@pytest.mark.parametrize("slug", ["sd-1.5", "lcm-dreamshaper", "z-image-turbo", "sdxl"])
def test_only_what_a_model_admits_is_offered_and_works(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = schedulers.admitted(loaded(slug).pipe)
    monkeypatch.setattr(habits.hub, "here", lambda entry: folder(entry.slug))
    assert set(habits.admitted_by(Task.TEXT_TO_IMAGE, slug)) == set(offered)
    how = habits.habits(Verb.GENERATE, slug)["guidance"]
    for which in offered:
        assert np.asarray(result(slug, asked(scheduler=which.value, width=32, height=32, guidance=how)).images[0]).std() > 0
    for which in set(Scheduler) - set(offered):
        with pytest.raises(Refusal, match="does not work with"):
            result(slug, asked(scheduler=which.value, width=32, height=32, guidance=how))


def test_signal_and_noise_of_a_schedule() -> None:
    pipe = loaded("sd-1.5").pipe
    for which in (Scheduler.DDIM, Scheduler.EULER, Scheduler.DPM):
        rule = schedulers.scheduler(pipe, which)
        rule.set_timesteps(7)
        times, signal, noise = schedulers.curve(rule)
        assert times == sorted(times, reverse=True) and signal == sorted(signal)
        np.testing.assert_allclose(np.square(signal) + np.square(noise), 1, atol=1e-6)
        np.testing.assert_allclose(signal[0], float(pipe.scheduler.alphas_cumprod[int(times[0])]) ** 0.5, atol=1e-3)


# stopping
def test_a_stop_is_obeyed_within_a_step_and_the_next_run_works() -> None:
    stop, seen = threading.Event(), []
    with pytest.raises(Stopped):
        for shot in made(loaded("sd-1.5"), asked(steps=50, width=32, height=32), stop):
            seen.append(shot.index)
            if shot.index == 2:
                stop.set()
    assert max(seen) < 50
    result("sd-1.5", asked(width=32, height=32))


def test_leaving_stops_the_pipeline_before_it_is_given_back() -> None:
    stream = made(loaded("sd-1.5"), asked(steps=100, width=32, height=32), threading.Event())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name == "picture"]


def test_a_failure_in_the_pipeline_reaches_whoever_asked() -> None:
    pipe = loaded("sd-1.5").pipe

    def fails() -> None:
        raise RuntimeError("not enough memory: you tried to allocate 99 GB")

    with pytest.raises(RuntimeError, match="not enough memory"):
        list(steps_of(pipe, fails, threading.Event()))


# what is refused, in words
def test_nothing_is_made_of_nothing() -> None:
    for verb in (Verb.GENERATE, Verb.EDIT, Verb.INPAINT, Verb.OUTPAINT):
        with pytest.raises(Refusal, match="Write what"):
            Asked(verb, SETTINGS[verb](), "  ", image=picture(), mask=mask())
    with pytest.raises(Refusal, match="at most 2000"):
        Asked(Verb.GENERATE, Generate(), "a" * 3000)
    for verb in (Verb.EDIT, Verb.UPSCALE, Verb.STYLE):
        with pytest.raises(Refusal, match="Choose a picture"):
            Asked(verb, SETTINGS[verb](), "a")
    with pytest.raises(Refusal, match="Paint over"):
        Asked(Verb.INPAINT, Inpaint(), "a", image=picture())
    with pytest.raises(Refusal, match="whose style"):
        Asked(Verb.STYLE, SETTINGS[Verb.STYLE](), image=picture())


@pytest.mark.parametrize(("slug", "guidance"), [("z-image-turbo", 0.0), ("lcm-dreamshaper", 8.0), ("flux2-klein-4b", 1.0), ("sd-1.5", 1.0)])
def test_a_negative_prompt_that_would_do_nothing_is_refused(slug: str, guidance: float) -> None:
    with pytest.raises(Refusal, match="negative prompt"):
        result(slug, asked(negative="blurry", guidance=guidance, width=32, height=32))


def test_a_negative_prompt_changes_the_picture() -> None:
    plain, other = (result("sd-1.5", asked(negative=n, width=32, height=32)).images[0] for n in ("", "blue"))
    assert not same(plain, other, within=0)


@pytest.mark.parametrize(("width", "says"), [(36, "multiple of 8"), (7, "8 or 16"), (1024, "at most")])
def test_a_size_the_model_does_not_admit_is_refused(width: int, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        result("sd-1.5", asked(width=width, height=32))


def test_a_mask_of_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match="Nothing is marked"):
        result("sd-1.5", asked(Verb.INPAINT, image=picture(), mask=Image.new("L", (64, 64))))


def test_what_a_text_encoder_does_not_read_is_said() -> None:
    shot = result("sd-1.5", asked(prompt="word " * 20 + "ending", width=32, height=32))
    assert "ending" in shot.notes[0].en and "77" in shot.notes[0].en
    assert result("sd-1.5", asked(width=32, height=32)).notes == ()


# pictures from outside
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK"])
def test_pictures_of_every_kind_are_taken(mode: str, tmp_path: Path) -> None:
    ending = "jpg" if mode == "CMYK" else "png"
    Image.new("RGBA" if mode == "P" else mode, (40, 30)).convert(mode).save(tmp_path / f"a.{ending}")
    assert given.picture(tmp_path / f"a.{ending}").mode == "RGB"


def test_pictures_that_cannot_be_taken_are_refused(tmp_path: Path) -> None:
    for size, says in (((1, 1), "at least 8"), ((20000, 20000), "million")):
        Image.new("1", size).save(tmp_path / "a.png")
        with pytest.raises(Refusal, match=says):
            given.picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    for path in (tmp_path / "b.png", tmp_path / "nothing.png", tmp_path):
        with pytest.raises(Refusal, match="not a picture"):
            given.picture(path)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_what_this_pillow_reads_is_taken_and_a_phones_heic_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 30, 30)).save(tmp_path / "a.avif")
    taken = given.picture(tmp_path / "a.avif")
    assert taken.size == (40, 30) and taken.mode == "RGB" and taken.getpixel((20, 15))[0] > 150
    whole = (tmp_path / "a.avif").read_bytes()
    for content, says in ((whole[: len(whole) // 2], "not a picture"), (b"\0\0\0\x18ftypheic" + whole[12:200], "HEIC picture")):
        (tmp_path / "b.avif").write_bytes(content)
        with pytest.raises(Refusal, match=says):
            given.picture(tmp_path / "b.avif")


def test_a_long_thin_picture_is_fitted() -> None:
    for size in ((20000, 8), (8, 4000), (64, 64), (63, 65)):
        fitted = patch.all_of(Image.new("RGB", size), 64, 8, 256).image
        assert fitted.width % 8 == fitted.height % 8 == 0 and min(fitted.size) >= 8 and max(fitted.size) <= 256


@pytest.mark.parametrize("room", [(5, 0, 0, 0), (0, 7, 0, 0), (0, 0, 3, 9), (1, 2, 3, 4), (64, 64, 64, 64)])
def test_a_canvas_grows_where_it_is_told_and_keeps_the_picture(room: tuple[int, int, int, int]) -> None:
    left, right, top, bottom = room
    image = picture(64, 48)
    canvas, room_mask = given.extended(image, left, right, top, bottom, 8)
    assert canvas.width % 8 == canvas.height % 8 == 0
    assert canvas.width - 64 - left - right in range(8) and canvas.height - 48 - top - bottom in range(8)
    old = np.asarray(room_mask) == 0
    rows, columns = np.flatnonzero(old.any(1)), np.flatnonzero(old.any(0))
    assert (len(rows), len(columns)) == (48, 64) and rows[0] >= top and columns[0] >= left
    assert (np.asarray(canvas)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == np.asarray(image)).all()


def test_outpainting_keeps_the_picture_to_the_pixel() -> None:
    shot = result("sd-1.5", asked(Verb.OUTPAINT, image=picture(), left=16, right=0, top=0, bottom=0, soften=0))
    assert shot.images[0].size == (80, 64)
    assert (np.asarray(shot.images[0])[:, 16:] == np.asarray(picture())).all()
    with pytest.raises(Refusal, match="which side"):
        result("sd-1.5", asked(Verb.OUTPAINT, image=picture(), left=0, right=0, top=0, bottom=0))


def test_a_soft_mask_covers_the_hard_one_and_fades_outwards() -> None:
    hard, soft = mask(), given.softened(mask(), 2, 4)
    a, b = np.asarray(hard), np.asarray(soft)
    assert (b[a == 255] == 255).all() and ((b > 0) & (b < 255)).any()
    assert b[: 20 - 6].max() == 0 and b[:, 44 + 7 :].max() == 0  # nothing beyond what was asked


# previews
def test_the_linear_preview_is_like_the_decoded_picture() -> None:
    """A decoder that is linear itself must be found exactly."""

    class Linear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.to_rgb = torch.nn.Conv2d(4, 3, 1)
            self.config = type("C", (), {"latent_channels": 4, "scaling_factor": 0.5, "shift_factor": None})()

        def decode(self, z: torch.Tensor, return_dict: bool = False) -> tuple[torch.Tensor]:
            return (torch.nn.functional.interpolate(self.to_rgb(z), scale_factor=8),)

    torch.manual_seed(0)
    vae = Linear()
    preview = Preview(type("P", (), {"vae": vae})())
    preview.whole = False
    z = 0.3 * torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        wanted = (vae.to_rgb(z / 0.5) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(preview(z), wanted, atol=1e-4, rtol=0)


def test_a_decoder_that_overflows_ends_no_run() -> None:
    """It is asked in float32 where it says that it overflows, and where there are no numbers there is no preview."""
    asked_in: list[torch.dtype] = []

    class Overflowing(torch.nn.Module):
        def __init__(self, upcast: bool) -> None:
            super().__init__()
            self.to_rgb = torch.nn.Conv2d(4, 3, 1).half()
            self.config = type("C", (), {"latent_channels": 4, "scaling_factor": 0.5, "shift_factor": None, "force_upcast": upcast})()

        def decode(self, z: torch.Tensor, return_dict: bool = False) -> tuple[torch.Tensor]:
            asked_in.append(z.dtype)
            pixels = torch.nn.functional.interpolate(z[:, :3], scale_factor=8)
            return (pixels if z.dtype is torch.float32 else pixels * float("nan"),)

    for upcast in (True, False):
        vae = Overflowing(upcast)
        preview = Preview(type("P", (), {"vae": vae})())
        preview.whole = False
        pictures = [preview(torch.randn(1, 4, 8, 8)) for _ in range(2)]
        assert all((x is not None) is upcast for x in pictures) and vae.to_rgb.weight.dtype is torch.float16
    assert asked_in == [torch.float32, torch.float16], "once each"


# grids
def drawing(it: kit.Kit) -> Callable[[Asked], Iterator[make.Shot]]:
    return lambda cell: make.made(it, cell, threading.Event())


def test_a_grid_has_a_picture_for_every_pair() -> None:
    x, y = axis(Generate, "steps", "2, 3"), axis(Generate, "guidance", "1.5；7")
    base = asked(width=32, height=32, count=4, seed=2)
    *_, last = grid.crossed(drawing(loaded("sd-1.5")), base, x, y)
    assert last.done == 4 and x.shown == ("2", "3") and y.shown == ("1.5", "7")
    alone = result("sd-1.5", asked(width=32, height=32, seed=2, steps=3, guidance=7.0)).images[0]
    assert last.cells[3] is not None and same(last.cells[3], alone)


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("steps", "", "1 to 8"),
        ("steps", "1,2,3,4,5,6,7,8,9", "1 to 8"),
        ("steps", "x", "number"),
        ("steps", "500", "between"),
        ("nope", "1", "setting"),
        ("width", "64", "setting"),
    ],
)
def test_nonsense_on_an_axis_is_refused(name: str, typed: str, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        axis(Generate, name, typed, grid.NOT_AXES)


def test_two_axes_are_two_settings() -> None:
    one = axis(Generate, "steps", "2")
    with pytest.raises(Refusal, match="two settings"):
        next(grid.crossed(drawing(loaded("sd-1.5")), asked(), one, one))


# inside
def test_watching_changes_nothing_and_sees_every_step() -> None:
    what = asked(steps=4, width=32, height=32, seed=3)
    *_, told = inside(loaded("sd-1.5"), what, threading.Event())
    assert told.final is not None and same(told.final, result("sd-1.5", what).images[0], within=0)
    assert [s.index for s in told.seen] == [0, 1, 2, 3] and [w.text for w in told.words] == ["a", "red", "seven", "on", "blue"]
    first = told.seen[0]
    assert first.attention.shape == (5, 16, 16) and first.pull is not None and first.without is not None
    assert len(told.times) == len(told.signal) == 4


def test_attention_is_softmax_of_queries_and_keys() -> None:
    """Against the formula, on one layer, with all heads by hand."""
    unet = loaded("sd-1.5").pipe.unet
    layer = next(m for name, m in unet.named_modules() if name.endswith("attn2"))
    rng = torch.Generator().manual_seed(0)
    places, words = torch.randn(2, 16, layer.to_q.in_features, generator=rng), torch.randn(2, 5, 32, generator=rng)
    watch = Watch()
    with torch.no_grad():
        plain = layer(places, encoder_hidden_states=words)
        recorded = Recorder(layer.processor, watch)(layer, places, words)
        q, k = layer.to_q(places[1]), layer.to_k(words[1])
        heads = [torch.softmax(a @ b.T / a.shape[1] ** 0.5, -1) for a, b in zip(q.chunk(layer.heads, 1), k.chunk(layer.heads, 1), strict=True)]
    torch.testing.assert_close(recorded, plain)
    torch.testing.assert_close(watch.maps[0], torch.stack(heads).mean(0))
    torch.testing.assert_close(watch.maps[0].sum(1), torch.ones(16))


def test_a_words_map_stands_where_its_attention_is() -> None:
    from aigc.pretrained.image.prompts import Word

    weights = torch.zeros(4, 6)  # 2 x 2 places of a 4 x 8 latent are not square: 2 rows of 4 would be; here 4 x 4
    weights[3, 2] = weights[3, 3] = 0.5
    found = attention_to((Word("a", (2, 3)), Word("b", (1,))), [weights], (4, 4))
    assert found.shape == (2, 4, 4) and found[0, 3, 3] == 1 and found[0, 0, 0] == 0 and found[1].abs().max() == 0


def test_guidance_is_along_the_difference_that_is_shown() -> None:
    """The believed picture of the guided prediction is without + w (with - without), in latents as in predictions."""
    it, what = loaded("sd-1.5"), asked(steps=1, width=32, height=32, guidance=3.0, scheduler="ddim")
    seen: dict[str, torch.Tensor] = {}
    with watching(it.pipe.unet) as watch:

        def look(step: Any) -> Any:
            _, seen["both"] = watch.taken()
            seen["x"], seen["x0"], seen["t"] = step.x, step.x0, torch.tensor(step.t)
            return step

        pipe = it.pipe
        own, pipe.scheduler = pipe.scheduler, schedulers.scheduler(pipe, Scheduler.DDIM)
        run = kit.call(pipe, prompt=what.prompt, num_inference_steps=1, guidance_scale=3.0, width=32, height=32)
        list(steps_of(pipe, run, threading.Event(), look))
        without, with_it = seen["both"].chunk(2)
        guided = schedulers.believed(pipe.scheduler, without + 3.0 * (with_it - without), seen["t"], seen["x"])
        pipe.scheduler = own
    torch.testing.assert_close(guided, seen["x0"], atol=1e-4, rtol=1e-4)


def test_words_in_both_languages_find_their_tokens() -> None:
    tokenizer = loaded("sd-1.5").pipe.tokenizer
    words = words_of(tokenizer, "two red, 红色的七")
    assert [w.text for w in words] == ["two", "red", "红", "色", "的", "七"]
    places = list(itertools.chain.from_iterable(w.tokens for w in words))
    assert places == sorted(set(places)) and places[0] == 1


def test_a_model_without_such_attention_is_refused() -> None:
    with pytest.raises(Refusal, match="cross-attention"):
        list(inside(loaded("z-image-turbo"), asked(width=32, height=32, guidance=0.0), threading.Event()))


# loading
def test_code_of_a_repository_is_never_run(tmp_path: Path) -> None:
    import json

    for index in ({"_class_name": "MyPipeline"}, {"_class_name": ["a", "b"]}, {"_class_name": "DDPMPipeline", "unet": ["my_code", "Net"]}, {}):
        (tmp_path / "model_index.json").write_text(json.dumps(index))
        with pytest.raises(Refusal, match="never run"):
            kit.checked(tmp_path)
    (tmp_path / "model_index.json").write_text("[")
    with pytest.raises(Refusal, match="not a diffusers pipeline"):
        kit.checked(tmp_path)


# what is told of a picture
def test_a_note_makes_the_picture_again() -> None:
    what = asked(count=2, seed=4, width=32, height=32, negative="blue", scheduler="euler")
    shot = result("sd-1.5", what)
    told = note(what, "sd-1.5", shot, 1)
    assert told["seed"] == 5 and told["prompt"] == what.prompt and told["negative prompt"] == "blue" and told["size"] == "32x32"
    again = asked(Verb(told["task"]), told["prompt"], negative=told["negative prompt"], seed=told["seed"], **told["settings"])
    assert same(result("sd-1.5", again).images[0], shot.images[1])


def test_every_verb_has_settings_and_a_task() -> None:
    assert set(SETTINGS) == set(TASKS) == set(Verb)
    assert {Edit, Generate, Inpaint, Outpaint, Sample, Upscale} <= set(SETTINGS.values())
    for slug, values in habits.HABITS.items():
        for verb in Verb:
            read(SETTINGS[verb], habits.habits(verb, slug))
        assert values
    assert enlarged and make


# masks
def test_a_mask_is_widened_by_a_square_as_pillow_does_it_slowly() -> None:
    dots = Image.fromarray((np.random.default_rng(0).random((40, 30)) > 0.97).astype(np.uint8) * 255)
    for by in (1, 3, 12):
        assert given.widened(dots, by).tobytes() == dots.filter(ImageFilter.MaxFilter(2 * by + 1)).tobytes()


def test_a_mask_file_keeps_what_is_transparent(tmp_path: Path) -> None:
    painted = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    painted.paste((255, 255, 255, 255), (0, 0, 8, 32))
    painted.save(tmp_path / "mask.png")
    marked = given.mask_of(given.mask(tmp_path / "mask.png"), (32, 32))
    assert marked.getbbox() == (0, 0, 8, 32)


def test_a_prompt_without_words_has_no_maps() -> None:
    assert attention_to((), [torch.rand(16, 5)], (4, 4)).shape == (0, 4, 4)
