"""Super-resolution: tiles make the same picture as the whole would, every model of the task runs by one code, and the shipped one beats bicubic."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tiny_sources
import torch
from conftest import PROJECT
from PIL import Image, ImageChops

from aigc.nets.upscaler import ResidualUpscaler
from aigc.pretrained import Stopped, upscaler
from aigc.pretrained.folder import load_network, save_network
from aigc.pretrained.teach import make, views
from aigc.pretrained.teach import upscaler as lesson
from aigc.pretrained.textures import TEXTURES, texture
from aigc.words import Refusal

SHIPPED = PROJECT / "checkpoints" / "shipped" / "pretrained" / "upscaler"
CPU = torch.device("cpu")
SMALL = {"width": 16, "blocks": 2, "scale": 2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = ResidualUpscaler(**SMALL)
    torch.nn.init.normal_(network.tail.weight, std=0.05)
    save_network(network, tmp_path / "up", SMALL)
    return tmp_path / "up"


def picture(width: int, height: int) -> Image.Image:
    return texture("strokes", 256, seed=1).resize((width, height))


def apart(a: Image.Image, b: Image.Image) -> int:
    return max(high for _, high in ImageChops.difference(a, b).getextrema())


@pytest.mark.parametrize("size", [(8, 8), (31, 17), (97, 250)])
def test_any_size_is_doubled_and_doubled_again(folder: Path, size: tuple[int, int]):
    model = upscaler.load(folder, CPU)
    for times in (2, 4):
        *path, last = upscaler.upscale(model, picture(*size), times)
        assert last.size == (size[0] * times, size[1] * times) == path[0].size and last.mode == "RGB"


def test_it_begins_with_bicubic_interpolation_and_each_tile_changes_something(folder: Path):
    small = picture(200, 100)
    told = list(upscaler.upscale(upscaler.load(folder, CPU), small))
    assert apart(told[0], small.resize((400, 200), Image.Resampling.BICUBIC)) == 0
    assert len(told) == len(upscaler.tiles(200, 100)) + 1 and all(apart(a, b) > 0 for a, b in pairwise(told))


def test_tiles_make_the_picture_that_the_whole_makes(folder: Path, monkeypatch: pytest.MonkeyPatch):
    model, small = upscaler.load(folder, CPU), picture(150, 130)
    *_, tiled = upscaler.upscale(model, small)
    monkeypatch.setattr(upscaler, "TILE", 1000)
    *_, whole = upscaler.upscale(model, small)
    assert apart(tiled, whole) <= 2  # levels of 255, by bfloat16
    assert model.enlarge.reach <= upscaler.MARGIN


def test_tiles_cover_every_pixel_once():
    for width, height in ((1, 1), (96, 97), (640, 333)):
        seen = np.zeros((height, width), int)
        for x0, y0, x1, y1 in upscaler.tiles(width, height):
            seen[y0:y1, x0:x1] += 1
        assert (seen == 1).all()


@pytest.mark.parametrize(("times", "size"), [(3, (8, 8)), (1, (8, 8)), (-2, (8, 8)), (4, (2048, 1024))])
def test_what_cannot_be_done_is_refused_before_anything_is_computed(folder: Path, times: int, size: tuple[int, int]):
    with pytest.raises(Refusal):
        next(upscaler.upscale(upscaler.load(folder, CPU), Image.new("RGB", size), times))


def test_it_stops_at_the_next_tile(folder: Path):
    stop = threading.Event()
    run = upscaler.upscale(upscaler.load(folder, CPU), picture(300, 300), 2, stop)
    next(run), next(run)
    stop.set()
    with pytest.raises(Stopped):
        next(run)


def test_a_swin2sr_of_the_hub_runs_by_the_same_code(tmp_path: Path):
    from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution

    config = Swin2SRConfig(
        image_size=16, patch_size=1, embed_dim=12, depths=[1, 1], num_heads=[2, 2], window_size=4, mlp_ratio=1.0,
        upscale=2, upsampler="pixelshuffledirect",
    )  # fmt: skip
    Swin2SRForImageSuperResolution(config).save_pretrained(tmp_path)
    model = upscaler.load(tmp_path, CPU)
    *_, large = upscaler.upscale(model, picture(31, 22))
    assert model.scale == 2 and large.size == (62, 44)


def test_what_was_saved_comes_back(folder: Path):
    network = load_network(folder, ResidualUpscaler)
    assert len(network.blocks) == 2 and not network.training
    assert (folder / "model.safetensors").stat().st_size < 2.5 * sum(p.numel() for p in network.parameters())


def test_before_it_learns_it_is_bicubic_interpolation():
    x = torch.rand(1, 3, 9, 9)
    plain = torch.nn.functional.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
    assert torch.equal(ResidualUpscaler()(x), plain)


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_is_chosen_by_its_seed(name: str):
    one, same, other = (np.asarray(texture(name, 48, seed)) for seed in (1, 1, 2))
    assert one.shape == (48, 48, 3) and (one == same).all() and (one != other).any() and one.std() > 5


def test_the_lesson_in_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIGC_DATA_DIR", str(tiny_sources.pictures(tmp_path / "data")))
    monkeypatch.setattr(lesson, "ARGUMENTS", SMALL)
    monkeypatch.setattr(lesson, "MEASURED", 8)
    monkeypatch.setattr(views, "TEXTURES_EACH", 2)
    *_, facts = make("upscaler", tmp_path / "up", seed=0, budget=32 * 3)
    assert facts == json.loads((tmp_path / "up/card.json").read_text("utf-8"))
    assert facts["figures"]["psnr_2x_things_network"] > 10 and "PSNR" in (tmp_path / "up/README.md").read_text("utf-8")
    *_, large = upscaler.upscale(upscaler.load(tmp_path / "up", CPU), picture(20, 20))
    assert large.size == (40, 40)


@pytest.fixture(scope="module")
def shipped() -> upscaler.Upscaler:
    if not SHIPPED.is_dir():
        pytest.skip("the upscaler does not come along")
    return upscaler.load(SHIPPED, CPU)


def test_the_shipped_model_beats_bicubic_on_what_it_never_saw(shipped: upscaler.Upscaler):
    sharp = torch.stack([torch.from_numpy(np.array(texture(name, 96, seed=12345))) for name in TEXTURES]).permute(0, 3, 1, 2)
    told = lesson.compared(shipped.enlarge, sharp, 2)
    assert told["network"][0] > told["bicubic"][0] + 1.0 and told["network"][1] > told["bicubic"][1]
    assert sum(f.stat().st_size for f in SHIPPED.iterdir()) < 3_000_000


@pytest.mark.slow
def test_the_shipped_model_is_worth_what_its_card_says(shipped: upscaler.Upscaler, datasets_dir: Path):
    from aigc.data.load import load

    card = json.loads((SHIPPED / "card.json").read_text("utf-8"))["figures"]
    for times in (2, 4):
        for way, (psnr, ssim) in lesson.compared(shipped.enlarge, load("fairface64").test_x, times).items():
            assert psnr == pytest.approx(card[f"psnr_{times}x_faces_{way}"], abs=0.1)
            assert ssim == pytest.approx(card[f"ssim_{times}x_faces_{way}"], abs=0.005)
        assert card[f"psnr_{times}x_faces_network"] > card[f"psnr_{times}x_faces_bicubic"]
