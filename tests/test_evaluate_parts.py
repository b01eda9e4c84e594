"""Each part of an evaluation, on data where the answer is known: planted copies, lost modes, components, brute force."""

from __future__ import annotations

import sys
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny import SPEC, perturbed, tiny  # noqa: F401
from torch import Tensor, nn

from aigc.data.load import Dataset, load
from aigc.evaluate import fidelity, inception, memorisation, points, reconstruction, tradeoff, usefulness
from aigc.evaluate.distances import frechet, kernel_distance, moments
from aigc.evaluate.features import Extractor, extractor
from aigc.evaluate.report import Figure, Series
from aigc.evaluate.subject import Found, Note, Picture, Subject, as_bytes
from aigc.evaluate.teach import Lesson
from aigc.registry import build
from aigc.techniques import techniques
from aigc.techniques.base import Technique
from aigc.words import Words


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.fixture(scope="module")
def network(digits: Dataset) -> Extractor:
    return extractor(digits.spec)


def subject(data: Dataset, samples: Tensor, asked: Tensor | None = None, seen: Extractor | None = None, model: Technique | None = None) -> Subject:
    """One whose samples are given."""
    found = Subject(model or nn.Linear(1, 1), data, len(samples), 0, seen)  # type: ignore[arg-type]
    found.samples, found.asked = samples, asked
    return found


def figures(found: Any) -> dict[str, Figure]:
    return {f.key: f for f in found if isinstance(f, Figure)}


def series(found: list[Found]) -> dict[str, Series]:
    return dict(f for f in found if isinstance(f, tuple))


# fidelity


