"""Every test gets a home of its own without models, one thread, and no network."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SHARED_DATASETS = PROJECT.parent / "shared" / "datasets"


def no_models() -> Path:
    """A folder in the place of the models that come along; evaluation keeps the networks it sees with."""
    folder = Path(tempfile.mkdtemp(prefix="aigc-shipped-"))
    (folder / "features").symlink_to(PROJECT / "checkpoints" / "shipped" / "features")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


os.environ["AIGC_SHIPPED"] = str(no_models())
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


ENDS = time.monotonic() + float(os.environ.get("AIGC_TEST_SECONDS", "inf"))  # of the whole run; no test begins later


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pages last: where the time is short, what comes along is judged first."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_collection_finish() -> None:
    """What the imports made stays: no later collection of garbage, and putting a model away asks for one, goes through it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if time.monotonic() > ENDS:
        pytest.skip("the time for this run, AIGC_TEST_SECONDS, is over")


@pytest.fixture(autouse=True)
def aigc_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("AIGC_HOME", str(home))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    monkeypatch.delenv("AIGC_DATA_DIR", raising=False)
    return home


@pytest.fixture
def datasets_dir(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real datasets, where this machine has them."""
    folder = Path(os.environ.get("AIGC_TEST_DATA_DIR") or SHARED_DATASETS)
    if not folder.is_dir():
        pytest.skip("the real datasets are not on this machine")
    monkeypatch.setenv("AIGC_DATA_DIR", str(folder))
    return folder
