"""Explore without a browser: what is opened, what is made of it, and what hostile or foolish wishes get."""

from __future__ import annotations

import base64
import io
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Generator

from aigc import data, registry
from aigc.data import DataSpec
from aigc.events import Saved
from aigc.jobs import standings
from aigc.jobs.arena import Cell
from aigc.jobs.runs import Request, Run, State
from aigc.knobs import as_values
from aigc.registry import ModelCard, spec_as_json
from aigc.registry.sampling import draw
from aigc.techniques import technique
from aigc.ui import now
from aigc.ui.markup import PNG
from aigc.ui.studio import drawing, film, make, rebuild
from aigc.ui.studio.drawing import Habits
from aigc.ui.studio.film import MOST_STATES, Film
from aigc.ui.studio.subjects import opened, subject, subjects
from aigc.ui.tabs import explore, explore_room, explore_sample, explore_source
from aigc.ui.tabs.explore_room import Pace, streamed
from aigc.ui.text import explore as text
from aigc.words import Refusal, Words, both

DIGITS, MOONS = "digits", "moons"


def fresh(slug: str, name: str = DIGITS, seed: int = 0, **values: Any) -> Any:
    """A model of random weights, ready to sample; a denoiser's own first weights are zero at the end."""
    info, spec = technique(slug), data.spec(name)
    config, _ = info.read(values, spec)
    torch.manual_seed(seed)
    model = info.load()(config, spec).eval().requires_grad_(False)
    for p in model.parameters():
        p.add_(0.05 * torch.randn_like(p))
    return model


def saved(slug: str, name: str = "one", data_name: str = DIGITS, run: str = "", **values: Any) -> Any:
    model = fresh(slug, data_name, **values)
    card = ModelCard(slug=name, technique=slug, data=data_name, spec=spec_as_json(model.spec), config=as_values(model.config), options={}, images=5)
    registry.save(model, replace(card, run=run))
    return model


def started(model: Any, slug: str, images: int = 640, state: State = State.RUNNING) -> Run:
    """A run of this technique that has kept the model's weights."""
    request = Request(slug, model.spec.name, as_values(model.config), {})
    run = Run.create(request, spec_as_json(model.spec))
    run.save_checkpoint(Saved(images, 5, 1.0, model.state_dict(), {"x": torch.zeros(1)}, {}))
    run.update(state=state.value)
    return run


def ended(name: str) -> Run:
    """A run of a VAE that is over, and the model it made."""
    run = started(fresh("vae"), "vae", state=State.FINISHED)
    saved("vae", name, run=run.id)
    run.update(model=name)
    return run


# what there is to explore
def test_models_and_runs_of_the_technique_are_listed() -> None:
    saved("vae", "mine")
    saved("gan", "other")
    live = started(fresh("vae"), "vae")
    Run.create(Request("vae", DIGITS, {}, {}), spec_as_json(data.spec(DIGITS)))  # nothing kept yet
    found = subjects(technique("vae"))
    assert [s.key for s in found] == [f"run:{live.id}", "model:mine"]
    assert "640" in found[0].words.en and "训练中" in found[0].words.zh


def test_an_ended_run_gives_way_to_its_model() -> None:
    run = ended("mine")
    assert [s.key for s in subjects(technique("vae"))] == ["model:mine"]
    assert subject(technique("vae"), f"run:{run.id}").key == "model:mine"


def test_a_run_stays_with_its_model_whoever_takes_the_name_that_it_had() -> None:
    first = ended("mine")
    registry.rename("mine", "kept")
    assert [s.key for s in subjects(technique("vae"))] == ["model:kept"]
    second = ended("mine")
    assert [subject(technique("vae"), f"run:{run.id}").key for run in (first, second)] == ["model:kept", "model:mine"]
    assert {s.key for s in subjects(technique("vae"))} == {"model:kept", "model:mine"}
    lost = standings.numbers(Cell("vae", {}, first.id), first.record, standings.Told(), None)
    assert lost["model"] == "kept"
    supervisor: Any = SimpleNamespace(may=lambda *_: True, place=lambda _: 0)
    line = now._line(first, supervisor, "", "en")
    assert line and line["model"] == "kept"