def test_real_pictures_pass_for_samples_and_noise_does_not(digits: Dataset, network: Extractor) -> None:
    real = figures(fidelity.examine(subject(digits, digits.test_x, digits.test_labels, network)))
    noise = torch.randint(0, 256, (297, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    bad = figures(fidelity.examine(subject(digits, noise, digits.test_labels, network)))
    assert real["fid"].value == real["fid"].floor and real["fid"].error is not None and real["fid"].error > 0
    for key in ("precision", "recall", "density", "coverage", "inception_score", "asked_class"):
        assert real[key].value == pytest.approx(real[key].floor) and real[key].better == "high"
        assert bad[key].value < real[key].value
    assert bad["fid"].value > 20 * real["fid"].value and bad["fid_ratio"].value > real["fid_ratio"].value
    assert real["asked_class"].value > 98 and all("Digits 8×8 CNN" in f.label.en for f in real.values())


def test_the_yardstick_is_the_distance_of_noisy_real_pictures(digits: Dataset, network: Extractor) -> None:
    s = subject(digits, digits.test_x, None, network)
    clean, noisy = digits.x[:50], fidelity.with_noise(digits.x[:50], s)
    difference = (noisy.float() - clean.float()) / 127.5  # of pictures in [-1, 1]
    inner = difference[(clean > 60) & (clean < 195)]
    assert float(inner.std()) == pytest.approx(fidelity.NOISE, rel=0.05) and abs(float(inner.mean())) < 0.01


def test_the_kernel_distance_is_from_every_real_picture_there_is(digits: Dataset, network: Extractor) -> None:
    s = subject(digits, digits.test_x, None, network)
    found = figures(fidelity.examine(s))["kid"]
    assert found.value == pytest.approx(found.floor) and found.error is not None and found.error > 0
    assert found.value == pytest.approx(1000 * kernel_distance(s.read[0], s.real[0]), rel=1e-6)


def test_a_missing_class_shows_in_the_shares(digits: Dataset, network: Extractor) -> None:
    assert digits.labels is not None
    kept = digits.x[digits.labels != 3]
    found = list(fidelity.examine(subject(digits, kept, None, network)))
    share = figures(found)["class_shares"]
    assert share.value == pytest.approx(100 * float((digits.labels == 3).double().mean()), abs=0.5) and share.unit == "points"
    bars = series(found)["class_shares"]
    assert not bars.joined, "nothing lies between two classes"
    assert bars.lines["samples"][3][1] < 0.5 and len(bars.lines["real"]) == 10


def test_a_model_that_is_told_classes_gets_its_shares_too(digits: Dataset, network: Extractor) -> None:
    assert digits.labels is not None
    found = list(fidelity.examine(subject(digits, digits.x, digits.labels.clamp(min=1), network)))  # asked for ones, it made zeros
    told = figures(found)
    assert {"asked_class", "class_shares"} <= set(told) and told["asked_class"].value < 92
    assert told["class_shares"].value < 1 and "class_shares" in series(found)


def test_floors_are_of_pictures_from_all_over_the_test_file(digits: Dataset, network: Extractor) -> None:
    assert digits.test_labels is not None
    order = digits.test_labels.argsort(stable=True)  # a file sorted by class: its first hundred hold four of ten
    ordered = Dataset(digits.spec, digits.x, digits.labels, digits.test_x[order], digits.test_labels[order])
    whole = figures(fidelity.examine(subject(ordered, digits.x[:297], None, network)))
    few = figures(fidelity.examine(subject(ordered, digits.x[:100], None, network)))
    for figure in few.values():
        assert figure.floor_n == (0 if figure.key == "yardstick" else 100)
    for key in ("inception_score", "recall"):
        assert few[key].floor == pytest.approx(whole[key].floor, rel=0.1)
    assert few["class_shares"].floor is not None and few["class_shares"].floor < 10
    asked = figures(fidelity.examine(subject(ordered, digits.x[:100], torch.zeros(100), network)))["asked_class"]
    assert asked.floor is not None and asked.floor > 95


def test_all_test_pictures_give_the_floors_of_their_file(digits: Dataset, network: Extractor) -> None:
    s = subject(digits, digits.x[:500], None, network)
    assert s.some_test(500).tolist() == list(range(297)) and set(s.some_test(50).tolist()) < set(s.some_test(60).tolist())
    floors = figures(fidelity.examine(s))
    assert floors["fid"].floor == frechet(*moments(s.test[0]), *moments(s.real[0]))


@pytest.mark.parametrize("n", [100, 297, 500, 1500])
def test_a_floor_is_of_as_many_pictures_as_its_value(n: int, digits: Dataset, network: Extractor) -> None:
    assert digits.labels is not None
    s = subject(digits, digits.x[:n], digits.labels[:n], network)
    found = list(fidelity.examine(s))
    told = figures(found)
    for figure in told.values():
        assert figure.floor is None or figure.floor_n == figure.n
        assert figure.n == (n if figure.key == "class_shares" else min(n, 297))
        assert (figure.floor is None) == (figure.key == "yardstick" or (figure.key == "class_shares" and n > 297))
    assert told["fid"].value == frechet(*moments(s.read[0][: told["fid"].n]), *moments(s.real[0]))
    notes = [f.words.en for f in found if isinstance(f, Note)]
    assert ["297 samples" in note for note in notes] == ([True] if n > 297 else [])


def test_few_test_pictures_give_no_floors_and_take_no_samples_away(digits: Dataset, network: Extractor) -> None:
    assert digits.labels is not None and digits.test_labels is not None
    held_out = Dataset(digits.spec, digits.x, digits.labels, digits.test_x[:30], digits.test_labels[:30])
    found = list(fidelity.examine(subject(held_out, digits.x[:500], digits.labels[:500], network)))
    assert all((f.n, f.floor, f.floor_n) == (500, None, 0) for f in figures(found).values())
    assert [f.words.en for f in found if isinstance(f, Note)] == ["No floors beside the fidelity: 30 test pictures are too few to give any."]


@pytest.mark.usefixtures("tiny")
def test_inception_is_asked_only_where_it_is_installed(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def calculate_metrics(**how: Any) -> dict[str, float]:
        asked.update(how)
        return {"frechet_inception_distance": 12.5}

    s = subject(digits, digits.test_x, model=perturbed(SPEC))
    monkeypatch.setattr(inception, "is_here", lambda: False)
    assert list(inception.examine(s)) == []
    monkeypatch.setattr(inception, "is_here", lambda: True)
    monkeypatch.setitem(sys.modules, "torch_fidelity", SimpleNamespace(calculate_metrics=calculate_metrics))
    found = figures(inception.examine(s))["inception_fid"]
    assert found.value == 12.5 and found.n == 297 and "Inception" in found.label.en and asked["fid"] is True
    assert asked["input1"][5].shape == (3, 8, 8) and torch.equal(asked["input1"][5][2], digits.test_x[5, 0]) and len(asked["input2"]) == 297
    monkeypatch.setitem(sys.modules, "torch_fidelity", SimpleNamespace(calculate_metrics=lambda **how: Path("/nowhere/weights").read_bytes()))
    (_, note) = inception.examine(s)
    assert isinstance(note, Note) and "No Inception FID" in note.words.en


@pytest.mark.parametrize("broken", ["raise AttributeError('module numpy has no bool')", "import nothing_like_it", "1 / 0", "x ="])
@pytest.mark.usefixtures("tiny")
def test_a_broken_torch_fidelity_costs_its_own_figure_alone(
    broken: str, digits: Dataset, network: Extractor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "torch_fidelity.py").write_text(broken)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch_fidelity", raising=False)
    found = list(fidelity.examine(subject(digits, digits.test_x, None, network, perturbed(SPEC))))
    (note,) = [f.words.en for f in found if isinstance(f, Note)]
    assert "No Inception FID: torch-fidelity says" in note and "fid" in figures(found) and "inception_fid" not in figures(found)


# memorisation


def test_planted_copies_are_found(digits: Dataset, network: Extractor) -> None:
    copies = figures(memorisation.examine(subject(digits, digits.x[:200], None, network)))
    fresh = figures(memorisation.examine(subject(digits, digits.test_x[:200], None, network)))
    for space in ("pixels", "features"):
        assert copies[f"copies_{space}"].value == 100.0 and copies[f"nearer_{space}"].value > 99
        assert fresh[f"copies_{space}"].value < 5 and 40 < fresh[f"nearer_{space}"].value < 60


def test_samples_are_held_against_test_pictures_from_all_over_the_file(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memorisation, "MOST", 200)
    ordered = Dataset(digits.spec, digits.x, digits.labels, torch.cat([digits.test_x[:97], digits.x[:200]]).flip(0), None)  # copies first
    found = figures(memorisation.examine(subject(ordered, digits.test_x[97:])))
    assert found["nearer_pixels"].value > 10  # beside copies alone it would be 0


def test_a_tenth_of_copies_is_a_tenth(digits: Dataset) -> None:
    mixed = torch.cat([digits.x[:20], 255 - digits.test_x[:180]])
    assert figures(memorisation.examine(subject(digits, mixed)))["copies_pixels"].value == pytest.approx(10.0)


def test_the_picture_shows_the_sample_beside_its_nearest(digits: Dataset) -> None:
    planted = torch.cat([255 - digits.test_x[:30], digits.x[7:8]])
    (picture,) = [f for f in memorisation.examine(subject(digits, planted)) if isinstance(f, Picture)]
    assert picture.rows.shape == (memorisation.ROWS, 1 + memorisation.COLUMNS, 1, 8, 8)
    assert torch.equal(picture.rows[0, 0], digits.x[7]) and torch.equal(picture.rows[0, 1], digits.x[7])  # the most suspicious first


def test_neighbours_are_drawn_in_both_spaces_and_the_nearest_of_every_class(digits: Dataset, network: Extractor) -> None:
    assert digits.labels is not None
    copies = torch.cat([digits.x[digits.labels == 1][:50], digits.test_x[:150]])  # ones that are all nearer than any other sample
    drawn = {f.name: f.rows for f in memorisation.examine(subject(digits, copies, None, network)) if isinstance(f, Picture)}
    assert set(drawn) == {"neighbours_pixels", "neighbours_features"}
    for rows in drawn.values():
        shown = [int(digits.labels[(digits.x == row[1]).flatten(1).all(1)][0]) for row in rows]
        assert sorted(shown) == list(range(10)) and shown[0] == 1


# reconstruction


def test_principal_components_are_those_of_scikit_learn(digits: Dataset) -> None:
    from sklearn.decomposition import PCA

    floors = reconstruction.principal_errors(digits, (1, 5, 20))
    train, test = (x.flatten(1).numpy() / 255 for x in (digits.x, digits.test_x))
    for k, found in floors.items():
        pca = PCA(k).fit(train)
        assert found == pytest.approx(np.square(pca.inverse_transform(pca.transform(test)) - test).mean(), rel=1e-3)


def test_the_error_is_that_of_test_pictures_coded_and_decoded(digits: Dataset) -> None:
    config, _ = techniques()["autoencoder"].read({"latent": 4}, digits.spec)
    torch.manual_seed(0)
    model = build("autoencoder", config, digits.spec).eval()
    found = list(reconstruction.examine(subject(digits, digits.test_x, model=model)))
    x = digits.test_x.float() / 255
    with torch.no_grad():
        back = model.decoder(model.encoder(x)).sigmoid()  # type: ignore[operator]
    assert figures(found)["reconstruction"].value == pytest.approx(float((back - x).square().mean()), rel=1e-4)
    line = series(found)["reconstruction"].lines
    assert line["model"][0][0] == 4 and [y for _, y, _ in line["components"]] == sorted((y for _, y, _ in line["components"]), reverse=True)


# 2-D sets


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "TRUE", 100_000)
    monkeypatch.setattr(points, "MATCHED", 200)


def cloud(name: str, x: np.ndarray) -> dict[str, Figure]:
    return figures(points.examine(subject(load(name), torch.from_numpy(x).float())))


@pytest.mark.parametrize("name", ["ring", "moons"])
def test_fresh_points_are_at_the_floor(few: None, name: str) -> None:
    found = cloud(name, points.fresh(name, 2000, 7)[0])
    for key in ("near", "kl", "js"):
        assert found[key].floor is not None and found[key].value == pytest.approx(found[key].floor, rel=0.25)
    assert found["wasserstein"].value < 0.4
    assert found["modes"].value == found["modes"].floor == {"ring": 8, "moons": 2}[name]


def test_a_lost_mode_is_missed(few: None) -> None:
    x, labels = points.fresh("ring", 2000, 7)
    whole, lost = cloud("ring", x), cloud("ring", x[labels != 2])
    assert lost["modes"].value == 7 and lost["near"].value == pytest.approx(whole["near"].value, abs=2)
    assert lost["kl"].value > 1.5 * whole["kl"].value and lost["wasserstein"].value > whole["wasserstein"].value


def test_points_elsewhere_are_not_near_and_points_without_number_do_no_harm(few: None) -> None:
    far = cloud("moons", np.full((800, 2), 9.0))
    assert far["near"].value == 0 and far["modes"].value == 0 and far["js"].value == pytest.approx(np.log(2))
    assert np.isfinite(cloud("moons", np.full((800, 2), np.nan))["wasserstein"].value)


def test_fresh_points_are_distributed_as_the_training_points() -> None:
    data = load("spiral")
    x, labels = points.fresh("spiral", 20_000, 3)
    assert np.allclose(x.mean(0), data.x.numpy().mean(0), atol=0.03) and np.allclose(x.std(0), data.x.numpy().std(0), rtol=0.03)
    assert points.jensen_shannon(points.on_grid(x), points.on_grid(data.x.double().numpy())) < 0.02
    assert labels.max() == 1 and len(x) == 20_000


def test_wasserstein_is_the_best_of_all_matchings() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)) + 1
    best = min(np.square(x - y[list(p)]).sum(1).mean() for p in permutations(range(6)))
    assert points.wasserstein(x, y) == pytest.approx(np.sqrt(best))
    assert points.wasserstein(x, x + np.array([3.0, 4.0])) == pytest.approx(5.0)


