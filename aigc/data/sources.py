"""Where the parquet files of a dataset are on this disk: AIGC_DATA_DIR first, then what was downloaded, then the Hub cache.

All three are laid out like the Hub's repositories: `<owner>/<name>/<folder>/<split>-00000-of-00001.parquet`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aigc.home import home

Progress = Callable[[int, int], None]  # (bytes done, bytes in all)

# Some repositories put a hash behind the count: train-00000-of-00002-d405faba4f4b9b85.parquet
SHARD = re.compile(r"(?P<split>[a-z]+)-(?P<index>\d{5})-of-(?P<count>\d{5})(?:-[0-9a-f]+)?\.parquet")


@dataclass(frozen=True)
class Source:
    """The files of one dataset repository, and which of their columns are wanted."""

    repo: str  # owner/name
    folder: str  # inside the repository; the Hub calls it a config
    download_bytes: int = 0  # about; 0: it is not on the Hub, only found in AIGC_DATA_DIR
    train: str = "train"
    test: str = "test"
    image: str = "image"
    label: str = "label"  # "" : unlabelled
    fit: bool = False  # pictures of other sizes are cropped and resized
    most: tuple[int, int] = (100_000, 100_000)  # shards taken of (train, test): the first ones

    def pick(self, names: Iterable[str]) -> dict[str, list[str]] | None:
        """{"train": file names, "test": file names} out of a listing of the folder; None unless every wanted shard is there."""
        shards: dict[str, dict[int, str]] = {}
        counts: dict[str, int] = {}
        for name in sorted(names):
            if match := SHARD.fullmatch(name):
                shards.setdefault(match["split"], {})[int(match["index"])] = name
                counts[match["split"]] = int(match["count"])
        picked = {}
        for role, split, most in (("train", self.train, self.most[0]), ("test", self.test, self.most[1])):
            wanted = range(min(counts.get(split, 0), most))
            if not wanted or any(i not in shards[split] for i in wanted):
                return None
            picked[role] = [shards[split][i] for i in wanted]
        return picked


def find(source: Source) -> dict[str, list[Path]] | None:
    """The complete files {"train": [...], "test": [...]} of a source, from the first place that has them all."""
    for repository in _repositories(source.repo):
        folder = repository / source.folder
        try:
            names = [name for name in os.listdir(folder) if (folder / name).is_file()]  # a cache cleared by half leaves links to nothing
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            logging.getLogger(__name__).warning("%s is passed over: %s", folder, error)
            continue
        if picked := source.pick(names):
            return {role: [folder / name for name in picked[role]] for role in picked}
    return None


def find_file(repo: str, name: str) -> Path | None:
    """One file of a repository, from the first place that has it."""
    return next((folder / name for folder in _repositories(repo) if (folder / name).is_file()), None)


def _repositories(repo: str) -> Iterator[Path]:
    if data_dir := os.environ.get("AIGC_DATA_DIR"):
        yield Path(data_dir).expanduser() / repo
    yield downloads_folder() / repo
    from huggingface_hub.constants import HF_HUB_CACHE

    snapshots = Path(HF_HUB_CACHE, f"datasets--{repo.replace('/', '--')}", "snapshots")
    if snapshots.is_dir():
        yield from sorted(snapshots.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)


def cache_folder() -> Path:
    """What can be deleted at any time and made or fetched again."""
    return home() / "cache"


def downloads_folder() -> Path:
    return cache_folder() / "downloads"


def decoded_folder() -> Path:
    return cache_folder() / "datasets"


def downloads_are_off() -> bool:
    """Hugging Face's own switches, read at each call and not, as huggingface_hub does, once at import."""
    return any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def in_bytes(n: int) -> str:
    """1_234_567 -> "1.2 MB", as the Hub counts: powers of ten."""
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB" if n >= 1e7 else f"{n / 1e6:.1f} MB"
