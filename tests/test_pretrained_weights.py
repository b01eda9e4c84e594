"""Repositories whose weights are not those that their settings speak of: refused in a sentence, never run on random numbers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_pretrained import BUILDERS

from aigc.pretrained import upscaler
from aigc.pretrained.image import kit as of_pictures
from aigc.pretrained.text import kit as of_words
from aigc.words import LANGS, Refusal

CPU = torch.device("cpu")


def lost(path: Path, part: str) -> int:
    """Takes the tensors of that name out of a file; -> how many."""
    tensors = load_file(path)
    gone = [name for name in tensors if part in name]
    save_file({name: tensor for name, tensor in tensors.items() if name not in gone}, path, metadata={"format": "pt"})
    return len(gone)


def reshaped(path: Path, part: str) -> int:
    """The same, but they have one row too many."""
    tensors = load_file(path)
    changed = {name: torch.cat([t, t[:1]]) for name, t in tensors.items() if part in name}
    save_file({**tensors, **changed}, path, metadata={"format": "pt"})
    return len(changed)


def built(slug: str, to: Path) -> Path:
    BUILDERS[slug](to, None)
    return to


def refused(load: Callable[..., Any], folder: Path, n: int) -> None:
    with pytest.raises(Refusal) as refusal:
        load(folder, CPU, torch.float32)
    for lang in LANGS:
        assert f" {n} " in refusal.value.words[lang] and "\n" not in refusal.value.words[lang]


@pytest.mark.parametrize("spoil", [lost, reshaped])
@pytest.mark.parametrize(
    ("slug", "file", "load", "part"),
    [
        ("qwen3-0.6b", "model", of_words.load, "mlp"),
        ("gpt2", "model", of_words.load, "attn.c_proj"),
        ("bart-large-cnn", "model", of_words.load, "fc1"),
        ("swin2sr-x2", "model", upscaler.load, "patch_embed"),
        ("sd-1.5", "text_encoder/model", of_pictures.load, "k_proj"),
        ("sd-1.5", "safety_checker/model", of_pictures.load, "v_proj"),
        ("sd-1.5", "unet/diffusion_pytorch_model", of_pictures.load, "conv1"),
        ("sd-1.5", "vae/diffusion_pytorch_model", of_pictures.load, "conv_out"),
        ("ddpm-cifar10", "diffusion_pytorch_model", of_pictures.load, "conv_in"),
    ],
)
def test_weights_that_are_missing_or_of_another_shape_are_counted_and_refused(
    slug: str, file: str, load: Callable[..., Any], part: str, spoil: Callable[[Path, str], int], tmp_path: Path
):
    n = spoil(built(slug, tmp_path) / f"{file}.safetensors", part)
    assert n
    refused(load, tmp_path, n)


def test_what_is_tied_and_what_is_computed_need_not_be_saved(tmp_path: Path):
    from transformers import PegasusConfig, PegasusForConditionalGeneration

    gpt2 = built("gpt2", tmp_path / "gpt2")
    assert "lm_head.weight" not in load_file(gpt2 / "model.safetensors"), "it is the embedding"
    of_words.load(gpt2, CPU, torch.float32)
    small = {f"{side}_{what}": 1 for side in ("encoder", "decoder") for what in ("layers", "attention_heads", "ffn_dim")}
    pegasus = built("bart-large-cnn", tmp_path / "pegasus")  # for its tokenizer
    PegasusForConditionalGeneration(PegasusConfig(vocab_size=320, d_model=8, max_position_embeddings=16, **small)).save_pretrained(pegasus)
    assert lost(pegasus / "model.safetensors", "embed_positions") == 2 and lost(pegasus / "model.safetensors", "final_logits_bias") == 1
    of_words.load(pegasus, CPU, torch.float32)  # sines of the position, and a buffer of noughts


def test_the_old_names_of_tensors_are_known(tmp_path: Path):
    """As Stable Diffusion 1.5 lies on the Hub."""
    painter = built("sd-1.5", tmp_path)
    for part, within in (("text_encoder", ""), ("safety_checker", "vision_model.")):
        path = painter / part / "model.safetensors"
        before = "text_model." if part == "text_encoder" else "vision_model."
        renamed = {(before + name if name.startswith(within) else name): t for name, t in load_file(path).items()}
        save_file({**renamed, f"{within}{before}embeddings.position_ids": torch.arange(5)[None]}, path, metadata={"format": "pt"})
    of_pictures.load(painter, CPU, torch.float32)


LOADS = """
import sys
from pathlib import Path
import torch
from aigc.pretrained import architecture, layout, upscaler
from aigc.pretrained.catalogue import ON_A_CPU
from aigc.pretrained.image import kit
cpu, pipeline, network = torch.device("cpu"), Path(sys.argv[1]), Path(sys.argv[2])
architecture.check(next(e for e in ON_A_CPU if e.slug == "sd-1.5"), layout.read_index(pipeline), pipeline=True)
upscaler.load(network, cpu, torch.float32)
kit.load(pipeline, cpu, torch.float32)
"""


def test_the_libraries_tell_the_terminal_nothing_of_what_they_load(tmp_path: Path) -> None:
    """Neither their bars, nor that something here is installed without torchvision, which nothing here needs."""
    folders = [str(built(slug, tmp_path / slug)) for slug in ("sd-1.5", "swin2sr-x2")]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", LOADS, *folders], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stdout + done.stderr
