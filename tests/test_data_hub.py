"""Downloads, from a Hub that misbehaves in every way we could think of."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from data_files import pixels, tiny_mnist
from fake_hub import FakeHub

from aigc.data import availability, fetch
from aigc.data.load import load
from aigc.data.sources import Progress, downloads_folder
from aigc.words import Refusal

TRAIN, TEST = "mnist/train-00000-of-00001.parquet", "mnist/test-00000-of-00001.parquet"


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(fetch, "STALL_SECONDS", 0.5)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub({"datasets/ylecun/mnist": tiny_mnist()}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def sizes(hub: FakeHub) -> tuple[int, int]:
    files = hub.repos["datasets/ylecun/mnist"]
    return len(files[TRAIN]), len(files[TEST])


def partials() -> list[Path]:
    return list(downloads_folder().rglob("*.partial"))


def stopped_at(most: int) -> Progress:
    """Somebody ends the process when so many bytes are here."""

    def stop(done: int, total: int) -> None:
        if done >= most:
            raise KeyboardInterrupt

    return stop


def refused(hub: FakeHub | None = None) -> str:
    """What a person is told; it names the dataset and offers a way out."""
    with pytest.raises(Refusal) as refusal:
        load("mnist")
    words = refusal.value.words
    assert "MNIST" in words.en and "MNIST" in words.zh
    assert "Traceback" not in words.en and not (hub and "Error" in words.en)
    return words.en


def test_first_download_tells_its_progress_and_brings_the_very_pixels(hub: FakeHub):
    assert not availability("mnist").here and availability("mnist").download_bytes > 10**7
    told: list[tuple[int, int]] = []
    data = load("mnist", progress=lambda done, total: told.append((done, total)))
    np.testing.assert_array_equal(data.x.permute(0, 2, 3, 1).numpy(), pixels(400))
    assert data.labels is not None and data.labels.tolist() == [i % 10 for i in range(400)]
    assert len(data.test_x) == 10 and data.spec.count == 400
    total = sum(sizes(hub))
    download = told[: told.index((total, total)) + 1]
    assert len(download) > 4 and {t for _, t in download} == {total}
    assert [d for d, _ in download] == sorted(d for d, _ in download)
    assert told[-1][0] <= told[-1][1]
    assert availability("mnist").here and not partials()


def test_second_load_asks_the_network_nothing(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    first = load("mnist")
    hub.requests.clear()
    monkeypatch.setattr("aigc.data.decode.decode", None)  # nor does it decode again
    assert load("mnist").x.equal(first.x)
    assert not hub.requests


def test_a_cut_connection_is_resumed_where_it_broke(hub: FakeHub):
    hub.faults.cut_after = [10_000, 5_000]
    load("mnist")
    assert hub.fetched() == ["bytes=0-", "bytes=10000-", "bytes=15000-", "bytes=0-"]


def test_a_killed_download_is_resumed_by_the_next_process(hub: FakeHub):
    with pytest.raises(KeyboardInterrupt):
        load("mnist", progress=stopped_at(100_000))
    (partial,) = partials()
    had = partial.stat().st_size
    assert 0 < had < sizes(hub)[0]
    hub.requests.clear()
    told: list[int] = []
    load("mnist", progress=lambda done, total: told.append(done))
    assert hub.fetched()[0] == f"bytes={had}-"
    assert told[0] > had
    assert not partials()


def test_a_server_without_ranges_is_asked_for_everything_again(hub: FakeHub):
    hub.faults.cut_after, hub.faults.no_ranges = [10_000], True
    np.testing.assert_array_equal(load("mnist").x.permute(0, 2, 3, 1).numpy(), pixels(400))


def test_a_partial_file_longer_than_the_whole_is_not_used(hub: FakeHub):
    hub.faults.cut_after = [10_000] * 4
    refused()
    (partial,) = partials()
    partial.write_bytes(bytes(sizes(hub)[0] + 5))
    hub.faults.cut_after = []
    assert "checksum" in refused()
    assert len(load("mnist")) == 400


def test_a_wrong_checksum_deletes_the_file_and_says_so(hub: FakeHub):
    hub.faults.wrong_sums = True
    assert "wrong checksum" in refused(hub)
    assert not partials() and not list(downloads_folder().rglob("*.parquet"))
    hub.faults.wrong_sums = False
    assert len(load("mnist")) == 400


def test_bytes_damaged_on_the_way_are_noticed_and_fetched_anew(hub: FakeHub):
    hub.faults.cut_after = [10_000] * 3
    refused()
    (partial,) = partials()
    content = bytearray(partial.read_bytes())
    content[5000] ^= 1
    partial.write_bytes(content)
    assert "wrong checksum" in refused(hub)
    assert len(load("mnist")) == 400


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "no longer"), (503, "in a few minutes"), (429, "in a few minutes"), (500, "in a few minutes")],
)
def test_what_the_server_answers_becomes_a_sentence(hub: FakeHub, status: int, says: str):
    hub.faults.always = status
    words = refused(hub)
    assert says in words and str(status) in words
    assert len(hub.requests) == (1 if status in (401, 403, 404) else fetch.TRIES)


def test_a_server_that_is_busy_for_a_moment_is_asked_again(hub: FakeHub):
    hub.faults.statuses = [503, 0, 503, 502]
    assert len(load("mnist")) == 400


def test_a_repository_that_lost_its_files(hub: FakeHub):
    del hub.repos["datasets/ylecun/mnist"][TEST]
    assert "no longer" in refused(hub)
    hub.repos.clear()
    assert "HF_TOKEN" in refused(hub)


def test_a_login_page_is_not_a_hub(hub: FakeHub):
    hub.faults.login_page = True
    assert "does not answer" in refused(hub)


def test_offline_says_so_at_once_and_asks_nothing(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE" in refused(hub)
    assert not hub.requests
    assert not availability("mnist").here and availability("mnist").download_bytes == 0


def test_without_leave_nothing_is_downloaded(hub: FakeHub):
    with pytest.raises(Refusal, match="18 MB"):
        load("mnist", download=False)
    assert not hub.requests


def test_no_network_ends_soon_and_names_the_way_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    began = time.monotonic()
    words = refused()
    assert time.monotonic() - began < 5
    assert "HF_ENDPOINT" in words and "127.0.0.1:9" in words


def test_a_server_that_falls_silent_is_given_up_in_bounded_time(hub: FakeHub):
    hub.faults.silent_after, hub.faults.chunk = 0, 1000
    began = time.monotonic()
    assert "does not answer" in refused(hub)
    assert fetch.TRIES * 0.4 < time.monotonic() - began < 8
    assert partials()


def test_a_trickle_is_given_up_too(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "STALL_SECONDS", 0.2)
    hub.faults.chunk, hub.faults.seconds_a_chunk = 20, 0.05  # never silent for long, and 400 bytes a second
    began = time.monotonic()
    assert "does not answer" in refused(hub)
    assert time.monotonic() - began < 20


def test_a_slow_server_is_waited_for(hub: FakeHub):
    hub.faults.chunk, hub.faults.seconds_a_chunk = 65_536, 0.3
    assert len(load("mnist")) == 400


def test_two_at_once_fetch_every_byte_once(hub: FakeHub):
    hub.faults.chunk, hub.faults.seconds_a_chunk = 16_384, 0.05
    failures: list[BaseException] = []

    def one() -> None:
        try:
            load("mnist")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert hub.fetched() == ["bytes=0-"] * 2


def test_a_full_disk_is_noticed_before_it_is_filled(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.data.remote.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    assert "make room" in refused(hub)
    assert not hub.fetched()


def test_what_has_arrived_needs_no_room_again(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(KeyboardInterrupt):
        load("mnist", progress=stopped_at(100_000))
    (partial,) = partials()
    left = sum(sizes(hub)) - partial.stat().st_size
    disk = type("Usage", (), {"free": left})
    monkeypatch.setattr("aigc.data.remote.shutil.disk_usage", lambda _: disk)
    assert "make room" in refused(hub)
    disk.free = int(left * 1.06)
    assert disk.free < sum(sizes(hub))
    load("mnist")


def test_a_folder_that_cannot_be_written(hub: FakeHub, aigc_home: Path):
    (aigc_home / "cache").write_text("a file where a folder should be")
    assert "cannot be stored" in refused(hub)


def test_the_token_goes_to_the_hub_and_is_never_shown(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    hub.faults.always = 403
    assert "hf_canary" not in refused(hub)
    assert hub.requests[0][3] == "Bearer hf_canary"


def test_the_second_best_source_is_downloaded_and_resized(hub: FakeHub):
    """fairface64 is looked for as local/fairface64, and made from HuggingFaceM4/FairFace where that is not there."""
    from data_files import parquet

    faces = pixels(20, side=100, channels=3)
    hub.repos["datasets/HuggingFaceM4/FairFace"] = {
        "0.25/train-00000-of-00002-d405faba4f4b9b85.parquet": parquet(faces[:8], [0] * 8, label="age"),
        "0.25/train-00001-of-00002-dd3cb68164727418.parquet": parquet(faces[8:16], [0] * 8, label="age"),
        "0.25/validation-00000-of-00001-951dbd63c8724ee1.parquet": parquet(faces[16:], [0] * 4, label="age"),
        "1.25/train-00000-of-00001.parquet": b"not wanted",
    }
    data = load("fairface64")
    assert data.x.shape == (16, 3, 64, 64) and data.test_x.shape == (4, 3, 64, 64) and data.labels is None
    assert not any("1.25" in path for _, path, _, _ in hub.requests if "resolve" in path)


def test_huggingface_hub_itself_is_served(tmp_path: Path):
    """The fake is close enough to the real thing for the library that the other parts use.  (It reads HF_* once, at import.)"""
    import os
    import subprocess
    import sys

    with FakeHub({"someone/model": {"config.json": b"{}", "sub/weights.bin": b"x" * 100_000}}) as server:
        code = (
            "from huggingface_hub import hf_hub_download, snapshot_download as s; import pathlib;"
            "p = pathlib.Path(s('someone/model')); assert (p/'sub/weights.bin').stat().st_size == 100_000;"
            "hf_hub_download('someone/model', 'config.json')"
        )
        env = {**os.environ, "HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
