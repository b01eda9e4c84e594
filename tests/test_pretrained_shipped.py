"""What is true of every pretrained model that comes along, whatever it makes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

from aigc import home
from aigc.pretrained import hub
from aigc.pretrained.catalogue import entries
from aigc.words import Words

SHIPPED = PROJECT / "checkpoints" / "shipped"
MB = 10**6
FOLDERS = sorted(card.parent for card in (SHIPPED / "pretrained").glob("*/card.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_page_shows_the_licence_of_the_readme(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", SHIPPED)
    front = yaml.safe_load((folder / "README.md").read_text("utf-8").split("---")[1])
    entry = next(e for e in entries() if hub.here(e) == folder)
    assert entry.licensed == Words(front["license"], front["license"])


def size(*folders: Path) -> int:
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())


def test_what_comes_along_is_small() -> None:
    assert 0 < size(*(folder for folder in FOLDERS if folder.name != "verse")) <= 25 * MB
    assert 0 < size(*(folder for folder in SHIPPED.iterdir() if folder.name != "pretrained")) <= 60 * MB
