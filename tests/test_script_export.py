"""The exported program runs, trains what was asked, and repeats the run it was exported from."""

from __future__ import annotations

import ast
import json
import os
import runpy
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from PIL import Image
from tiny import SPEC, card, tiny  # noqa: F401

from aigc import home, registry
from aigc.cli.parser import parser
from aigc.cli.train import asked
from aigc.data import spec
from aigc.knobs import as_values, knobs
from aigc.options import Options
from aigc.outputs import script
from aigc.registry import ModelCard, shell_command, spec_as_json
from aigc.techniques import technique, techniques

BUDGETS: list[dict[str, Any]] = [
    {}, {"images": 0, "seconds": 12.5}, {"images": 99, "seconds": 3.0, "learning_rate": 3e-5}, {"images": 0, "flip": True},
]  # fmt: skip


def card_of(slug: str, data: str, **values: Any) -> ModelCard:
    config, options = technique(slug).read({"seconds": 0, "images": 256, "batch": 32, "seed": 5, **values}, spec(data))
    described = spec_as_json(spec(data))
    return ModelCard("mine", slug, data, described, as_values(config), as_values(options), preset="quick", seed=5, licence="CC BY 4.0")


def weights_in(folder: Path) -> dict[str, torch.Tensor]:
    """Read, not mapped: the file may be written over later."""
    return safetensors.torch.load((folder / "model.safetensors").read_bytes())


@pytest.mark.usefixtures("tiny")
def test_the_program_runs_and_repeats_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(card(options={"seconds": 0.0, "images": 320, "batch": 16, "seed": 3, "learning_rate": 0.01}))
    made = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "experiment.py").write_text(text)
        monkeypatch.chdir(folder)
        runpy.run_path(str(folder / "experiment.py"), run_name="__main__")
        made.append(weights_in(folder))
        assert Image.open(folder / "samples.png").width > 200
        assert b"ContentProducer" in (folder / "samples.png").read_bytes()
    assert "320 images" in capsys.readouterr().out
    assert all(made[0][k].equal(made[1][k]) for k in made[0])
    registry.into(registry.build("tiny", {"width": 4}, SPEC), made[0])
    other = script(card(options={"seconds": 0.0, "images": 320, "batch": 16, "seed": 4, "learning_rate": 0.01}))
    (tmp_path / "a" / "experiment.py").write_text(other)
    monkeypatch.chdir(tmp_path / "a")
    runpy.run_path("experiment.py", run_name="__main__")
    assert not weights_in(tmp_path / "a")["net.weight"].equal(made[0]["net.weight"])


@pytest.mark.parametrize("slug", sorted(techniques()))
def test_every_knob_is_spelled_out(slug: str) -> None:
    text = script(card_of(slug, "digits"), "zh")
    tables = {t.targets[0].id: ast.literal_eval(t.value) for t in ast.parse(text).body if isinstance(t, ast.Assign)}  # type: ignore[attr-defined]
    assert set(tables["CONFIG"]) == set(knobs(technique(slug).Config)) and set(tables["OPTIONS"]) == set(knobs(Options))
    assert tables["OPTIONS"]["images"] == 256 and tables["TECHNIQUE"] == slug
    assert technique(slug).title.zh in text


@pytest.mark.parametrize("slug", sorted(techniques()))
@pytest.mark.parametrize(
    "values", [{}, {"images": 0, "seconds": 12.5}, {"images": 99, "seconds": 3.0, "learning_rate": 3e-5}, {"images": 0, "flip": True}]
)
def test_the_command_asks_for_exactly_the_same(slug: str, values: dict[str, Any]) -> None:
    made = card_of(slug, "digits", **values)
    words = shlex.split(shell_command(made))
    assert words[:4] == ["python", "-m", "aigc", "train"]
    assert not {"seconds=0", "images=0"} & set(words) or not (values.get("images", 256) or values.get("seconds")), "said twice"
    request = asked(parser("en").parse_args(words[3:]))
    config, options = technique(slug).read({**request.config, **request.options}, spec("digits"), request.preset)
    assert as_values(config) == made.config and as_values(options) == made.options
    assert (request.technique, request.data, request.name) == (slug, "digits", "mine")


@pytest.mark.usefixtures("tiny")
def test_nothing_on_a_card_becomes_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = '"""; open("pwned", "w"); r"""\n\\'
    described = spec_as_json(SPEC) | {"title": {"en": evil, "zh": evil}}
    text = script(replace(card(), data=evil, spec=described))
    monkeypatch.chdir(tmp_path)
    body = ast.parse(text).body
    assert isinstance(body[0], ast.Expr) and not [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and n.id == "open"]
    runpy.run_path(str(_write(tmp_path / "x.py", text)))
    assert not (tmp_path / "pwned").exists()


@pytest.mark.usefixtures("tiny")
def test_the_printed_command_is_the_true_one_whatever_is_on_the_card() -> None:
    made = replace(card(), data='it\'s; "touch" \'pwned\'  """ """"')
    printed = ast.get_docstring(ast.parse(script(made)), clean=False)
    assert printed and '"""' not in printed and shlex.split(shell_command(made)) == shlex.split(printed.split("\n\n")[2].replace("\\\n", ""))


@pytest.mark.slow
def test_the_program_of_a_real_technique_runs_on_its_own(tmp_path: Path) -> None:
    text = script(card_of("vae", "digits"))
    env = os.environ | {"PYTHONPATH": str(home.PROJECT), "OMP_NUM_THREADS": "1"}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = _write(tmp_path / name / "experiment.py", text)
        subprocess.run([sys.executable, str(path)], cwd=path.parent, env=env, check=True, capture_output=True, timeout=120)
    first, second = (weights_in(tmp_path / n) for n in ("a", "b"))
    assert first and all(first[k].equal(second[k]) for k in first)
    fresh = registry.build("vae", json.loads(json.dumps(card_of("vae", "digits").config)), spec("digits"))
    registry.into(fresh, first)
    assert not torch.equal(next(fresh.parameters()), next(registry.build("vae", card_of("vae", "digits").config, spec("digits")).parameters()))


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
