"""The cards of the models that come along: their code runs as it stands, and their hashes are those of the files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from conftest import PROJECT
from PIL import Image

SHIPPED = PROJECT / "checkpoints" / "shipped" / "pretrained"
FOLDERS = sorted(path.parent for path in SHIPPED.glob("*/card.json"))
CODE = re.compile(r"```python\n(.*?)\n```", re.DOTALL)
PICTURES = ("picture.png", "content.png", "style.png")  # what the code of a card opens


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_code_of_a_card_runs_as_it_stands(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    english, chinese = (CODE.findall(part) for part in (folder / "README.md").read_text("utf-8").split("\n---\n\n# ")[-2:])
    assert english and english == chinese
    for name in PICTURES:
        Image.effect_noise((48, 32), 60).convert("RGB").save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for code in english:
        exec(compile(code, f"card of {folder.name}", "exec"), {"folder": str(folder)})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_hashes_of_a_card_are_those_of_its_files(folder: Path):
    told = json.loads((folder / "card.json").read_text("utf-8"))["sha256"]
    found = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.safetensors")}
    assert told == found
