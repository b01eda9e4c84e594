"""The table of datasets, and each of them as it comes: shapes, counts, splits, and known facts about the pixels."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from data_files import encoded, parquet, pixels, tiny_mnist

from aigc.data import availability, spec, specs
from aigc.data.load import Dataset, load
from aigc.data.sources import Source, decoded_folder, in_bytes
from aigc.words import Refusal

POINTS = ("moons", "ring", "grid", "spiral", "checkerboard", "circles")
ALL = ("digits", *POINTS, "mnist", "fashion-mnist", "cifar10", "celeba", "fairface64")


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty AIGC_DATA_DIR."""
    folder = tmp_path / "data"
    monkeypatch.setenv("AIGC_DATA_DIR", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder


def put(folder: Path, repo: str, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        file = folder / repo / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


# the table


def test_every_dataset_is_described_in_both_languages():
    assert tuple(specs()) == ALL
    for name, s in specs().items():
        assert s.name == name and s.count > 0 and s.licence and s.credit
        for words in (s.title, *s.classes):
            assert words.en and words.zh
        assert len({c.en for c in s.classes}) == len({c.zh for c in s.classes}) == len(s.classes)


def test_an_unknown_name_is_refused_with_those_there_are():
    for name in ("nosuch", "../../etc/passwd", "own-x", "", "MNIST "):
        with pytest.raises(Refusal, match="digits, moons"):
            spec(name)


def test_the_table_and_where_things_are_need_nothing_heavy():
    code = "import sys, aigc.data as d; [d.availability(n) for n in d.specs()]; print([m for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]).stdout
    for heavy in ("torch", "numpy", "PIL", "pyarrow", "sklearn", "httpx", "gradio"):
        assert f"'{heavy}'" not in loaded


def test_sizes_are_written_as_the_hub_writes_them():
    assert [in_bytes(n) for n in (1_234_567, 18_200_000, 2_373_000_000)] == ["1.2 MB", "18 MB", "2.4 GB"]


# the built-in ones


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    data = load("digits")
    assert data.x.shape == (1500, 1, 8, 8) and data.test_x.shape == (297, 1, 8, 8) and data.spec.count == 1500
    theirs = load_digits()
    expected = sorted((tuple(np.rint(x * 255 / 16).astype(int)), y) for x, y in zip(theirs.data, theirs.target, strict=True))
    assert data.labels is not None and data.test_labels is not None
    ours = zip(torch.cat([data.x, data.test_x]).flatten(1).tolist(), torch.cat([data.labels, data.test_labels]).tolist(), strict=True)
    assert sorted((tuple(x), y) for x, y in ours) == expected
    assert data.x.max() == 255 and data.x.min() == 0
    share = data.test_labels.bincount() / (data.labels.bincount() + data.test_labels.bincount())
    assert (share - 297 / 1797).abs().max() < 0.01  # stratified


@pytest.mark.slow
def test_digits_do_not_import_scikit_learn():
    code = "import sys; from aigc.data.load import load; load('digits'); assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


@pytest.mark.parametrize("name", POINTS)
def test_points_are_standardised_labelled_and_the_same_every_time(name: str):
    data = load(name)
    assert data.x.shape == (20_000, 2) and data.test_x.shape == (2_000, 2) and data.x.dtype == torch.float32
    assert data.x.mean(0).abs().max() < 1e-4
    assert abs(data.x.square().mean() - 1) < 1e-4
    assert data.x.abs().max() < 3
    assert data.labels is not None and len(data.labels.unique()) == len(data.spec.classes)
    assert data.x.equal(load(name).x)
    assert not data.x[:2000].equal(data.test_x)
    gap = max((data.x[data.labels == c].mean(0) - data.test_x[data.test_labels == c].mean(0)).abs().max() for c in range(2))
    assert gap < 0.15  # train and test are of one distribution, scaled alike


def test_the_sets_have_their_shapes():
    ring = load("ring")
    assert ring.labels is not None
    middles = torch.stack([ring.x[ring.labels == c].mean(0) for c in range(8)])
    turns = torch.atan2(middles[:, 1], middles[:, 0])
    assert torch.allclose(middles.norm(dim=1), middles.norm(dim=1).mean().expand(8), atol=0.02)
    assert torch.allclose((turns.roll(-1) - turns) % (2 * torch.pi), torch.tensor(torch.pi / 4), atol=0.02)

    circles = load("circles")
    assert circles.labels is not None
    outer, inner = (circles.x[circles.labels == c].norm(dim=1).mean() for c in (0, 1))
    assert abs(outer / inner - 2) < 0.03

    grid = load("grid")
    assert grid.labels is not None
    spread = torch.stack([grid.x[grid.labels == c].std(0) for c in range(25)])
    assert spread.max() < 0.2 * (grid.x[:, 0].max() - grid.x[:, 0].min()) / 4  # far apart for their size

    board = load("checkerboard")
    low, high = board.x.aminmax(dim=0)
    place = (board.x - low) / (high - low) * 4
    cells = place[((place % 1) - 0.5).abs().amax(1) < 0.48].floor()  # whoever stands on a line is in no square
    assert len(cells.unique(dim=0)) == 8 and len((cells.sum(1) % 2).unique()) == 1  # eight squares of one colour

    spiral = load("spiral")
    assert spiral.labels is not None
    assert torch.allclose(spiral.x[spiral.labels == 0].mean(0), -spiral.x[spiral.labels == 1].mean(0), atol=0.05)  # half a turn apart


# from files


@pytest.mark.slow
def test_mnist_is_mnist(datasets_dir: Path):
    assert availability("mnist").here
    told: list[tuple[int, int]] = []
    data = load("mnist", progress=lambda done, total: told.append((done, total)))
    assert data.labels is not None and data.test_labels is not None
    assert data.x.shape == (60_000, 1, 28, 28) and data.test_x.shape == (10_000, 1, 28, 28) and data.x.dtype == torch.uint8
    assert data.labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.test_labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    scaled = data.x.float() / 255
    assert abs(scaled.mean() - 0.1307) < 5e-5 and abs(scaled.std() - 0.3081) < 5e-5  # the numbers everyone normalises with
    assert told and told[-1][0] >= 0.95 * told[-1][1]
    began = time.perf_counter()
    again = load("mnist")
    assert time.perf_counter() - began < 0.5
    assert again.x.equal(data.x)


@pytest.mark.slow
def test_fashion_mnist_is_fashion_mnist(datasets_dir: Path):
    data = load("fashion-mnist")
    assert data.labels is not None and data.labels.bincount().tolist() == [6000] * 10
    assert data.labels[:5].tolist() == [9, 0, 0, 3, 0] and data.spec.classes[9].en == "Ankle boot"
    scaled = data.x.float() / 255
    assert abs(scaled.mean() - 0.2860) < 5e-5 and abs(scaled.std() - 0.3530) < 5e-5


@pytest.mark.slow
def test_fairface_is_found_beside_the_others(datasets_dir: Path):
    data = load("fairface64")
    assert data.x.shape == (10_800, 3, 64, 64) and data.test_x.shape == (960, 3, 64, 64)
    assert data.labels is None and data.spec.count == 10_800 and data.spec.flips
    red, green, blue = data.x[:500].double().mean((0, 2, 3))
    assert red > green > blue  # faces


def test_columns_may_have_other_names(data_dir: Path):
    x = pixels(30, 32, 3)
    files = {"plain_text/train-00000-of-00001.parquet": parquet(x[:20], [i % 10 for i in range(20)], image="img")}
    files["plain_text/test-00000-of-00001.parquet"] = parquet(x[20:], list(range(10)), image="img")
    put(data_dir, "uoft-cs/cifar10", files)
    data = load("cifar10")
    np.testing.assert_array_equal(data.x.permute(0, 2, 3, 1).numpy(), x[:20])
    assert data.labels is not None and data.labels.tolist() == [i % 10 for i in range(20)]


def test_celeba_is_cropped_to_its_middle_and_takes_the_first_shards(data_dir: Path):
    tall = np.zeros((8, 218, 178, 3), np.uint8)
    tall[:, 20:198] = 200  # the middle square; what is above and below must not be seen
    one = parquet(tall)
    files = {f"img_align+identity+attr/train-{i:05}-of-00019.parquet": one for i in range(4)}
    files["img_align+identity+attr/test-00000-of-00003.parquet"] = one
    put(data_dir, "flwrlabs/celeba", files)
    data = load("celeba")
    assert data.x.shape == (32, 3, 64, 64) and (data.x == 200).all()


def test_the_order_of_looking(data_dir: Path, tmp_path: Path):
    """AIGC_DATA_DIR first, then what was downloaded, then the Hub cache; an incomplete place is passed over."""
    snapshot = tmp_path / "hub" / "datasets--ylecun--mnist" / "snapshots" / ("a" * 40)
    put(snapshot, "", tiny_mnist(31))
    assert len(load("mnist")) == 31
    put(tmp_path / "home" / "cache" / "downloads", "ylecun/mnist", tiny_mnist(32))
    assert len(load("mnist")) == 32
    put(data_dir, "ylecun/mnist", {"mnist/train-00000-of-00001.parquet": tiny_mnist(33)["mnist/train-00000-of-00001.parquet"]})
    assert len(load("mnist")) == 32
    put(data_dir, "ylecun/mnist", tiny_mnist(33))
    assert len(load("mnist")) == 33


def test_a_shard_that_is_missing_is_missed():
    source = Source("a/b", "c")
    names = [f"train-{i:05}-of-00003.parquet" for i in range(3)] + ["test-00000-of-00001-0123abcd.parquet", "README.md"]
    assert source.pick(names) == {"train": names[:3], "test": [names[3]]}
    for i in range(4):
        assert source.pick(names[:i] + names[i + 1 :]) is None
    assert source.pick([]) is None


def test_changed_files_are_decoded_anew_and_the_old_pixels_go(data_dir: Path):
    put(data_dir, "ylecun/mnist", tiny_mnist(30))
    load("mnist")
    put(data_dir, "ylecun/mnist", tiny_mnist(31))
    assert len(load("mnist")) == 31
    assert len(list(decoded_folder().iterdir())) == 1


def test_damaged_kept_pixels_are_made_anew(data_dir: Path):
    put(data_dir, "ylecun/mnist", tiny_mnist(30))
    load("mnist")
    (kept,) = decoded_folder().iterdir()
    kept.write_bytes(kept.read_bytes()[:-100])
    assert load("mnist").x.shape == (30, 1, 28, 28)


def test_a_cache_that_cannot_be_written_costs_only_time(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    put(data_dir, "ylecun/mnist", tiny_mnist(30))
    monkeypatch.setattr("aigc.data.decoded.save_file", full)
    assert len(load("mnist")) == 30


def test_what_progress_raises_stops_the_decoding(data_dir: Path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    put(data_dir, "ylecun/mnist", tiny_mnist(30))
    with pytest.raises(KeyboardInterrupt):
        load("mnist", progress=stop)
    assert len(load("mnist")) == 30


# what is not a dataset is refused before anything is trained


def _without_bytes() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"image": pa.array([b"x"] * 20), "label": pa.array([0] * 20)}), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("train", "says"),
    [
        (b"", "not a readable parquet"),
        (b"PAR1" + bytes(500) + b"PAR1", "not a readable parquet"),
        (parquet(pixels(20), [0] * 20)[:-3000], "not a readable parquet"),
        (parquet(pixels(20)), "not a readable parquet"),  # no labels
        (_without_bytes(), "not a readable parquet"),
        (parquet(pixels(0), []), "holds no pictures"),
        (parquet(pixels(1), [0]), "one label|at least two"),
        (parquet(pixels(20), [3] * 20), "one label"),
        (parquet(pixels(20), [0, 10] * 10), "outside its 10 classes"),
        (parquet(pixels(20), [-1, 1] * 10), "outside its 10 classes"),
        (parquet(pixels(20, side=32), [0, 1] * 10), "not 28×28"),
    ],
)
def test_files_that_are_no_dataset_are_refused_in_words(data_dir: Path, train: bytes, says: str):
    put(data_dir, "ylecun/mnist", {**tiny_mnist(), "mnist/train-00000-of-00001.parquet": train})
    with pytest.raises(Refusal, match=says) as refusal:
        load("mnist")
    assert "\n" not in refusal.value.words.en and refusal.value.words.zh.endswith("。")


def with_a_damaged_picture() -> bytes:
    """Twenty pictures, of which the eighth is cut short."""
    good = [{"bytes": encoded(p), "path": None} for p in pixels(20)]
    good[7]["bytes"] = good[7]["bytes"][:60]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"image": pa.array(good), "label": pa.array([0, 1] * 10)}), sink)
    return sink.getvalue().to_pybytes()


