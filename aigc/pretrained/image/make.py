"""The verbs: what was asked, done with a loaded pipeline, as a generator of ever better pictures; the last one is the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image

from aigc.knobs import as_values
from aigc.outputs.labels import unmarked
from aigc.pretrained import Stopped
from aigc.pretrained.image import given, patch
from aigc.pretrained.image.asked import SEEDS, TASKS, Asked, Edit, Generate, Inpaint, Outpaint, Sample, Scheduler, Upscale, Verb
from aigc.pretrained.image.kit import Kit, call, in_room, is_guided, takes
from aigc.pretrained.image.patch import Patch
from aigc.pretrained.image.previews import as_pictures
from aigc.pretrained.image.prompts import remarks
from aigc.pretrained.image.schedulers import believed, scheduler
from aigc.pretrained.image.steps import steps_of
from aigc.words import Refusal, Words, both

NO_NEGATIVE = both(
    "At this guidance the model makes no second prediction that a negative prompt could change: leave it empty, or raise the guidance.",
    "在这个引导强度下，模型不做第二次预测，负向提示词不起作用：请留空，或调高引导强度。",
)
NEVER_NEGATIVE = both("This model takes no negative prompt: leave it empty.", "这个模型不接受负向提示词：请留空。")
NO_STRENGTH = both(
    "This model looks at the picture while it draws a new one: Strength changed nothing.", "这个模型看着原图另画一张：“重绘强度”没有起作用。"
)
WRONG_SIZE = both("{label} must be a multiple of {step} for this model: {low} or {high}.", "这个模型的{label}必须是 {step} 的倍数：{low} 或 {high}。")
NOT_ACCEPTED = both("The model's pipeline does not accept this: {why}", "模型的管线不接受这个要求：{why}")
RESIZED = both(
    "What was given is {w} × {h} pixels; this model worked at {ours}, and what it made was brought back to {w} × {h}.",
    "给出的图像是 {w} × {h} 像素；这个模型在 {ours} 上工作，结果已还原为 {w} × {h}。",
)
OWN_SIZE = both(
    "This model drew at {ours}, whatever it was asked for; the result was left so: brought to {w} × {h} it would be out of shape.",
    "无论要求什么尺寸，这个模型都画成 {ours}；结果保持原样：还原为 {w} × {h} 会变形。",
)
FILLED = both(
    "{w} × {h} pixels around what is new were worked on at {ours}, the size of this model; the rest is the picture as it was.",
    "新内容周围的 {w} × {h} 像素以模型的尺寸 {ours} 处理；其余部分就是原图。",
)
TOO_WIDE = both("The canvas would be {w} × {h} pixels; this model manages {most} a side.", "画布会有 {w} × {h} 像素；这个模型每边最多 {most}。")
HIDDEN = both("The model's own safety checker took picture {n} for unsuitable and blackened it.", "模型自带的安全检查认为第 {n} 张不合适，已涂黑。")


@dataclass(frozen=True)
class Shot:
    """Pictures on their way, or done."""

    images: list[Image.Image] = field(default_factory=list)  # empty where a model's latents cannot be looked at
    index: int = 0  # steps done
    count: int = 0
    is_final: bool = False
    seconds: float = 0.0  # since the first step began
    before: Image.Image | None = None  # what was handed in, as the model saw it
    seeds: tuple[int, ...] = ()  # of each picture
    notes: tuple[Words, ...] = ()
    silent: tuple[str, ...] = ()  # settings that had no say

    @property
    def pace(self) -> float:
        """Seconds a step."""
        return self.seconds / max(1, self.index)


def made(kit: Kit, asked: Asked, stop: threading.Event) -> Iterator[Shot]:
    """Raises Refusal, and Stopped within a step of `stop` being set."""
    with torch.inference_mode():
        if asked.verb is Verb.SAMPLE:
            yield from _sampled(kit, asked.settings, stop)  # type: ignore[arg-type]
        elif asked.verb is Verb.GENERATE:
            yield from _generated(kit, asked, asked.settings, stop)  # type: ignore[arg-type]
        elif asked.verb is Verb.EDIT:
            yield from _edited(kit, asked, asked.settings, stop)  # type: ignore[arg-type]
        else:
            yield from _filled(kit, asked, stop)


def _generated(kit: Kit, asked: Asked, how: Generate, stop: threading.Event) -> Iterator[Shot]:
    size = [_side(kit, value, label) for value, label in ((how.width, both("Width", "宽")), (how.height, both("Height", "高")))]
    yield from denoised(kit, kit.of(TASKS[asked.verb]), asked, how, stop, how.count, {"width": size[0], "height": size[1]})


def _edited(kit: Kit, asked: Asked, how: Edit, stop: threading.Event) -> Iterator[Shot]:
    """The whole picture goes through the model, at a size near the one it learnt with, and keeps its own."""
    whole = there(asked.image)
    patch.check_room(whole, how.count)
    one = patch.all_of(whole, kit.native, kit.step, kit.most)
    seen = one.image
    more = {"image": seen, "strength": how.strength, **_size(seen)}
    for shot in denoised(kit, kit.of(TASKS[asked.verb]), asked, how, stop, how.count, more):
        yield replace(_brought_back(one, shot) if shot.is_final else shot, before=whole)


def _brought_back(one: Patch, shot: Shot) -> Shot:
    """What a model made of a whole picture, at the size of that; as it is where the model drew at another than it was asked for."""
    drawn, told = shot.images[0].size, {"w": one.whole.width, "h": one.whole.height}
    ours = f"{drawn[0]} × {drawn[1]}"
    if drawn != one.size:
        return replace(shot, notes=(OWN_SIZE.fill(ours=ours, **told), *shot.notes))
    notes = () if drawn == one.whole.size else (RESIZED.fill(ours=ours, **told),)
    return replace(shot, images=[one.with_(image) for image in shot.images], notes=notes + shot.notes)


def _filled(kit: Kit, asked: Asked, stop: threading.Event) -> Iterator[Shot]:
    """Inpainting; outpainting is the same with a mask that is the new room.  The picture keeps its size."""
    how: Any = asked.settings
    one = _extended(kit, there(asked.image), how) if isinstance(how, Outpaint) else _marked(kit, asked, how)
    patch.check_room(one.whole, how.count)
    seen, small, (width, height) = one.image, one.small(), (one.box[2] - one.box[0], one.box[3] - one.box[1])
    notes = () if one.size == (width, height) else (FILLED.fill(w=width, h=height, ours=f"{seen.width} × {seen.height}"),)
    more = {"image": seen, "mask_image": one.mask, "strength": how.strength, **_size(seen)}
    for shot in denoised(kit, kit.of(TASKS[asked.verb]), asked, how, stop, how.count, more, notes):
        yield replace(shot, before=one.whole, images=[(one if shot.is_final else small).with_(image) for image in shot.images])


def _marked(kit: Kit, asked: Asked, how: Inpaint) -> Patch:
    whole = there(asked.image)
    drawn = unmarked(there(asked.mask), whole.info)  # it may have been drawn over the file, strip and all
    return patch.around(whole, given.mask_of(drawn, whole.size), how.grow, how.soften, kit.native, kit.step, kit.most)


def _extended(kit: Kit, whole: Image.Image, how: Outpaint) -> Patch:
    scale = patch.scale_of(whole, kit.native, kit.step, kit.most)
    canvas, mask = given.extended(whole, how.left, how.right, how.top, how.bottom, kit.step if scale == 1.0 else 1)
    if max(canvas.size) * scale > kit.most:
        raise Refusal(TOO_WIDE, w=canvas.width, h=canvas.height, most=int(kit.most / scale))
    return patch.beyond(canvas, mask, how.soften, scale, kit.step)


def denoised(
    kit: Kit, pipe: Any, asked: Asked, how: Generate | Edit | Inpaint | Outpaint | Upscale, stop: threading.Event, count: int, more: dict[str, Any],
    notes: tuple[Words, ...] = (),
) -> Iterator[Shot]:  # fmt: skip
    """One run of the pipeline for this verb, step by step; `notes` are told beside what it has to say itself."""
    if asked.negative.strip() and not is_guided(pipe, how.guidance):
        raise Refusal(NO_NEGATIVE if takes(pipe, "negative_prompt") else NEVER_NEGATIVE)
    if "strength" in more and not takes(pipe, "strength"):
        notes += (NO_STRENGTH,)
    steps = _enough(how.steps, more.get("strength", 1.0)) if takes(pipe, "strength") else how.steps
    seeds = seeds_of(how.seed, count)
    run = call(
        pipe, prompt=asked.prompt, negative_prompt=asked.negative.strip() or None, num_inference_steps=steps, guidance_scale=how.guidance,
        true_cfg_scale=how.guidance if asked.negative.strip() else None,  # of models whose own guidance is learnt
        num_images_per_prompt=count, generator=[torch.Generator().manual_seed(seed) for seed in seeds], **more,
    )  # fmt: skip
    notes += remarks(pipe, asked.prompt)
    shot = Shot(seeds=seeds, notes=notes)
    with in_room(kit, count, _pixels(kit, more), 2 if is_guided(pipe, how.guidance) else 1):
        own, pipe.scheduler = pipe.scheduler, scheduler(pipe, getattr(how, "scheduler", Scheduler.OWN))
        stream = steps_of(pipe, run, stop, lambda step: (step, as_pictures(kit.preview(step.x0))))
        try:
            for kind, told in stream:
                if kind == "step":
                    step, images = told
                    shot = replace(shot, images=images, index=step.index + 1, count=step.count, seconds=step.seconds)
                elif kind == "done":
                    hidden = getattr(told, "nsfw_content_detected", None) or []
                    flagged = tuple(HIDDEN.fill(n=i + 1) for i, bad in enumerate(hidden) if bad)
                    shot = replace(shot, images=list(told.images), index=shot.count, is_final=True, notes=notes + flagged)
                yield shot
        except ValueError as error:  # how the pipelines of diffusers refuse
            raise Refusal(NOT_ACCEPTED, why=str(error).splitlines()[0][:200]) from error
        finally:
            stream.close()
            pipe.scheduler = own


def _pixels(kit: Kit, more: dict[str, Any]) -> int:
    """Of one picture that comes out of the decoder."""
    if "width" in more:
        return int(more["width"] * more["height"])
    return int(more["image"].width * more["image"].height * kit.pipe.vae_scale_factor**2)


def _sampled(kit: Kit, how: Sample, stop: threading.Event) -> Iterator[Shot]:
    """An unconditional pipeline's own loop, so that it can be watched: DDPMPipeline tells nobody of its steps."""
    unet, rule = kit.pipe.unet, scheduler(kit.pipe, how.scheduler)
    seeds = seeds_of(how.seed, how.count)
    rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
    rule.set_timesteps(how.steps)
    side = unet.config.sample_size
    shape = (unet.config.in_channels, *((side, side) if isinstance(side, int) else side))
    x = torch.stack([torch.randn(shape, generator=rng) for rng in rngs]).to(unet.device, unet.dtype) * rule.init_noise_sigma
    labels = _no_class(unet, how.count)
    begun = time.perf_counter()
    noisy = {"generator": rngs} if takes_generator(rule) else {}
    for i, t in enumerate(rule.timesteps):
        if stop.is_set():
            raise Stopped
        output = unet(rule.scale_model_input(x, t), t, **labels).sample
        images = as_pictures(kit.preview(believed(rule, output, t, x)))
        x = rule.step(output, t, x, **noisy).prev_sample
        yield Shot(images, i + 1, len(rule.timesteps), seconds=time.perf_counter() - begun, seeds=seeds)
    yield Shot(
        as_pictures((x.float() / 2 + 0.5).clamp(0, 1)), len(rule.timesteps), len(rule.timesteps), True, time.perf_counter() - begun, seeds=seeds
    )


