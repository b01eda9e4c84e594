"""Checkpoints: whole or not there, newest first, and never believed without being checked."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from toys import toy_data

from aigc.events import Saved
from aigc.jobs import checkpoints
from aigc.jobs.files import DiskFull, write_whole
from aigc.knobs import as_values
from aigc.registry import build
from aigc.techniques import technique, techniques
from aigc.train.loop import Loop


def saved(images: int, size: int = 200) -> Saved:
    rng = torch.Generator().manual_seed(images)
    weights = {"net.weight": torch.randn(size, 3, generator=rng), "net.count": torch.tensor(images)}
    conv = torch.randn(2, 3, 4, 4, generator=rng).to(memory_format=torch.channels_last)
    state = {"rng": rng.get_state(), "half": conv.bfloat16(), "conv": conv, "flag": torch.tensor([True, False]), "tied": weights["net.weight"]}
    facts = {"images": images, "seconds": images / 7, "config": {"beta": 0.1}}
    return Saved(images, images // 10, images / 7, weights, state | {"empty": torch.zeros(0, 3)}, facts)


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)


def newest(home: Path) -> int | None:
    loaded = checkpoints.load(home)
    if loaded is None:
        return None
    expected = saved(loaded.manifest["images"], loaded.weights["net.weight"].shape[0])
    assert same(loaded.weights, expected.weights) and same(loaded.state, expected.state) and loaded.facts == expected.facts
    return loaded.manifest["images"]


def in_a_process_of_its_own(work: Callable[[], None]) -> int:
    """-> exit code, or minus the signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint"


def test_everything_comes_back_bit_for_bit_and_the_newest_two_are_kept(home: Path) -> None:
    assert checkpoints.load(home) is None and checkpoints.weights(home) is None
    for n in (10, 20, 30):
        checkpoints.save(home, saved(n))
        assert newest(home) == n
    assert [checkpoints.images_of(f) for f in checkpoints.folders(home)] == [30, 20]
    found = checkpoints.weights(home)
    assert found is not None and same(found, saved(30).weights)


