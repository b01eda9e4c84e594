"""Teaches the miniature: first the autoencoder, on pictures and crops of them, then text encoder and denoiser together in its latents."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Generator, Tensor, nn
from transformers import CLIPTextModel

from aigc.pretrained.teach.loop import Lesson, teach
from aigc.pretrained.teach.pictures import networks
from aigc.pretrained.teach.pictures.captions import caption
from aigc.pretrained.teach.pictures.card import keep
from aigc.pretrained.teach.pictures.compose import SIDE, Things, compose
from aigc.pretrained.teach.pictures.scenes import some_scene
from aigc.pretrained.teach.pictures.words import tokenizer
from aigc.train.devices import best_device
from aigc.words import Words, both

EXAMPLES = 1_690_000  # pictures that the denoiser sees; the autoencoder sees AUTOENCODING of that: what it blurs nobody can read
AUTOENCODING = 0.26
CROP = 32  # pixels: the autoencoder is all convolutions, and a quarter of a picture costs a quarter
KL_WEIGHT = 1e-4
UNTOLD = 0.1  # share of pictures without a caption, which guidance needs (Ho & Salimans 2022)
SAVING = 600  # seconds between two states kept

LATENTS = both("autoencoder: {seen:,} of {all:,} pictures, error {loss:.4f}, {rate:.0f} a second",
               "自编码器：{seen:,} / {all:,} 张，误差 {loss:.4f}，每秒 {rate:.0f} 张")  # fmt: skip
DENOISING = both("denoiser: {seen:,} of {all:,} pictures, error {loss:.4f}, {rate:.0f} a second",
                 "去噪网络：{seen:,} / {all:,} 张，误差 {loss:.4f}，每秒 {rate:.0f} 张")  # fmt: skip


def make(to: Path, seed: int, budget: int, device: str) -> Iterator[Words | dict[str, Any]]:
    begun, on, examples = time.monotonic(), best_device(device), budget or EXAMPLES
    torch.manual_seed(seed)
    things, tok = Things(), tokenizer()

    vae, crops = networks.autoencoder().to(on), int(examples * AUTOENCODING)
    for seen, error, averaged in teach(vae, Autoencoding(vae, things, seed), Lesson(crops, batch=64, learning_rate=2e-3)):
        yield LATENTS.fill(seen=seen, all=crops, loss=error, rate=seen / (time.monotonic() - begun))
        coded: Any = averaged
    vae = copy.deepcopy(coded).eval().requires_grad_(False)
    vae.register_to_config(scaling_factor=round(spread(vae, things, seed), 5))

    both_networks = Told(networks.text_encoder(tok), networks.denoiser()).to(on)
    since = kept = time.monotonic()
    for seen, error, averaged in teach(both_networks, Denoising(both_networks, vae, tok, things, seed), Lesson(examples, batch=64)):
        yield DENOISING.fill(seen=seen, all=examples, loss=error, rate=seen / (time.monotonic() - since))
        learnt: Any = averaged
        if time.monotonic() - kept > SAVING:
            networks.pipeline(vae, learnt.text, tok, learnt.unet).save_pretrained(to)
            kept = time.monotonic()
    pipe = networks.pipeline(vae, learnt.text.eval(), tok, learnt.unet.eval())
    yield from keep(pipe, to, examples, seed, time.monotonic() - begun, str(on))


class Told(nn.Module):
    """What learns together: the text encoder and the denoiser that looks at it."""

    def __init__(self, text: CLIPTextModel, unet: UNet2DConditionModel):
        super().__init__()
        self.text, self.unet = text, unet


class Autoencoding:
    """The loss of one step: absolute and squared error of crops, and a little KL (Rombach et al. 2022, appendix G)."""

    def __init__(self, vae: AutoencoderKL, things: Things, seed: int):
        self.vae, self.things = vae, things
        self.lot, self.rng = Random(seed), torch.Generator().manual_seed(seed)

    def __call__(self, step: int, batch: int = 64) -> Tensor:
        x = compose([some_scene(self.lot) for _ in range(batch // 2)], self.things, self.rng)
        x = cropped(x.repeat_interleave(2, 0), self.rng).to(self.vae.device)
        seen = self.vae.encode(x).latent_dist
        made = self.vae.decode(seen.mean + seen.std * torch.randn(seen.mean.shape, generator=self.rng).to(x.device)).sample.float()
        return (made - x).abs().mean() + (made - x).square().mean() + KL_WEIGHT * seen.kl().mean()


class Denoising:
    """The loss of one step: the squared error of v at times drawn by lot, of pictures with captions.   Salimans & Ho 2022, eq. 12"""

    def __init__(self, learning: Told, vae: AutoencoderKL, tok: Any, things: Things, seed: int):
        self.text, self.unet = learning.text, learning.unet
        self.vae, self.tok, self.things = vae, tok, things
        self.lot, self.rng = Random(seed + 1), torch.Generator().manual_seed(seed + 1)
        self.levels = networks.scheduler()

    def __call__(self, step: int, batch: int = 64) -> Tensor:
        scenes = [some_scene(self.lot) for _ in range(batch)]
        told = ["" if self.lot.random() < UNTOLD else caption(s, self.lot) for s in scenes]
        device = self.unet.device
        x = latents(self.vae, compose(scenes, self.things, self.rng).to(device))
        noise = torch.randn(x.shape, generator=self.rng).to(device)
        time_ = evenly(batch, self.levels.config.num_train_timesteps, self.rng).to(device)
        tokens = self.tok(told, padding="max_length", truncation=True, return_tensors="pt").input_ids.to(device)
        predicted = self.unet(self.levels.add_noise(x, noise, time_), time_, self.text(tokens).last_hidden_state).sample
        return (predicted.float() - self.levels.get_velocity(x, noise, time_)).square().mean()


@torch.no_grad()
def latents(vae: AutoencoderKL, x: Tensor) -> Tensor:
    return vae.encode(x).latent_dist.mean.float() * vae.config.scaling_factor


@torch.no_grad()
def spread(vae: AutoencoderKL, things: Things, seed: int, n: int = 512) -> float:
    """What latents are multiplied by to have unit variance."""
    lot = Random(seed + 2)
    x = compose([some_scene(lot) for _ in range(n)], things, torch.Generator().manual_seed(seed + 2))
    return 1 / float(vae.encode(x.to(vae.device)).latent_dist.mean.std())


def cropped(x: Tensor, rng: Generator) -> Tensor:
    """A quarter of each picture, anywhere in it."""
    corners = torch.randint(SIDE - CROP + 1, (len(x), 2), generator=rng).tolist()
    return torch.stack([picture[:, top : top + CROP, left : left + CROP] for picture, (top, left) in zip(x, corners, strict=True)])


def evenly(n: int, levels: int, rng: Generator) -> Tensor:
    """Times from 0 to levels - 1, one in each n-th of them: less noise in the loss than drawing each alone.  -> (n,) int64"""
    u = (torch.randperm(n, generator=rng) + torch.rand(n, generator=rng)) / n
    return (u * levels).long().clamp(max=levels - 1)