@pytest.mark.parametrize("name", ["ring", "moons"])
def test_all_points_are_matched_so_that_good_points_stand_out_from_the_floor_of_few(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    wasserstein = points.wasserstein
    monkeypatch.setattr(points, "wasserstein", lambda x, y: asked.append(len(x)) or wasserstein(x, y))
    (near,) = points.transported(name, points.fresh(name, 2000, 7)[0])
    assert (near.n, near.floor_n) == (2000, 2000) and "2,000 points" in near.label.en
    assert asked.count(2000) == 2 * points.MATCHES and near.floor is not None and near.floor < 0.22  # of 500 it is 0.25 and more


@pytest.mark.parametrize("shrink", [1.0, 0.8])
def test_the_error_of_a_matching_is_what_many_sets_of_points_vary_by(shrink: float) -> None:
    true = points.fresh("ring", 400, 1)[0]
    values = [points.wasserstein(shrink * points.fresh("ring", 400, 1000 + i)[0], true) for i in range(60)]
    told = [points.wasserstein_error(shrink * points.fresh("ring", 400, 2000 + i)[0], true) for i in range(10)]
    assert 1 / 1.5 < np.mean(told) / np.std(values, ddof=1) < 1.5


def test_divergences_are_those_of_two_coins() -> None:
    p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    assert points.divergence(p, q) == pytest.approx(0.5 * np.log(0.5 / 0.9) + 0.5 * np.log(0.5 / 0.1))
    assert points.jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(np.log(2))


# what takes a classifier


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usefulness, "FEWEST", 3000)
    monkeypatch.setattr(usefulness, "SMALL", Lesson(9000, batch=50, width=8))
    monkeypatch.setattr(usefulness, "PER_CLASS", (2, 20))


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_real_pictures_teach_and_wrong_labels_do_not(digits: Dataset, network: Extractor, brief: None) -> None:
    assert digits.labels is not None
    model = perturbed(SPEC)
    good = list(usefulness.examine(subject(digits, digits.x[:700], digits.labels[:700], network, model)))
    shuffled = digits.labels[:700].roll(1)
    bad = figures(usefulness.examine(subject(digits, digits.x[:700], shuffled, network, model)))
    taught = figures(good)["taught_on_samples"]
    assert taught.value > 85 and taught.floor is not None and abs(taught.value - taught.floor) < 10
    assert bad["taught_on_samples"].value < 40
    lines = series(good)["usefulness"].lines
    assert [x for x, _, _ in lines["alone"]] == [2, 20] and [x for x, _, _ in lines["beside"]] == [0, 2, 20]
    assert lines["beside"][1][1] > lines["alone"][0][1] + 10  # two real pictures a class teach less than seven hundred samples


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_more_real_pictures_teach_more(digits: Dataset, network: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lesson of the sweep is long enough that what is seen is the pictures, not how the teaching went."""
    monkeypatch.setattr(usefulness, "FEWEST", 500)
    monkeypatch.setattr(usefulness, "PER_CLASS", (5, 20, 100))
    assert digits.labels is not None
    lines = series(list(usefulness.sweep(subject(digits, digits.x[:200], digits.labels[:200], network, perturbed(SPEC)), digits)))["usefulness"].lines
    values, errors = zip(*((y, error) for _, y, error in lines["alone"]), strict=True)
    assert values[0] < values[1] < values[2] + errors[2] and max(errors) < 4


@pytest.mark.usefixtures("tiny")
def test_as_many_samples_teach_as_real_pictures(digits: Dataset, network: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[int]()
    assert digits.labels is not None
    few = Dataset(digits.spec, digits.x[:200], digits.labels[:200], digits.test_x, digits.test_labels)
    monkeypatch.setattr(usefulness, "taught", lambda data, lesson, device: seen.append(len(data)))
    monkeypatch.setattr(usefulness, "right", lambda *_: (0.9, 0.01))
    found = figures(usefulness.examine(subject(few, digits.x[:700], digits.labels[:700], network, perturbed(SPEC))))["taught_on_samples"]
    assert (found.n, found.floor_n) == (200, 200) and seen[:4] == [200] * 4 and max(seen) > 700


def test_the_error_of_a_taught_classifier_counts_how_the_teaching_went(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = iter([(0.90, 0.01), (0.96, 0.01), (0.93, 0.01)])
    monkeypatch.setattr(usefulness, "taught", lambda data, lesson, device: None)
    monkeypatch.setattr(usefulness, "right", lambda subject, network, most: next(shares))
    value, error = usefulness.taught_and_right(SimpleNamespace(model=SimpleNamespace(device="cpu")), None, Lesson(1))  # type: ignore[arg-type]
    assert value == pytest.approx(0.93) and error == pytest.approx((0.03**2 / 3 + 0.01**2) ** 0.5)


@pytest.mark.slow
def test_the_knob_is_turned_through_its_range(digits: Dataset, network: Extractor) -> None:
    config, _ = techniques()["vae"].read({}, digits.spec)
    model = build("vae", config, digits.spec).eval().requires_grad_(False)
    s = Subject(model, digits, 200, 0, network)
    found = list(tradeoff.examine(s))
    turned = series(found)["tradeoff"]
    assert [x for x, _, _ in turned.lines["precision"]] == [v for v in tradeoff.SETTINGS["temperature"] if v <= 2]
    against = series(found)["precision_recall"].lines["sweep"]
    assert len(against) == len(turned.lines["recall"]) and sum(isinstance(f, Words) for f in found) >= len(against)


def test_samples_are_rounded_as_files_are() -> None:
    assert as_bytes(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]