def test_two_at_the_same_image_are_told_apart_by_time(home: Path) -> None:
    for count in (1, 2, 3):
        one = saved(50)
        one.facts["config"]["beta"] = float(count)
        checkpoints.save(home, one)
    loaded = checkpoints.load(home)
    assert loaded and loaded.facts["config"]["beta"] == 3.0


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", checkpoints.CRASH_POINTS)
def test_a_kill_at_any_point_leaves_the_old_or_the_new(home: Path, point: str, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """nth: the kill strikes in the first checkpoint of that process, or in the second."""
    checkpoints.save(home, saved(10))
    checkpoints.save(home, saved(20))
    monkeypatch.setenv("AIGC_CRASH_AT", f"{point}:{nth}")

    def work() -> None:
        for n in (30, 40):
            checkpoints.save(home, saved(n))

    assert in_a_process_of_its_own(work) == 91, "the crash point was never reached"
    monkeypatch.delenv("AIGC_CRASH_AT")
    renamed = point in ("renamed", "prune", "pruned")
    assert newest(home) == 20 + 10 * (nth - 1) + 10 * renamed
    checkpoints.save(home, saved(50))
    assert newest(home) == 50
    assert len(list(home.iterdir())) == 2, "orphans are swept"


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _replace(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a flipped bit in the weights": lambda f: _flip(f / "weights.safetensors"),
    "a flipped bit in the state": lambda f: _flip(f / "state.safetensors"),
    "a flipped bit in the manifest": lambda f: _flip(f / "manifest.json"),
    "another number in the manifest": lambda f: _replace(f / "manifest.json", '"images": 30', '"images": 31'),
    "weights cut short": lambda f: os.truncate(f / "weights.safetensors", 100),
    "an empty state": lambda f: os.truncate(f / "state.safetensors", 0),
    "a manifest cut short": lambda f: os.truncate(f / "manifest.json", 40),
    "no weights": lambda f: (f / "weights.safetensors").unlink(),
    "no state": lambda f: (f / "state.safetensors").unlink(),
    "no manifest": lambda f: (f / "manifest.json").unlink(),
    "a manifest of another kind": lambda f: (f / "manifest.json").write_text(json.dumps([1, 2])),
    "nothing at all": lambda f: shutil.rmtree(f) or f.mkdir(),
    "weights of another checkpoint": lambda f: shutil.copy(sorted(f.parent.glob("*20-*"))[0] / "weights.safetensors", f) and None,
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_falls_back_to_the_one_before(home: Path, damage: str) -> None:
    checkpoints.save(home, saved(20))
    last = checkpoints.save(home, saved(30))
    DAMAGE[damage](last)
    assert newest(home) == 20
    loaded = checkpoints.load(home)
    assert loaded and loaded.manifest["damaged"] == 1
    assert last.exists(), "looking takes nothing away"
    if "state" not in damage:
        found = checkpoints.weights(home)
        assert found is not None and same(found, saved(20).weights)
    checkpoints.keep_up_to(home, loaded.manifest["folder"])
    assert [checkpoints.images_of(f) for f in checkpoints.folders(home)] == [20]


def test_what_cannot_be_read_now_is_not_damaged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.save(home, saved(20))

    def too_many(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as now:
        now.setattr(Path, "read_bytes", too_many)
        with pytest.raises(OSError, match="too many"):
            checkpoints.load(home)
        assert checkpoints.weights(home) is None and checkpoints.facts(home) == {}
    assert newest(home) == 20


@pytest.mark.parametrize("optimiser", ["adam", "sgd", "muon"])
@pytest.mark.parametrize("slug", list(techniques()))
def test_what_goes_on_from_a_file_is_what_never_stopped(home: Path, slug: str, optimiser: str) -> None:
    """Convolutions lie channels-last in memory while they are trained, and in no file."""
    data = toy_data((3, 16, 16), n=64)
    network = {"width": 8} if slug == "diffusion" else {"network": "convolutional", "channels": 8}
    values = {**network, "seconds": 0, "images": 10**6, "batch": 16, "optimiser": optimiser, "learning_rate": 0.01}
    config, options = technique(slug).read(values, data.spec, "quick")

    def fresh() -> Loop:
        return Loop(build(slug, as_values(config), data.spec), data, options, watch=False)

    whole = fresh()
    for _ in range(4):
        whole.step()
    (last,) = (event for event in whole.save(due=True) if isinstance(event, Saved))
    checkpoints.save(home, last)
    for _ in range(3):
        whole.step()
    found = checkpoints.load(home)
    assert found
    second = fresh()
    second.restore(found.state, found.facts)
    for _ in range(3):
        second.step()
    assert same(dict(second.model.state_dict()), dict(whole.model.state_dict()))


def test_when_all_are_damaged_there_is_none(home: Path) -> None:
    for n in (20, 30):
        _flip(checkpoints.save(home, saved(n)) / "state.safetensors")
    assert checkpoints.load(home) is None


def test_a_full_disk_keeps_the_old_one(home: Path) -> None:
    """The size limit of a process stands in for a full disk: writing past it fails in the same way."""
    old = checkpoints.save(home, saved(10))
    before = {f.name: f.read_bytes() for f in old.iterdir()}

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            checkpoints.save(home, saved(20, size=10_000))
        except DiskFull as full:
            assert full.words.en and full.words.zh
            os._exit(42)

    assert in_a_process_of_its_own(work) == 42
    assert {f.name: f.read_bytes() for f in old.iterdir()} == before
    assert newest(home) == 10 and list(home.iterdir()) == [old]


def test_too_little_room_is_noticed_before_a_byte_is_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = checkpoints.save(home, saved(10))
    one = saved(20)
    size = sum(t.numel() * t.element_size() for t in [*one.weights.values(), *one.state.values()])
    asked: list[Path] = []

    def disk_usage(folder: Path) -> object:
        asked.append(folder)
        return namedtuple("usage", "total used free")(0, 0, free)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    free = 3 * size - 1
    with pytest.raises(DiskFull):
        checkpoints.save(home, one)
    assert list(home.iterdir()) == [old] and asked == [home], "the volume that is asked is the one that is written"
    free = 3 * size
    checkpoints.save(home, one)
    assert newest(home) == 20


def test_another_error_of_the_disk_is_not_taken_for_a_full_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(checkpoints, "write_new", fail)
    with pytest.raises(PermissionError):
        checkpoints.save(home, saved(10))
    assert not list(home.iterdir())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "here" / "run.json"
    path.parent.mkdir()
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and list(path.parent.iterdir()) == [path]