def takes_generator(rule: Any) -> bool:
    import inspect

    return "generator" in inspect.signature(rule.step).parameters


def _no_class(unet: Any, count: int) -> dict[str, Any]:
    """For a network that knows classes: the last one, which stands for none."""
    classes = unet.config.get("num_class_embeds")
    return {"class_labels": torch.full((count,), classes - 1, device=unet.device)} if classes else {}


def there(image: Image.Image | None) -> Image.Image:
    if image is None:
        raise Refusal(both("Choose a picture first.", "请先选一张图像。"))
    return image


def _size(image: Image.Image) -> dict[str, int]:
    return {"width": image.width, "height": image.height}


def _side(kit: Kit, value: int, label: Words) -> int:
    value = value or kit.native
    if value % kit.step or value < kit.step:
        low = max(kit.step, value // kit.step * kit.step)
        raise Refusal(WRONG_SIZE, label=label, step=kit.step, low=low, high=low + kit.step)
    if value > kit.most:
        raise Refusal(both("{label} is at most {most} pixels for this model.", "这个模型的{label}最多 {most} 像素。"), label=label, most=kit.most)
    return value


def seeds_of(first: int, count: int) -> tuple[int, ...]:
    """One for each picture; after the largest that a form takes comes 0, so that each can be typed in again."""
    return tuple((first + i) % (SEEDS + 1) for i in range(count))


def _enough(steps: int, strength: float) -> int:
    """So many that at least one is left of them at this strength: int(steps * strength) are taken."""
    while int(steps * strength) < 1:
        steps += 1
    return steps


def note(asked: Asked, model: str, shot: Shot, which: int = 0) -> dict[str, Any]:
    """How one picture was made, for its file and for "use these again"."""
    told_anyway = ("seed", "count", *shot.silent)
    settings = {k: v for k, v in as_values(asked.settings).items() if k not in told_anyway and v != Scheduler.OWN.value}
    image = shot.images[which]
    style = asked.texture or ("a picture of one's own" if asked.style is not None else "")
    words = {"prompt": asked.prompt, "negative prompt": asked.negative, "style": style}
    return {
        "task": asked.verb.value, "model": model, **{k: v for k, v in words.items() if v.strip()}, "seed": shot.seeds[which] if shot.seeds else None,
        "settings": settings, "size": f"{image.width}x{image.height}", "seconds a step": round(shot.pace, 4),
    }  # fmt: skip
