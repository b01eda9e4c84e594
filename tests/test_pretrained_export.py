"""Generators without a prompt in diffusers' own format: taught in small, loaded as any program would, found by the page, and read."""

from __future__ import annotations

import json
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_sources
import torch
from conftest import PROJECT
from diffusers import DDIMScheduler, DDPMPipeline

from aigc import registry
from aigc.data import spec
from aigc.data.load import load
from aigc.evaluate.features import extractor
from aigc.knobs import as_values
from aigc.pretrained import catalogue, taught_folder
from aigc.pretrained.catalogue import Task
from aigc.pretrained.image import kit
from aigc.pretrained.image.asked import Asked, Sample, Verb
from aigc.pretrained.image.make import made
from aigc.pretrained.teach import ddpm, make
from aigc.registry import ModelCard

SHIPPED = PROJECT / "checkpoints" / "shipped" / "pretrained"
LESSONS = ("ddpm-mnist", "ddpm-fashion-mnist")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two steps of the lesson on noise."""
    monkeypatch.setenv("AIGC_DATA_DIR", str(tiny_sources.pictures(tmp_path / "data")))
    monkeypatch.setattr(ddpm, "MEASURED", 8)
    guide = registry.build("diffusion", {"conditional": True, "width": 8}, spec("mnist"))
    registry.save(guide, ModelCard("mnist-guided", "diffusion", "mnist", registry.spec_as_json(guide.spec), as_values(guide.config), {}))
    to = taught_folder() / "ddpm-mnist"
    budget = 2 * ddpm.PLANS["mnist"].batch
    *told, facts = make("ddpm-mnist", to, seed=0, budget=budget)
    assert told[-1].en.startswith(f"{budget} of {budget} pictures")
    assert facts == json.loads((to / "card.json").read_text("utf-8"))
    assert facts["command"] == f"python -m aigc teach ddpm-mnist --budget {budget} --seed 0"
    assert list(facts["sha256"]) == ["unet/diffusion_pytorch_model.safetensors"] and "sure_real" in facts["figures"]
    return to


def test_faces_are_learnt_from_what_their_model_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIGC_DATA_DIR", str(tiny_sources.pictures(tmp_path / "data")))
    monkeypatch.setattr(ddpm, "AT_ONCE", 4)
    monkeypatch.setattr(ddpm, "figures", lambda *_: [])
    monkeypatch.setitem(ddpm.PLANS, "fairface64", replace(ddpm.PLANS["fairface64"], widths=(8, 8), batch=4, drawn=8))
    drawn: list[int] = []

    class Model:
        def to(self, *_: object) -> Model:
            return self

        eval = to

        def make(self, n: int, rng: torch.Generator) -> torch.Tensor:
            drawn.append(n)
            return torch.rand(n, 3, 64, 64, generator=rng)

    monkeypatch.setattr(ddpm, "load_model", lambda slug: Model())
    *_, facts = make("ddpm-fairface64", tmp_path / "taught", seed=0, budget=8)
    assert drawn == [4, 4] and facts["command"] == "python -m aigc teach ddpm-fairface64 --budget 8 --seed 0"
    assert "from 8 pictures by this project's own faces-diffusion" in facts["about"]["en"] and "belong to nobody" in facts["limits"]["en"]
    assert DDPMPipeline.from_pretrained(tmp_path / "taught", local_files_only=True).unet.config.sample_size == 64


def test_digits_come_first_and_every_row_of_the_hub_is_pinned(folder: Path):
    garments = folder.with_name("ddpm-fashion-mnist")
    shutil.copytree(folder, garments)
    assert [e.slug for e in catalogue.rows(Task.UNCONDITIONAL)][:2] == ["ddpm-mnist", "ddpm-fashion-mnist"]
    assert all(re.fullmatch("[0-9a-f]{40}", e.revision) for e in catalogue.entries() if not e.shipped)


def test_the_lesson_in_small_makes_a_pipeline_that_diffusers_and_the_page_run(folder: Path):
    pipe = DDPMPipeline.from_pretrained(folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    image = pipe(batch_size=1, num_inference_steps=2, generator=torch.Generator().manual_seed(0)).images[0]
    assert image.size == (28, 28) and image.mode == "L"
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    assert pipe.scheduler.config.prediction_type == "v_prediction" and pipe.scheduler.config.timestep_spacing == "trailing"

    entry = catalogue.find(Task.UNCONDITIONAL)
    assert entry.slug == "ddpm-mnist" and entry.title == facts_title(folder)
    loaded = kit.load(folder, torch.device("cpu"), torch.float32)
    *_, shot = made(loaded, Asked(Verb.SAMPLE, Sample(count=3, steps=2)), threading.Event())
    assert shot.is_final and len(shot.images) == 3 and shot.images[0].size == (28, 28)


def facts_title(folder: Path) -> object:
    said = json.loads((folder / "card.json").read_text("utf-8"))["title"]
    return catalogue.both(said["en"], said["zh"])


def test_a_network_that_knows_the_picture_draws_it():
    """With the exact v of one picture, the solver must end in that picture: the loop, the schedule and the target agree."""
    wanted, noising = torch.rand(1, 1, 28, 28) * 2 - 1, ddpm.levels()

    class Knowing(torch.nn.Module):
        config, device = type("config", (), {"in_channels": 1, "sample_size": 28}), torch.device("cpu")

        def forward(self, x: torch.Tensor, t: torch.Tensor) -> object:
            signal, noise = noising.alphas_cumprod[t] ** 0.5, (1 - noising.alphas_cumprod[t]) ** 0.5
            v = (signal * x - wanted) / noise
            return type("output", (), {"sample": v})

    pipe = type("pipe", (), {"unet": Knowing(), "scheduler": noising})()
    x = ddpm.drawn(pipe, 4, seed=0, steps=20)  # type: ignore[arg-type]
    assert torch.allclose(x, (wanted / 2 + 0.5).expand_as(x), atol=1e-4)


@pytest.mark.parametrize("t", [50, 500, 950])
def test_the_guide_speaks_of_the_mean_of_v(t: int, monkeypatch: pytest.MonkeyPatch):
    """Of a world with one picture only, what it is asked is what diffusers calls v."""
    picture, noise, noising = torch.rand(1, 1, 28, 28) * 2 - 1, torch.randn(3, 1, 28, 28), ddpm.levels()

    class One:
        def __init__(self) -> None:
            self.denoiser = lambda x, s, labels: (x - picture) / s.view(-1, 1, 1, 1)  # u = noise - x0, where x = (1 - s) x0 + s noise

        def to(self, *_: object) -> One:
            return self

        eval = requires_grad_ = to

    monkeypatch.setattr(ddpm, "load_model", lambda slug: One())
    times = torch.full((3,), t)
    x = noising.add_noise(picture.expand(3, -1, -1, -1), noise, times)
    told = ddpm.Guide("one", noising, torch.device("cpu")).mean_v(x, times, torch.zeros(3, dtype=torch.int64))
    assert torch.allclose(told, noising.get_velocity(picture.expand(3, -1, -1, -1), noise, times), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("slug", LESSONS)
def test_the_shipped_one_draws_what_its_card_says(slug: str, datasets_dir: Path):
    if not (SHIPPED / slug).is_dir():
        pytest.skip(f"{slug} does not come along")
    card = json.loads((SHIPPED / slug / "card.json").read_text("utf-8"))["figures"]
    pipe, known = DDPMPipeline.from_pretrained(SHIPPED / slug), load(slug.partition("-")[2])
    read = ddpm.read(extractor(spec(known.spec.name)), ddpm.drawn(pipe, 300, seed=7, steps=ddpm.PLANS[known.spec.name].steps))
    assert read["sure"] == pytest.approx(card["sure"], abs=8) and read["sure"] > 0.65 * card["sure_real"]
    assert read["rarest"] > 3, "all ten classes are drawn"
    assert sum(f.stat().st_size for f in (SHIPPED / slug).rglob("*") if f.is_file()) < 2_500_000