def test_a_damaged_picture_is_named(data_dir: Path):
    put(data_dir, "ylecun/mnist", {**tiny_mnist(), "mnist/train-00000-of-00001.parquet": with_a_damaged_picture()})
    with pytest.raises(Refusal, match="Picture 8 of train-00000"):
        load("mnist")


def test_a_damaged_picture_is_counted_in_its_own_file(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.data.decode.ROWS", 6)
    files = parquet(pixels(5), [0] * 5), with_a_damaged_picture()
    shards = {f"mnist/train-{i:05}-of-00002.parquet": file for i, file in enumerate(files)}
    put(data_dir, "ylecun/mnist", {**shards, "mnist/test-00000-of-00001.parquet": parquet(pixels(10), [0] * 10)})
    with pytest.raises(Refusal, match="Picture 8 of train-00001"):
        load("mnist")


def test_links_to_files_that_have_gone_are_no_dataset(data_dir: Path, tmp_path: Path):
    """Of the Hub's cache the blobs can be deleted, and the links of a snapshot stay."""
    snapshot = tmp_path / "hub" / "datasets--ylecun--mnist" / "snapshots" / ("a" * 40)
    put(snapshot, "", tiny_mnist(31))
    (snapshot / "mnist" / "train-00000-of-00001.parquet").unlink()
    (snapshot / "mnist" / "train-00000-of-00001.parquet").symlink_to(tmp_path / "gone")
    assert not availability("mnist").here
    with pytest.raises(Refusal, match="HF_HUB_OFFLINE"):
        load("mnist")


def test_an_empty_folder_is_as_good_as_none(data_dir: Path):
    (data_dir / "ylecun" / "mnist" / "mnist").mkdir(parents=True)
    assert not availability("mnist").here
    with pytest.raises(Refusal, match="HF_HUB_OFFLINE"):
        load("mnist")


def test_a_dataset_of_the_wrong_kind_cannot_be_made():
    s = spec("digits")
    good = torch.zeros(10, 1, 8, 8, dtype=torch.uint8)
    Dataset(s, good, None, good, None)
    for bad in (good.float(), good[:, :, :7], good[0]):
        with pytest.raises(ValueError, match="digits"):
            Dataset(s, bad, None, good, None)
    with pytest.raises(ValueError, match="labels"):
        Dataset(s, good, torch.zeros(9, dtype=torch.int64), good, None)
    with pytest.raises(Refusal, match="at least two"):
        Dataset(s, good[:1], None, good, None)