def test_a_run_whose_model_went_away_is_opened_by_its_own_weights() -> None:
    run = started(saved("vae", "mine"), "vae", state=State.FINISHED)
    run.update(model="mine")
    for change in (lambda: registry.rename("mine", "yours"), lambda: registry.delete("yours")):
        change()
        with opened(subject(technique("vae"), f"run:{run.id}")) as model:
            assert model.info.slug == "vae"


def test_whoever_is_quicker_than_the_list_of_models_is_shown_its_first() -> None:
    room: Any = SimpleNamespace(info=technique("vae"), model="model")
    assert explore_room._with_model(room, {}) == {}, "where there is none, that is said"
    saved("vae")
    assert explore_room._with_model(room, {"model": None, "seed": 3}) == {"model": "model:one", "seed": 3}
    assert explore_room._with_model(room, {"model": "run:x"}) == {"model": "run:x"}


KEYS = [None, "", "model:", "model:../etc", "run:", "run:../../x", "run:" + "0" * 32, 5, ["model:one"], "one", "model:one\n", "x:one"]


@pytest.mark.parametrize("key", KEYS)
def test_no_key_leads_anywhere_else(key: Any) -> None:
    saved("vae")
    with pytest.raises(Refusal):
        subject(technique("vae"), key)


def test_a_model_of_another_technique_is_refused() -> None:
    saved("gan")
    run = started(fresh("gan"), "gan")
    for key in ("model:one", f"run:{run.id}"):
        with pytest.raises(Refusal):
            subject(technique("vae"), key)


def test_a_run_is_opened_as_it_is_now() -> None:
    first, second = fresh("vae", seed=1), fresh("vae", seed=2)
    run = started(first, "vae")
    key, z = f"run:{run.id}", torch.ones(1, first.config.latent)

    def seen() -> torch.Tensor:
        with opened(subject(technique("vae"), key)) as model:
            *_, x = model.decode(z, torch.tensor([3]), rng=Generator())
        return x

    def expected(model: Any) -> torch.Tensor:
        *_, x = model.decode(z, torch.tensor([3]), rng=Generator())
        return x

    assert torch.equal(seen(), expected(first))
    run.save_checkpoint(Saved(1280, 9, 2.0, second.state_dict(), {"x": torch.zeros(1)}, {}))
    assert torch.equal(seen(), expected(second)) and not torch.equal(expected(first), expected(second))


def test_which_model_is_chosen() -> None:
    room: Any = SimpleNamespace(info=technique("vae"), lang="en")

    def listed(*given: Any) -> tuple[str | None, list[str]]:
        shown, keys = explore._listed(room, *given)
        assert [key for _, key in shown["choices"]] == list(dict.fromkeys(key for _, key in shown["choices"]))
        return shown["value"], keys

    assert listed(None, []) == (None, [])
    saved("vae", "one")
    value, seen = listed(None, [])
    assert value == "model:one"
    run = ended("two")
    assert listed("model:one", seen)[0] in ("model:one", "model:two")  # made within one second: either may be first
    assert listed("model:one", ["model:one", "model:two"])[0] == "model:one"
    assert listed(None, [], f"run:{run.id}")[0] == "model:two"
    assert listed("model:gone", ["model:one", "model:two"], "model:never")[0] in ("model:one", "model:two")


# films
@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(1, 300))
def test_a_film_is_thinned_evenly_and_keeps_its_ends(count: int) -> None:
    shot = Film(DataSpec("x", both("x", "x"), (1, 2, 2)))
    for i in range(count):
        shot.add(x=torch.full((1, 1, 2, 2), i / 300))
    numbers = [i for i, _ in shot.states()]
    assert numbers[0] == 0 and numbers[-1] == count - 1 and len(numbers) <= MOST_STATES + 1
    assert numbers == sorted(set(numbers)) and len({b - a for a, b in itertools.pairwise(numbers[:-1])}) <= 1
    assert all(int(s["x"][0, 0, 0, 0]) == round(255 * i / 300) for i, s in shot.states())


def test_a_long_film_of_large_pictures_stays_small() -> None:
    shot = Film(DataSpec("x", both("x", "x"), (3, 64, 64)))
    for _ in range(100):
        shot.add(x=torch.rand(64, 3, 64, 64), guess=torch.rand(64, 3, 64, 64))
    assert sum(x.nbytes for _, s in shot.states() for x in s.values()) < 2 * film.MOST_BYTES


