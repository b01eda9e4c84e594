"""Style transfer without diffusion: the formulas against plain ones, pictures of any size, both methods, and the shipped network."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import tiny_sources
import torch
from conftest import PROJECT
from PIL import Image
from torch import nn

from aigc.nets.style import SHRINKS, Encoder, StyleNetwork, framed, gram, moments, recoloured, renormalised
from aigc.pretrained import Stopped, style
from aigc.pretrained.folder import save_network
from aigc.pretrained.teach import make, views
from aigc.pretrained.teach import style as lesson
from aigc.pretrained.textures import texture
from aigc.words import Refusal

SHIPPED = PROJECT / "checkpoints" / "shipped" / "pretrained" / "style"
CPU = torch.device("cpu")
WAYS = [style.stylise, lambda *given, **how: style.optimise(*given, **how, steps=10)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> style.Stylist:
    torch.manual_seed(0)
    folder, network = tmp_path_factory.mktemp("style"), StyleNetwork()
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)  # by torch's own, weaker weights it would paint everything the same grey
    save_network(network, folder, {})
    return style.load(folder, CPU)


@pytest.fixture
def content() -> Image.Image:
    return texture("shapes", 128, seed=2).resize((70, 45))


def test_renormalised_features_have_the_moments_of_the_style():
    torch.manual_seed(0)
    content, manner = torch.randn(2, 5, 9, 7) * 3 + 1, torch.rand(2, 5, 6, 6)
    for ours, theirs in zip(moments(renormalised(content, manner)), moments(manner), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-3)
    assert torch.allclose(renormalised(content, content), content, atol=1e-4)


def test_moments_and_gram_are_the_plain_ones():
    x = torch.rand(2, 3, 8, 6)
    mean, spread = moments(x)
    assert torch.allclose(mean[..., 0, 0], x.mean((2, 3))) and torch.allclose(spread[..., 0, 0], x.std((2, 3), correction=0), atol=1e-3)
    assert torch.allclose(gram(x), torch.einsum("bchw,bdhw->bcd", x, x) / 48, atol=1e-5)


def test_folding_normalisation_changes_nothing():
    torch.manual_seed(0)
    encoder = Encoder(norm=True)
    for part in encoder.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 2)
            nn.init.normal_(part.bias)
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    encoder.eval()
    x = torch.rand(1, 3, 32, 24)
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(encoder(x), encoder.folded()(x), strict=True))


def test_colours_become_those_of_the_style_by_the_least_change():
    torch.manual_seed(0)
    content, style = torch.rand(2, 3, 20, 30), torch.rand(2, 3, 16, 16) * torch.tensor([0.2, 0.9, 0.5]).view(1, 3, 1, 1)
    made = recoloured(content, style)
    for ours, theirs in zip(made.flatten(2), style.flatten(2), strict=True):
        assert torch.allclose(ours.mean(1), theirs.mean(1), atol=1e-5)
        assert torch.allclose(torch.cov(ours, correction=0), torch.cov(theirs, correction=0), atol=1e-3)
    assert torch.allclose(recoloured(content, content), content, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(recoloured(content, style), made), "whatever products are rounded to"
    plain = torch.full((1, 3, 8, 8), 0.3)
    assert recoloured(plain, style[:1]).isfinite().all() and recoloured(content[:1], plain).isfinite().all()


@pytest.mark.parametrize("size", [(16, 16), (33, 70), (64, 64)])
def test_a_frame_is_a_mirror_around_the_whole_picture(size: tuple[int, int]):
    x = torch.rand(1, 3, *size)
    wide, margin = framed(x)
    assert all(side % SHRINKS == 0 for side in wide.shape[-2:])
    assert torch.equal(wide[..., margin : margin + size[0], margin : margin + size[1]], x)
    assert torch.equal(wide[..., margin - 1, margin : margin + size[1]], x[..., 1, :])


@pytest.mark.parametrize("way", WAYS)
def test_ever_better_pictures_of_the_contents_size(model: style.Stylist, content: Image.Image, way):
    told = list(way(model, content, texture("dots", 40)))
    assert len(told) == 2 and all(made.size == content.size and made.mode == "RGB" for made in told)
    assert (np.asarray(told[0]) != np.asarray(told[1])).any()


@pytest.mark.parametrize("way", WAYS)
def test_the_contents_colours_can_be_kept(model: style.Stylist, content: Image.Image, way):
    *_, made = way(model, content, texture("dots", 40), colours=True)
    ours, theirs = (np.asarray(picture.convert("YCbCr"), int)[..., 1:] for picture in (made, content))
    assert np.median(abs(ours - theirs)) <= 2, "light and dark may be clipped, the rest keeps its hue"


@pytest.mark.parametrize("way", WAYS)
def test_it_stops_within_a_step(model: style.Stylist, content: Image.Image, way):
    stop = threading.Event()
    run = way(model, content, texture("dots", 40), stop=stop)
    next(run)
    stop.set()
    with pytest.raises(Stopped):
        next(run)


def test_strength_zero_ignores_the_style(model: style.Stylist, content: Image.Image):
    made = [list(style.stylise(model, content, texture(name, 48), strength=0.0))[-1] for name in ("dots", "wash")]
    assert (np.asarray(made[0]) == np.asarray(made[1])).all()


def test_optimising_comes_nearer_to_the_style(model: style.Stylist, content: Image.Image):
    manner = texture("hatching", 64)
    *_, made = style.optimise(model, content, manner, steps=30)

    def distance(picture: Image.Image) -> float:
        a, b = (gram(model.network.encoder(framed(style.tensor(p, CPU))[0])[1]) for p in (picture, manner))
        return float((a - b).square().mean())

    assert distance(made) < 0.5 * distance(content)


@pytest.mark.parametrize("size", [(8, 100), (4096, 2048)])
def test_pictures_too_small_or_too_large_are_refused(model: style.Stylist, size: tuple[int, int]):
    with pytest.raises(Refusal, match=f"{size[0]} × {size[1]}"):
        next(style.stylise(model, Image.new("RGB", size), texture("dots", 40)))


def test_the_lesson_in_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIGC_DATA_DIR", str(tiny_sources.pictures(tmp_path / "data")))
    monkeypatch.setattr(views, "TEXTURES_EACH", 2)
    monkeypatch.setattr(lesson, "READ", 128)
    monkeypatch.setattr(lesson, "PAINTED_OVER", 16)
    *told, facts = make("style", tmp_path / "style", seed=0, budget=64 * 2)
    assert any("named" in words.en for words in told) and any("painted" in words.en for words in told)
    assert facts == json.loads((tmp_path / "style/card.json").read_text("utf-8")) and 0 <= facts["figures"]["accuracy"] <= 100
    assert len(list(style.stylise(style.load(tmp_path / "style", CPU), texture("shapes", 32), texture("dots", 32)))) == 2


@pytest.mark.slow
def test_the_shipped_network_paints_nearer_to_the_style_than_the_content_was(datasets_dir: Path):
    if not SHIPPED.is_dir():
        pytest.skip("the style network does not come along")
    card = json.loads((SHIPPED / "card.json").read_text("utf-8"))["figures"]
    measured = {figure.name: figure.value for figure in lesson.figures(style.load(SHIPPED, CPU).network, seed=0)}
    assert all(measured[name] == pytest.approx(card[name], rel=0.05) for name in measured)
    assert card["style_distance_left"] < 50 and card["accuracy"] > 60
    assert sum(f.stat().st_size for f in SHIPPED.iterdir()) < 3_000_000
