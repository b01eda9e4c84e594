"""Look inside a picture while it comes about: where each word looks, what the latent holds, and what guidance adds.

Works with U-Nets that read a prompt by cross-attention; nothing of the run itself changes while it is watched.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from aigc.pretrained.catalogue import Task
from aigc.pretrained.image.asked import Asked, Generate
from aigc.pretrained.image.kit import Kit, call, in_room
from aigc.pretrained.image.previews import as_pictures
from aigc.pretrained.image.prompts import Word, remarks, words_of
from aigc.pretrained.image.schedulers import believed, curve, scheduler
from aigc.pretrained.image.steps import Step, steps_of
from aigc.words import Refusal, Words, both

NO_UNET = both(
    "Only models whose U-Net reads the prompt by cross-attention can be looked into; this one is a {kind}.",
    "只有用交叉注意力读提示词的 U-Net 模型才能看内部；这个是 {kind}。",
)
NO_WORDS = both("There is no word in this prompt, only marks: nothing can be shown beside the picture.", "提示词里没有词，只有符号：图旁没有可看的。")


@dataclass(frozen=True)
class Seen:
    """One step from the inside.  Maps are (H, W) float on the CPU."""

    index: int
    count: int
    t: float
    latent: Tensor  # (C, h, w): x_t
    noisy: Image.Image | None  # x_t, decoded
    picture: Image.Image | None  # x0 as believed, decoded
    attention: Tensor  # (words, h, w): the share of attention that each place of the latent gives to each word
    without: Image.Image | None = None  # x0 as believed without the prompt
    with_it: Image.Image | None = None  # ... with it, before guidance exaggerates
    pull: Tensor | None = None  # (h, w): length of the difference of the two predictions


@dataclass(frozen=True)
class Told:
    """All that is known so far; `final` comes with the last."""

    words: tuple[Word, ...]
    seen: tuple[Seen, ...] = ()
    times: tuple[float, ...] = ()
    signal: tuple[float, ...] = ()
    noise: tuple[float, ...] = ()
    final: Image.Image | None = None
    notes: tuple[Words, ...] = ()


def inside(kit: Kit, asked: Asked, stop: threading.Event) -> Iterator[Told]:
    """One picture, step by step.  Raises Refusal, and Stopped within a step."""
    how, pipe = asked.settings, kit.of(Task.TEXT_TO_IMAGE)
    unet = getattr(pipe, "unet", None)
    if not isinstance(how, Generate) or unet is None or not hasattr(pipe, "tokenizer"):
        raise Refusal(NO_UNET, kind=type(pipe).__name__)
    width, height = how.width or kit.native, how.height or kit.native
    run = call(
        pipe, prompt=asked.prompt, negative_prompt=asked.negative.strip() or None, num_inference_steps=how.steps, guidance_scale=how.guidance,
        width=width, height=height, generator=torch.Generator().manual_seed(how.seed),
    )  # fmt: skip
    words = words_of(pipe.tokenizer, asked.prompt)
    told = Told(words, notes=(*remarks(pipe, asked.prompt), *(() if words else (NO_WORDS,))))
    own, pipe.scheduler = pipe.scheduler, scheduler(pipe, how.scheduler)
    with in_room(kit, 1, width * height), watching(unet) as watch:
        stream = steps_of(pipe, run, stop, lambda step: _seen(kit, pipe.scheduler, step, watch, told.words))
        try:
            for kind, value in stream:
                if kind == "step":
                    times, signal, noise = curve(pipe.scheduler)
                    told = replace(told, seen=(*told.seen, value), times=tuple(times), signal=tuple(signal), noise=tuple(noise))
                elif kind == "done":
                    told = replace(told, final=value.images[0])
                yield told
        finally:
            stream.close()
            pipe.scheduler = own


class Watch:
    """What the last call of the U-Net did: attention summed over its layers and heads, and its two predictions."""

    def __init__(self) -> None:
        self.maps: list[Tensor] = []
        self.output: Tensor | None = None

    def taken(self) -> tuple[list[Tensor], Tensor | None]:
        maps, output, self.maps, self.output = self.maps, self.output, [], None
        return maps, output


class Recorder:
    """An attention processor that lets the real one work and computes, beside it, the weights that it used.

    A = softmax(Q K^T / sqrt(d)); the mean over heads of the last picture of the batch, the one with the prompt.  -> (places, tokens)
    """

    def __init__(self, real: Any, watch: Watch):
        self.real, self.watch = real, watch

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Any = None, attention_mask: Any = None, *args: Any, **more: Any
    ) -> Tensor:
        result = self.real(attn, hidden_states, encoder_hidden_states, attention_mask, *args, **more)
        read = encoder_hidden_states[-1:]
        if attn.norm_cross:
            read = attn.norm_encoder_hidden_states(read)
        query = attn.head_to_batch_dim(attn.to_q(hidden_states[-1:]))
        key = attn.head_to_batch_dim(attn.to_k(read))
        self.watch.maps.append(attn.get_attention_scores(query, key, None).mean(0).float().cpu())
        return result


@contextmanager
def watching(unet: Any) -> Iterator[Watch]:
    """While inside, the U-Net's cross-attention and predictions are written down; afterwards it is as it was."""
    watch = Watch()
    crossed = [m for name, m in unet.named_modules() if name.endswith("attn2") and hasattr(m, "processor")]
    real = [m.processor for m in crossed]

    def heard(_: Any, __: Any, output: Any) -> None:
        watch.output = output[0] if isinstance(output, tuple) else output.sample

    handle = unet.register_forward_hook(heard)
    try:
        for module, processor in zip(crossed, real, strict=True):
            module.processor = Recorder(processor, watch)
        yield watch
    finally:
        handle.remove()
        for module, processor in zip(crossed, real, strict=True):
            module.processor = processor


def _seen(kit: Kit, rule: Any, step: Step, watch: Watch, words: tuple[Word, ...]) -> Seen:
    maps, output = watch.taken()
    size = (step.x.shape[-2], step.x.shape[-1])
    seen = Seen(step.index, step.count, step.t, step.x[0].float().cpu(), _one(kit, step.x), _one(kit, step.x0), attention_to(words, maps, size))
    if output is None or len(output) != 2 * len(step.x):
        return seen
    without, with_it = output.chunk(2)
    pull = (with_it - without)[0].float().norm(dim=0).cpu()
    beliefs = [_one(kit, believed(rule, part, step.t, step.x)) for part in (without, with_it)]
    return replace(seen, without=beliefs[0], with_it=beliefs[1], pull=pull)


def _one(kit: Kit, latents: Tensor) -> Image.Image | None:
    pictures = as_pictures(kit.preview(latents[:1]))
    return pictures[0] if pictures else None


def attention_to(words: tuple[Word, ...], maps: list[Tensor], size: tuple[int, int]) -> Tensor:
    """Attention given to each word, mean over layers, at the latent's size.  -> (words, h, w)"""
    height, width = size
    total = torch.zeros(len(words), height, width)
    if not words:
        return total
    for weights in maps:  # (places, tokens)
        shrink = round((height * width / len(weights)) ** 0.5)
        h, w = -(-height // shrink), -(-width // shrink)
        each = torch.stack([weights[:, list(word.tokens)].sum(1) for word in words]).reshape(len(words), 1, h, w)
        total += torch.nn.functional.interpolate(each, size, mode="bilinear")[:, 0] / len(maps)
    return total