@pytest.mark.parametrize("channels", [1, 3])
def test_the_strip_holds_every_tile_of_every_state(channels: int) -> None:
    shot = Film(DataSpec("x", both("x", "x"), (channels, 4, 5)))
    states = [torch.rand(7, channels, 4, 5) for _ in range(3)]
    for x in states:
        shot.add(x=x)
    shown = film.images(shot, {"x": "x"})
    rows, columns, h, w = shown["tiles"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown["films"][0]["src"].split(",")[1]))))
    picture = picture.reshape(*picture.shape[:2], channels)
    assert picture.shape == (3 * rows * h, columns * w, channels) and shown["states"] == 3 and shown["count"] == 7
    for s, x in enumerate(states):
        for i in range(7):
            top, left = (s * rows + i // columns) * h, i % columns * w
            assert np.array_equal(picture[top : top + h, left : left + w].transpose(2, 0, 1), (x[i] * 255).round().byte().numpy())


# making
@pytest.mark.parametrize("slug", ["gan", "autoencoder", "vae", "diffusion"])
def test_the_page_draws_what_the_shell_draws(slug: str) -> None:
    model = fresh(slug)
    how = {"steps": 3} if slug == "diffusion" else {}
    expected, labels = draw(model, 5, seed=11, how=how)
    rng = make.generator(model, 11)
    *_, last = make.states(model, model.latents(5, rng), make.labels_for(model, 5, None), rng, how)
    assert torch.equal(last["x"].clamp(0, 1), expected)
    assert labels is None or torch.equal(make.labels_for(model, 5, None), labels)  # type: ignore[arg-type]


def test_a_denoiser_shows_what_it_holds_and_what_it_believes() -> None:
    model = fresh("diffusion")
    rng = make.generator(model, 0)
    states = list(make.states(model, model.latents(2, rng), make.labels_for(model, 2, 4), rng, {"steps": 4}))
    assert len(states) == make.steps_of({"steps": 4}) == 5 and all(set(s) == {"x", "guess"} for s in states)
    assert torch.equal(states[-1]["x"], states[-1]["guess"]) and not torch.equal(states[0]["x"], states[0]["guess"])


def test_numbers_that_are_none_are_refused() -> None:
    model = fresh("vae")
    with torch.no_grad():
        next(model.decoder.parameters()).fill_(torch.nan)
    with pytest.raises(Refusal):
        list(make.states(model, model.latents(1, Generator()), torch.zeros(1, dtype=torch.long), Generator(), {}))


def test_the_arc_between_two_latents() -> None:
    a, b = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 2.0, 0.0])
    way = make.slerp(a, b, torch.linspace(0, 1, 5))
    assert torch.allclose(way.norm(dim=1), torch.full((5,), 2.0))
    assert torch.allclose(way[[0, -1]], torch.stack([a, b]), atol=1e-6)
    angles = torch.rad2deg(torch.atan2(way[:, 1], way[:, 0]))
    assert torch.allclose(angles, torch.tensor([0.0, 22.5, 45.0, 67.5, 90.0]), atol=1e-3)
    for same in (a, -a):
        assert bool(torch.isfinite(make.slerp(a, same, torch.linspace(0, 1, 5))).all())
    assert torch.allclose(make.lerp(a, b, torch.tensor([0.25]))[0], torch.tensor([1.5, 0.5, 0.0]))


@pytest.mark.parametrize(("slug", "normal"), [("gan", True), ("vae", True), ("diffusion", True), ("autoencoder", False)])
def test_which_priors_are_a_sphere(slug: str, normal: bool) -> None:
    model = fresh(slug)
    if slug == "autoencoder":
        model.calibrate(torch.rand(200, 1, 8, 8), None, Generator().manual_seed(0))
    assert make.is_standard_normal(model) is normal
    ends = make.between(model, 3, 4, 6)[[0, -1]]
    assert torch.allclose(ends, torch.cat([model.latents(1, make.generator(model, seed)) for seed in (3, 4)]), atol=1e-5)


