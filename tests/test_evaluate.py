"""An evaluation from the shell to the report on disk: what it holds, what it keeps, what it refuses."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_cli import here  # noqa: F401
from tiny import POINTS, card, perturbed, tiny  # noqa: F401

from aigc import home, registry
from aigc.cli import evaluate as shell
from aigc.data import spec
from aigc.data.load import Dataset, load
from aigc.evaluate import PARTS, Report, Series, feature_card, likelihood, parts_for, picture_of, reports
from aigc.evaluate.feature_card import FeatureCard, card_of, folder_of, local_folder
from aigc.evaluate.features import data_hash, extractor, make
from aigc.evaluate.real import cache_folder, read_real
from aigc.evaluate.report import SHIPPED_REPORT
from aigc.evaluate.run import evaluate
from aigc.evaluate.text import KINDS, figure
from aigc.registry import build
from aigc.registry.readme import HUB_LICENCES
from aigc.techniques import technique
from aigc.words import Refusal, Words, both

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def model() -> str:
    return registry.save(perturbed(), card("one")).slug


def told(*args: object, **more: object) -> Report:
    *words, report = evaluate(*args, **more)  # type: ignore[arg-type]
    assert all(isinstance(w, Words) and w.en and w.zh for w in words) and isinstance(report, Report)
    return report


# from the shell


def test_the_shell_prints_one_line_of_json_and_a_sentence_a_line_of_progress(here: object, model: str) -> None:  # noqa: F811
    answer = here("evaluate", model, "--n", "200", "--parts", "fidelity,memorisation", "--json")  # type: ignore[operator]
    assert answer.code == 0
    report = Report.from_json(answer.json)
    assert report.slug == model and report.n == 200 and report.data == "digits" and report.extractor.startswith("Digits 8×8 CNN")
    assert {"fid", "kid", "precision", "coverage", "asked_class", "nearer_pixels"} <= {f.key for f in report.figures}
    assert len(answer.err.splitlines()) >= 3 and not answer.err.startswith("{")


def test_people_read_a_table(here: object, model: str) -> None:  # noqa: F811
    answer = here("evaluate", model, "-n", "200", "--parts", "fidelity")  # type: ignore[operator]
    assert answer.code == 0 and "FID, Digits 8×8 CNN" in answer.out and "Coverage (k = 5)" in answer.out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("nobody",), "no model called"),
        (("one", "--n", "5"), "number of samples"),
        (("one", "--parts", "beauty"), "no part"),
        (("one", "--parts", "points"), "no part"),
        (("one", "--data", "mnist"), "makes something else"),
        (("one", "--data", "nothing"), "no dataset"),
        (("one", "--set", "steps=999"), "between 1 and 50"),
        (("one", "--seed", "-1"), "seed"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(here: object, model: str, words: tuple[str, ...], what: str) -> None:  # noqa: F811
    answer = here("evaluate", *words)  # type: ignore[operator]
    assert answer.code == 2 and what in answer.err and "Traceback" not in answer.err


def test_the_light_half_loads_no_torch() -> None:
    code = (
        "import sys; from aigc.evaluate import reports, parts_for; from aigc.data import spec; reports('x');"
        "print(sorted({'torch', 'numpy', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=home.PROJECT, check=True)
    assert done.stdout == "[]\n"


# the report


def test_a_report_comes_back_from_disk_as_it_was(model: str) -> None:
    report = told(model, "digits", n=200, parts=("memorisation",))
    assert reports(model) == [report]
    assert Report.from_json(json.loads(json.dumps(report.as_json()))) == report
    for space in ("pixels", "features"):
        picture = picture_of(report, f"neighbours_{space}")
        assert picture is not None and picture.read_bytes()[:4] == b"\x89PNG"


def test_series_survive_json() -> None:
    line = Series(
        both("t", "题"), both("x", "横"), both("y", "纵"), {"a": [(1.0, 2.0, None), (2.0, 3.0, 0.5)]}, {"a": both("a", "甲")}, both("h", "说")
    )
    report = Report("one", "digits", "train", 200, 0, "2026-01-01T00:00:00+00:00", 1.0, "cpu", "0", "", series={"s": line}, notes=(both("n", "注"),))
    assert Report.from_json(report.as_json()) == report
    apart = dataclasses.replace(report, series={"s": dataclasses.replace(line, joined=False)})
    assert Report.from_json(apart.as_json()) == apart
    old = apart.as_json()
    del old["series"]["s"]["joined"]
    assert Report.from_json(old) == report


def test_every_series_over_classes_says_that_nothing_lies_between_them() -> None:
    for file in (home.PROJECT / "checkpoints" / "shipped").glob("*/evaluation.json"):
        for series in Report.from_json(json.loads(file.read_text())).series.values():
            assert series.joined == (series.x.en != "class"), file


def test_parts_that_were_not_asked_for_are_kept_until_the_weights_change(model: str) -> None:
    told(model, "digits", n=200, parts=("memorisation",))
    both_parts = told(model, "digits", n=200, parts=("fidelity",))
    assert {f.part for f in both_parts.figures} == {"memorisation", "fidelity"} and both_parts.pictures
    registry.delete(model)
    registry.save(perturbed(seed=9), card("one"))
    assert {f.part for f in told("one", "digits", n=200, parts=("fidelity",)).figures} == {"fidelity"}


def test_what_is_carried_over_keeps_when_and_how_it_was_measured(model: str) -> None:
    first = told(model, "digits", n=200, seed=3, parts=("memorisation",))
    again = told(model, "digits", n=200, seed=4, parts=("fidelity",))
    (line,) = shell.carried(again, "en")
    assert first.created in line and "seed 3" in line and PARTS["memorisation"].en in line
    assert again.parts == ("fidelity", "memorisation") and again.origin("memorisation") == first.origin("memorisation")
    assert again.origin("memorisation").seed == 3 and again.origin("fidelity").seed == 4
    third = told(model, "digits", n=200, seed=5, parts=("fidelity",))
    assert third.carried == again.carried and reports(model) == [third]


def test_fewer_samples_replace_nothing_that_was_found_with_more(model: str) -> None:
    many = told(model, "digits", n=300, parts=("fidelity", "memorisation"))
    few = told(model, "digits", n=200, parts=("fidelity",))
    assert few.parts == ("fidelity",) and {r.n: r for r in reports(model)} == {300: many, 200: few}


def test_other_sampling_has_a_report_of_its_own(model: str) -> None:
    told(model, "digits", n=200, parts=("fidelity",))
    told(model, "digits", n=200, parts=("fidelity",), how={"steps": "3"})
    assert [r.settings for r in reports(model)].count({"steps": 3}) == 1 and len(reports(model)) == 2


def test_the_same_seed_gives_the_same_figures(model: str) -> None:
    first, again, other = (told(model, "digits", n=200, seed=s, parts=("fidelity",)).figures for s in (0, 0, 1))
    assert first == again != other


def test_a_shipped_report_is_found_and_what_cannot_be_read_is_not(model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = told(model, "digits", n=200, parts=("memorisation",))
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "shipped")
    folder = home.SHIPPED / model
    folder.mkdir(parents=True)
    (folder / SHIPPED_REPORT).write_text(json.dumps(dataclasses.replace(report, created="2000-01-01T00:00:00+00:00").as_json()))
    (home.home() / "evaluations" / model / "broken.json").write_text("{")
    assert [r.created for r in reports(model)] == [report.created, "2000-01-01T00:00:00+00:00"]
    assert reports("../one") == []


# which parts


def test_parts_follow_the_model_and_the_data(model: str) -> None:
    entry = registry.entry(model)
    assert parts_for(entry, spec("digits")) == ("fidelity", "usefulness", "memorisation")
    assert parts_for(entry, spec("mnist")) == ()
    registry.save(perturbed(POINTS), card("two", POINTS))
    assert parts_for(registry.entry("two"), spec("moons")) == ("points",)
    for slug, extra in (("vae", {"likelihood", "reconstruction", "tradeoff"}), ("autoencoder", {"reconstruction", "tradeoff"}),
                        ("gan", {"tradeoff"}), ("diffusion", {"likelihood", "tradeoff"})):  # fmt: skip
        made = dataclasses.replace(card(slug, config={"conditional": True} if slug == "diffusion" else {}), technique=slug)
        registry.save(build(slug, made.config, spec("digits")), made)
        assert set(parts_for(registry.entry(slug), spec("digits"))) - {"fidelity", "usefulness", "memorisation"} == extra
    shortcut = card("shortcut", config={"conditional": True, "teacher": "diffusion"})
    registry.save(build("diffusion", shortcut.config, spec("digits")), dataclasses.replace(shortcut, technique="diffusion"))
    assert parts_for(registry.entry("shortcut"), spec("digits")) == ("fidelity", "usefulness", "memorisation")
    assert set(PARTS) >= set(parts_for(entry, spec("digits")))


def test_likelihood_is_not_asked_of_a_model_of_classes_on_data_without_any() -> None:
    made = dataclasses.replace(card("told", config={"conditional": True}), technique="vae")
    registry.save(build("vae", made.config, spec("digits")), made)
    unlabelled = dataclasses.replace(spec("digits"), name="mine", classes=())
    assert "likelihood" in parts_for(registry.entry("told"), spec("digits"))
    assert "likelihood" not in parts_for(registry.entry("told"), unlabelled)


def test_what_was_measured_stands_on_the_models_card(model: str) -> None:
    report = told(model, "digits", n=200, parts=("memorisation",))
    figure = report.figures[0]
    assert registry.entry(model).card.quality[f"{figure.label.en} (%), n = {figure.n:,}"] == figure.value
    assert registry.verify(model) == []


def test_data_without_a_network_say_so_and_get_the_rest(model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "nothing")
    report = told(model, "digits", n=200, parts=("memorisation",))
    assert {f.key for f in report.figures} == {"nearer_pixels", "copies_pixels"} and report.extractor == ""
    assert "no feature network" in report.notes[0].en and "aigc features digits" in report.notes[0].en


def test_a_vae_and_a_diffusion_model_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("WEIGHTED", 50), ("IMPORTANCE", 20), ("DIFFUSED", 60), ("LEVELS", 8)):
        monkeypatch.setattr(likelihood, name, few)
    data = load("digits")
    keys = {}
    for slug in ("vae", "diffusion"):
        config, _ = technique(slug).read({"conditional": True}, data.spec)
        torch.manual_seed(0)
        fresh = build(slug, config, data.spec)
        made = card(slug, data.spec, config={"conditional": True})
        registry.save(fresh, dataclasses.replace(made, technique=slug, config=dict(_plain(config))))
        keys[slug] = {f.key: f for f in told(slug, "digits", n=200, parts=("likelihood",)).figures}
    assert keys["vae"]["nll"].unit == "nats" and keys["vae"]["nll"].value <= keys["vae"]["negative_elbo"].value
    assert keys["vae"]["nll"].value < 64 * 0.7 + 10 + 3  # an untrained decoder gives every pixel about log 2, and the label log 10
    assert keys["diffusion"]["bits_per_dimension"].value > 3
    counts = torch.stack([torch.bincount(place.long(), minlength=256) for place in data.x.flatten(1).T])
    greys = data.test_x[torch.randperm(len(data.test_x), generator=torch.Generator().manual_seed(2026))[:60]].flatten(1).long()
    apart = -((counts + 0.05) / (counts + 0.05).sum(1, keepdim=True)).log2().gather(1, greys.T).mean()
    beside = keys["diffusion"]["bits_of_histograms"]
    assert beside.value == pytest.approx(float(apart), abs=0.1) and (beside.n, beside.better) == (60, "")


@pytest.mark.parametrize("slug", ["vae", "diffusion"])
def test_one_test_picture_gives_values_without_errors_and_no_fidelity(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("WEIGHTED", 50), ("IMPORTANCE", 5), ("DIFFUSED", 60), ("LEVELS", 4)):
        monkeypatch.setattr(likelihood, name, few)
    data = load("digits")
    assert data.test_labels is not None
    lonely = dataclasses.replace(data, test_x=data.test_x[:1], test_labels=data.test_labels[:1])
    monkeypatch.setattr("aigc.evaluate.run.load", lambda name: lonely)
    config, _ = technique(slug).read({"conditional": True}, data.spec)
    made = card(slug, data.spec, config={"conditional": True})
    registry.save(build(slug, config, data.spec), dataclasses.replace(made, technique=slug, config=dict(_plain(config))))
    report = told(slug, "digits", n=200, parts=("fidelity", "likelihood"))
    assert report.figures and all(f.part == "likelihood" and math.isfinite(f.value) and f.error is None for f in report.figures)
    assert any("two test pictures" in note.en for note in report.notes)


def _plain(config: object) -> dict[str, object]:
    from aigc.knobs import as_values

    return as_values(config)


# feature networks


def test_a_network_is_taught_kept_and_found(aigc_home: Path) -> None:
    data = load("digits")
    folder = aigc_home / "net"
    *_, made = make(data, folder, images=640)
    assert made.tested == 297 and 0.05 <= made.accuracy <= 1 and made.data_hash == data_hash(data.x)
    assert {p.name for p in folder.iterdir()} == {"model.safetensors", "config.json", "README.md"}
    words = (folder / "README.md").read_text()
    assert made.command in words and f"{100 * made.accuracy:.2f}" in words and made.hashes["model.safetensors"] in words


def test_shipped_networks_are_good_small_and_whole() -> None:
    from huggingface_hub import ModelCard as HubCard

    for folder in (home.SHIPPED / "features").iterdir():
        found = card_of(spec(folder.name))
        assert found.accuracy > {"fashion-mnist": 0.92, "fairface64": 0.94}.get(folder.name, 0.99)
        assert sum(p.stat().st_size for p in folder.iterdir()) < 2 << 20
        assert extractor(spec(folder.name)).title.en.endswith("CNN")
        front = HubCard((folder / "README.md").read_text("utf-8")).data.to_dict()
        assert front["license"] in HUB_LICENCES and front["language"] == ["en", "zh"] and front["library_name"] == "aigc-lab"
        assert feature_card.readme(found) == (folder / "README.md").read_text("utf-8")
    assert folder_of("digits") is not None and "features" not in [e.slug for e in registry.entries()] and not registry.broken()


def test_a_damaged_network_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(home.SHIPPED / "features" / "digits", local_folder() / "digits")
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "nothing")
    weights = local_folder() / "digits" / feature_card.WEIGHTS
    raw = bytearray(weights.read_bytes())
    raw[-3] ^= 1
    weights.write_bytes(bytes(raw))
    with pytest.raises(Refusal, match="cannot be read"):
        extractor(spec("digits"))


def test_points_need_no_network() -> None:
    with pytest.raises(Refusal, match="without a network"):
        list(make(load("moons")))


def test_without_labels_features_are_taught_by_contrast(tmp_path: Path) -> None:
    data = load("digits")
    unlabelled = Dataset(replace(data.spec, name="plain", classes=()), data.x, None, data.test_x, None)
    *_, card = make(unlabelled, tmp_path / "features" / "plain", images=6000)
    assert isinstance(card, FeatureCard) and card.accuracy > 0.05  # by chance: 1 of 297
    assert "without labels" in (tmp_path / "features" / "plain" / "README.md").read_text()


def test_its_own_statistics_are_those_of_the_training_pictures() -> None:
    data = load("digits")
    seen = extractor(data.spec)
    features = seen.read(data.x)[0].double()
    assert int(seen.model.count) == len(data) and torch.allclose(seen.model.mean, features.mean(0), atol=1e-4)
    assert torch.allclose(seen.model.covariance, features.T.cov(), atol=1e-3)


def test_real_pictures_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("digits")
    seen = extractor(data.spec)
    first = read_real(seen, data.test_x)
    assert len(list(cache_folder().iterdir())) == 1
    monkeypatch.setattr(type(seen), "read", lambda *_: pytest.fail("read twice"))
    again = read_real(seen, data.test_x)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])


def test_every_figure_is_named_in_both_languages_and_belongs_to_a_part() -> None:
    for key, kind in KINDS.items():
        assert kind.part in PARTS and kind.better in ("low", "high", "") and kind.label.zh and kind.help.en.rstrip("}").endswith((".", "?", "how"))
        names = dict.fromkeys(("net", "data", "k", "few", "noise", "seed", "size", "space", "how", "matched"), "x")
        assert "{" not in figure(key, 1.0, n=1, **names).label.en  # type: ignore[arg-type]