@pytest.mark.parametrize("slug", ["autoencoder", "vae"])
def test_the_plane_lies_the_right_way_up(slug: str) -> None:
    model = fresh(slug, latent=2)
    side = 4
    whole = make.manifold(model, 1, side)
    for row, column in ((0, 0), (0, 3), (3, 0), (2, 1)):
        place = torch.tensor([[(column + 0.5) / side, 1 - (row + 0.5) / side]])
        assert torch.allclose(whole[row * side + column], make.decoded(model, place, 1)[0], atol=1e-6)
    u = torch.tensor([[0.2, 0.7], [0.5, 0.1]])
    assert torch.allclose(make.plane_of(model).place(make.plane_of(model)(u)), u, atol=1e-5)
    with pytest.raises(Refusal):
        make.plane_of(fresh("gan"))


# real images
ASKED = [("0", [0]), ("0, 5, 12-14", [0, 5, 12, 13, 14]), (" 3 - 4 ", [3, 4]), ("1，2、3", [1, 2, 3]), ("7 8", [7, 8])]


@pytest.mark.parametrize(("asked", "found"), ASKED)
def test_numbers_of_images(asked: str, found: list[int]) -> None:
    assert rebuild.chosen(asked, 100) == found


@pytest.mark.parametrize("asked", ["", "x", "-1", "1-", "5-2", "100", "0-10", "1;2", "1" * 300, None, 3, ["1"], "1,,2", "9" * 9])
def test_numbers_that_are_none(asked: Any) -> None:
    with pytest.raises(Refusal):
        rebuild.chosen(asked, 100)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(asked: str) -> None:
    try:
        found = rebuild.chosen(asked, 50)
    except Refusal:
        return
    assert found and len(found) <= rebuild.MOST and all(0 <= i < 50 for i in found)


def test_errors_in_words() -> None:
    x, average = torch.zeros(2, 1, 2, 2), torch.full((1, 2, 2), 0.4)
    back = torch.stack([torch.full((1, 2, 2), 0.1), torch.full((1, 2, 2), 0.3)])
    said = rebuild.in_words(x, back, average)  # squared errors 0.01 and 0.09: their mean is 0.05, of 0.16
    assert "22.4%" in said.en and "0.0500" in said.en and "31%" in said.en and "Best: image 1; worst: image 2" in said.en
    assert "22.4%" in said.zh and "31%" in said.zh


@pytest.mark.parametrize("own_noise", [True, False])
def test_there_and_back(own_noise: bool) -> None:
    model = fresh("diffusion")
    x = torch.rand(2, 1, 8, 8)
    way = list(rebuild.there_and_back(model, x, torch.tensor([1, 2]), {"steps": 4}, own_noise=own_noise, seed=0))
    assert [name for name, _ in way] == ["there"] * 5 + ["back"] * 5
    assert torch.allclose(way[0][1]["x"], x, atol=1e-6)
    assert torch.equal(way[-1][1]["x"], way[-1][1]["guess"])


# drawings
def png(array: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return PNG + base64.b64encode(out.getvalue()).decode()


def test_a_drawing_is_placed_as_the_dataset_places_things() -> None:
    digits = np.zeros((20, 1, 28, 28), np.uint8)
    digits[:, 0, 4:24, 10:18] = 255  # 20 tall, centred at (14, 14)
    habits = Habits.of(digits)
    assert habits is not None and math.isclose(habits.length, 20 / 28) and all(math.isclose(c, 0.5) for c in habits.centre)
    pad = np.zeros((280, 280, 3), np.uint8)
    pad[20:60, 200:220] = 255  # small, in a corner
    spec = DataSpec("x", both("x", "x"), (1, 28, 28))
    image = drawing.from_pad(png(pad), spec, habits)[0, 0].numpy()
    rows, columns = np.nonzero(image > 0.5)
    assert rows.max() - rows.min() + 1 == 20 and (rows.min() + rows.max() + 1) / 2 == 14 and columns.max() - columns.min() + 1 == 10


def test_a_drawing_is_averaged_over_areas() -> None:
    pad = np.zeros((280, 280, 3), np.uint8)
    pad[:, :17] = 255
    image = drawing.from_pad(png(pad), DataSpec("x", both("x", "x"), (1, 28, 28)), None)[0, 0]
    assert torch.allclose(image[5, :3], torch.tensor([1.0, 0.7, 0.0]), atol=0.01)
    coloured = drawing.from_pad(png(pad), DataSpec("x", both("x", "x"), (3, 32, 32)), None)
    assert coloured.shape == (1, 3, 32, 32)


def test_where_nothing_is_black_nothing_is_moved() -> None:
    assert Habits.of(np.full((5, 1, 8, 8), 200, np.uint8)) is None
    assert Habits.of(np.zeros((5, 3, 8, 8), np.uint8)) is None


BAD = [None, "", 5, PNG, PNG + "!!!", "data:image/svg+xml;base64,AAAA", "/etc/passwd", PNG + "A" * 400_000]


@pytest.mark.parametrize("address", BAD)
def test_a_drawing_that_is_none(address: Any) -> None:
    with pytest.raises(Refusal):
        drawing.from_pad(address, data.spec(DIGITS), None)


def test_an_empty_pad_and_a_bomb_are_refused() -> None:
    with pytest.raises(Refusal):
        drawing.from_pad(png(np.zeros((280, 280, 3), np.uint8)), data.spec(DIGITS), None)
    out = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(out, "PNG")
    with pytest.raises(Refusal):
        drawing.from_pad(PNG + base64.b64encode(out.getvalue()).decode(), data.spec(DIGITS), None)


def test_ink_on_paper_becomes_light_on_black(tmp_path: Any) -> None:
    paper = np.full((300, 200, 3), 240, np.uint8)
    paper[100:200, 90:110] = 10
    path = tmp_path / "photo.jpg"
    Image.fromarray(paper).save(path)
    habits = Habits(0.8, (0.5, 0.5))
    image = drawing.from_file(str(path), data.spec(DIGITS), habits)[0, 0]
    assert image[4, 3:5].max() > 0.7 and image[:, :2].max() == 0 and image[:, 6:].max() == 0
    for wrong in (None, "", str(tmp_path / "none.png"), str(tmp_path)):
        with pytest.raises(Refusal):
            drawing.from_file(wrong, data.spec(DIGITS), habits)


# handlers
def test_mistakes_become_sentences(caplog: pytest.LogCaptureFixture) -> None:
    def refuses(given: Any) -> Iterator[Any]:
        yield {"kind": "same"}, None
        raise Refusal(both("no such thing", "没有"))

    def breaks(given: Any) -> Iterator[Any]:
        raise RuntimeError("secret path")
        yield

    last, _ = list(streamed("zh", refuses, lambda given: True)({}))[-1]
    assert json.loads(last) == {"kind": "same", "status": "没有", "busy": False, "refused": True}
    last, _ = list(streamed("en", breaks, lambda given: True)({}))[-1]
    assert json.loads(last)["status"] == text.UNEXPECTED.en and "secret" not in last and "secret" in caplog.text
    assert len(list(streamed("en", breaks, lambda given: False)({}))) == 1


def test_on_a_public_page_a_result_takes_no_longer_than_others_can_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, closed = [0.0], []
    monkeypatch.setattr(explore_room.time, "monotonic", lambda: clock[0])

    def works(given: Any) -> Iterator[Any]:
        try:
            for _ in range(100):
                clock[0] += 10
                yield {"kind": "same", "busy": True}, None
            yield {"kind": "images", "busy": False}, None
        finally:
            closed.append(clock[0])

    def once(**how: float) -> list[dict[str, Any]]:
        return [json.loads(shown) for shown, _ in streamed("en", works, lambda given: True, **how)({})]

    told = once(most=explore_room.MOST_PUBLIC)
    assert told[-1] == {"kind": "same", "status": text.TOO_LONG.fill(n=3).en, "busy": False, "refused": True}
    assert closed == [190.0] and len(told) == 20, "and what it held is given back"
    assert once()[-1]["kind"] == "images"

    told.clear()
    monkeypatch.setattr(explore_room, "streamed", lambda lang, handler, wanted, most: told.append(most))
    monkeypatch.setattr(explore_room.gr, "on", lambda *a, **k: None)
    for public in (True, False):
        explore_room.wire(SimpleNamespace(page=SimpleNamespace(public=public), lang="en"), works, set(), None, None)  # type: ignore[arg-type]
    assert told == [explore_room.MOST_PUBLIC, math.inf]


def test_progress_is_told_but_not_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(explore_room.time, "monotonic", lambda: clock[0])
    pace, told = Pace("en", 100), []
    for _ in range(100):
        clock[0] += 0.05
        if words := pace.step():
            told.append(words)
    assert 15 <= len(told) <= 20 and told[0]["busy"] and told[-1]["progress"] > 0.9 and "of 100" in told[0]["status"]


@pytest.mark.parametrize("name", [DIGITS, MOONS])
@pytest.mark.parametrize("slug", ["gan", "vae", "diffusion"])
def test_samples_reach_the_stage(slug: str, name: str) -> None:
    model = saved(slug, data_name=name)
    info = technique(slug)
    room: Any = SimpleNamespace(info=info, lang="zh", page=None)
    values = {"count": 4, "seed": 7, **({"steps": 3} if slug == "diffusion" else {})}
    form = explore_sample.Form("zh", {}, {})
    fields = explore_sample.knobs(explore_sample.Draw) | explore_sample.knobs(info.Sampling)
    form = explore_sample.Form("zh", fields, {n: n for n in fields})  # type: ignore[misc]
    *_, (shown, made) = explore_sample._sample(room, form, {n: values.get(n, k.default) for n, k in fields.items()}, "", "model:one")
    assert made.note["seed"] == 7 and json.dumps(shown)
    if name == MOONS:
        assert shown["kind"] == "points" and len(shown["arrays"]["points"]) == explore_sample.POINTS and len(shown["real"]) > 100
        return
    expected, _ = draw(model, 4, seed=7, how={"steps": 3} if slug == "diffusion" else {})
    assert np.array_equal(made.film.final("x"), (expected * 255).round().byte().numpy())
    assert shown["kind"] == "images" and shown["count"] == 4 and len(shown["films"]) == (2 if slug == "diffusion" else 1)


def test_what_somebody_brought_is_shown_to_nobody_on_a_public_page() -> None:
    for name in ("own-cats", "digits"):
        model: Any = SimpleNamespace(spec=SimpleNamespace(name=name))
        public, alone = (SimpleNamespace(page=SimpleNamespace(public=public)) for public in (True, False))
        if name == "digits":
            assert len(explore_source.shown_of(public, model).test_x) == len(explore_source.shown_of(alone, model).test_x) > 0  # type: ignore[arg-type]
            continue
        with pytest.raises(Refusal, match="public page"):
            explore_source.shown_of(public, model)  # type: ignore[arg-type]
        with pytest.raises(Refusal, match="not on this machine"):
            explore_source.shown_of(alone, model)  # type: ignore[arg-type]


def test_what_each_technique_offers() -> None:
    assert explore.views_of(technique("gan")) == ["sample", "between"]
    assert explore.views_of(technique("vae")) == ["sample", "between", "plane", "rebuild"]
    assert explore.views_of(technique("diffusion")) == ["sample", "between", "path"]
    assert set(explore.DRAWN) == set(text.VIEWS) == set(text.SAYS)


def test_a_stranger_s_card_is_escaped() -> None:
    spec = DataSpec("own-x", both("<b>x</b>", "<b>x</b>"), (1, 8, 8))
    card = SimpleNamespace(images=5, seconds=1.0, figures=lambda lang: {"<b>FID</b>": 0.5, "KID": 1.0})
    this = SimpleNamespace(spec=spec, card=card, is_run=False, name='"><i>')
    told = explore._facts(this, "en")  # type: ignore[arg-type]
    assert "FID" in told and "KID" not in told
    assert "<b>" not in told and "<i>" not in told and 'href="./?tab=evaluate&amp;model=' in told


def test_words_have_the_same_blanks_in_both_languages() -> None:
    import re

    found = [v for v in vars(text).values() if isinstance(v, Words)]
    found += [w for v in vars(text).values() if isinstance(v, dict) for w in v.values() if isinstance(w, Words)]
    assert len(found) > 60
    for words in found:
        assert sorted(re.findall(r"\{(\w+)", words.en)) == sorted(re.findall(r"\{(\w+)", words.zh)), words
