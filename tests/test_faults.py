"""Real trainings that are killed, starved and lied to: what they learn in the end is what an undisturbed one learns, bit for bit."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from workers import exact

from aigc.data import own
from aigc.home import home, models_folder, runs_folder, uploads_folder
from aigc.jobs import checkpoints
from aigc.jobs.crew import Patience
from aigc.jobs.processes import Holder, environment
from aigc.jobs.request import checked
from aigc.jobs.runs import Request, Run
from aigc.jobs.states import State
from aigc.jobs.supervisor import Supervisor
from aigc.registry import entry, load, spec_as_json, verify

pytestmark = pytest.mark.slow
WAIT = 120.0  # seconds; this machine may be busy
IMAGES = 16 * 150

SMALL: dict[str, dict[str, Any]] = {
    "vae": {"network": "dense", "width": 32, "layers": 1, "latent": 4},
    "autoencoder": {"network": "dense", "width": 32, "layers": 1, "latent": 4},
    "gan": {"network": "dense", "width": 32, "layers": 1},
    "diffusion": {"network": "dense", "width": 16, "depth": 1},
}


class Exact:
    """Starts real trainings; see workers/exact.py."""

    def __init__(self) -> None:
        known = environment() | {"OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen([sys.executable, exact.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=known)

    def start(self, run: Run, *how: str) -> Holder:
        """Begin or go on, as the supervisor would."""
        run.move(State.INTERRUPTED)
        run.move(State.QUEUED)
        run.move(State.STARTING)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(" ".join([str(home()), run.id, *how]) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        return Holder.of(pid) or Holder(pid, "gone", "gone")

    def finish(self, run: Run, *how: str) -> Run:
        wait_for_end(self.start(run, *how))
        return run


@pytest.fixture(scope="module")
def trainer() -> Iterator[Exact]:
    made = Exact()
    yield made
    assert made.process.stdin
    made.process.stdin.close()
    made.process.wait(WAIT)


def new_run(technique: str = "vae", seed: int = 0, images: int = IMAGES, config: dict[str, Any] | None = None, **options: Any) -> Run:
    wanted = SMALL[technique] | (config or {})
    request = Request(technique, "digits", wanted, {"seconds": 0.0, "images": images, "batch": 16, "seed": seed, **options}, device="cpu")
    request, spec = checked(request)
    return Run.create(request, spec_as_json(spec))


def wait_for_end(holder: Holder) -> None:
    until = time.monotonic() + WAIT
    while holder.alive():
        assert time.monotonic() < until, "it never ended"
        time.sleep(0.005)


def images_of(run: Run) -> int:
    return max((e["images"] for e in run.events()[0] if e["kind"] == "step"), default=0)


def wait_until(run: Run, images: int, holder: Holder) -> None:
    while images_of(run) < images and holder.alive():
        time.sleep(0.005)


def weights_of(run: Run) -> str:
    assert run.state is State.FINISHED, run.record
    return entry(run.record["model"]).card.hashes["model.safetensors"]


def losses_of(run: Run) -> list[Any]:
    return [(e["images"], e.get("terms") or e.get("rows")) for e in run.events()[0] if e["kind"] in ("step", "health")]


def assert_same(run: Run, reference: Run) -> None:
    assert losses_of(run) == losses_of(reference)
    assert weights_of(run) == weights_of(reference)
    assert not verify(run.record["model"])


@pytest.mark.parametrize(("technique", "seeds"), [("vae", 10), ("autoencoder", 2), ("gan", 5), ("diffusion", 3)])
def test_killed_at_any_moment_and_resumed_it_learns_the_same_bits(trainer: Exact, technique: str, seeds: int) -> None:
    dice = random.Random(technique)
    struck = resumed = 0
    for seed in range(seeds):
        reference = trainer.finish(new_run(technique, seed))
        run = new_run(technique, seed)
        for _ in range(3):
            holder = trainer.start(run)
            kept = run.kept_images()
            wait_until(run, dice.randint(kept, IMAGES), holder)
            time.sleep(dice.random() * 0.03)
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
            wait_for_end(holder)
            if run.state is State.FINISHED:  # it was faster
                break
            struck += 0 < images_of(run) < IMAGES
            resumed += run.kept_images() > 0
        if run.state is not State.FINISHED:
            trainer.finish(run)
        assert_same(run, reference)
    assert struck >= seeds and resumed >= seeds // 2, "too few of the kills struck in the middle"


def test_different_seeds_do_differ(trainer: Exact) -> None:
    """Otherwise the comparison above proves nothing."""
    one, two = (trainer.finish(new_run(seed=seed)) for seed in (1, 2))
    assert weights_of(one) != weights_of(two) and losses_of(one) != losses_of(two)


@pytest.mark.parametrize("point", ["weights-half:2", "manifest:2", "rename:3", "renamed:2", "prune:3"])
def test_a_crash_inside_a_checkpoint_costs_nothing(trainer: Exact, point: str) -> None:
    reference = trainer.finish(new_run())
    run = trainer.finish(new_run(), f"crash={point}")
    assert run.state is State.RUNNING and 0 < run.kept_images() < IMAGES, "it never crashed"
    assert_same(trainer.finish(run), reference)


def test_a_damaged_checkpoint_is_passed_over_and_that_is_said(trainer: Exact) -> None:
    reference = trainer.finish(new_run())
    run = trainer.finish(new_run(), "crash=prune:3")
    newest = checkpoints.folders(run.folder / "checkpoint")[0]
    data = bytearray((newest / "state.safetensors").read_bytes())
    data[len(data) // 2] ^= 1
    (newest / "state.safetensors").write_bytes(data)
    trainer.finish(run)
    said = [e["words"] for e in run.events()[0] if e["kind"] == "said"]
    assert len(said) == 1 and "damaged" in said[0]["en"] and said[0]["zh"]
    assert_same(run, reference)


def test_with_every_checkpoint_damaged_it_begins_again_and_says_so(trainer: Exact) -> None:
    reference = trainer.finish(new_run())
    run = trainer.finish(new_run(), "crash=prune:3")
    for folder in checkpoints.folders(run.folder / "checkpoint"):
        (folder / "manifest.json").write_text("{}")
    trainer.finish(run)
    assert any("begins again" in e["words"]["en"] for e in run.events()[0] if e["kind"] == "said")
    assert_same(run, reference)


def test_a_full_disk_keeps_what_was_saved_and_is_said_in_words(trainer: Exact) -> None:
    wide = {"width": 256, "layers": 2}
    reference = trainer.finish(new_run(config=wide))
    run = trainer.finish(new_run(config=wide), "crash=renamed:1")
    (old,) = checkpoints.folders(run.folder / "checkpoint")
    before = {f.name: f.read_bytes() for f in old.iterdir()}
    trainer.finish(run, f"file={300_000}")
    assert {f.name: f.read_bytes() for f in old.iterdir()} == before
    assert [f.name for f in (run.folder / "checkpoint").iterdir()] == [old.name], "half a checkpoint was left"
    said = [e["words"]["en"] for e in run.events()[0] if e["kind"] == "said"]
    assert len(said) == 1 and "disk is full" in said[0], "said once, and training went on"
    assert images_of(run) >= IMAGES
    record = run.record
    assert record["state"] == "failed" and "disk is full" in record["reason"]["en"] and "磁盘已满" in record["reason"]["zh"]
    assert not list(models_folder().glob("*/model.safetensors")) or record["model"] is None
    assert_same(trainer.finish(run), reference)


def test_a_loss_that_becomes_infinite_stops_in_words_and_what_is_kept_is_finite(trainer: Exact) -> None:
    run = trainer.finish(new_run(images=10**6, optimiser="sgd", learning_rate=1.0, momentum=0.99, warmup_images=2000))
    assert run.state is State.FAILED and "infinite" in run.record["reason"]["en"] and run.record["model"] is None
    loaded = run.load_checkpoint()
    assert loaded, "the last finite checkpoint is kept"
    for tensors in (loaded.weights, loaded.state):
        assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())


def test_out_of_memory_is_said_and_the_next_run_works(trainer: Exact) -> None:
    run = trainer.finish(new_run(images=10**6, config={"width": 1024, "layers": 4}, batch=4096), f"memory={30 << 20}")
    record = run.record
    assert record["state"] == "failed" and "memory" in record["reason"]["en"] and "smaller batch" in record["reason"]["en"]
    assert trainer.finish(new_run()).state is State.FINISHED


def test_a_sigterm_is_a_checkpoint_within_ten_seconds(trainer: Exact) -> None:
    reference = trainer.finish(new_run())
    run = new_run()
    holder = trainer.start(run)
    wait_until(run, IMAGES // 3, holder)
    begun = time.monotonic()
    os.kill(holder.pid, signal.SIGTERM)
    wait_for_end(holder)
    assert time.monotonic() - begun < 10
    assert run.state is State.INTERRUPTED and f"{run.kept_images():,}" in run.record["reason"]["en"]
    assert run.kept_images() == images_of(run), "not a step was lost"
    assert_same(trainer.finish(run), reference)


def test_images_that_became_unreadable_are_explained(trainer: Exact, tmp_path: Path) -> None:
    files = []
    for n in range(12):
        files.append(tmp_path / f"{n}.png")
        Image.fromarray(np.random.default_rng(n).integers(0, 255, (40, 40, 3), np.uint8)).save(files[-1])
    spec = own.add("pictures", files, 28, "")
    request, spec = checked(Request("vae", spec.name, SMALL["vae"], {"seconds": 0.0, "images": 500, "batch": 16}, device="cpu"))
    good = trainer.finish(Run.create(request, spec_as_json(spec)))
    assert good.state is State.FINISHED
    for file in uploads_folder().rglob("*"):
        if file.is_file() and file.suffix != ".json":
            file.write_bytes(file.read_bytes()[:50])
    bad = trainer.finish(Run.create(request, spec_as_json(spec)))
    assert bad.state is State.FAILED and "damaged" in bad.record["reason"]["en"]
    assert not (bad.folder / "error.log").exists(), "explained, not merely survived"


def test_the_real_worker_from_the_first_click_to_the_model(aigc_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "hf_" + "canary" * 6
    monkeypatch.setenv("HF_TOKEN", canary)
    supervisor = Supervisor(patience=Patience(warm_up=0.0, leave=30.0))
    supervisor.start()
    try:
        _wait_for_rest(psutil.Process())
        begun = time.monotonic()
        run = supervisor.submit(Request("vae", "digits", SMALL["vae"], {"seconds": 0.0, "images": 10**7, "batch": 16}, device="cpu"))
        while not run.events()[0]:
            assert time.monotonic() - begun < WAIT
            time.sleep(0.01)
        first = time.monotonic() - begun
        assert first < 3.0, f"the first event took {first:.1f} s"
        assert [e["kind"] for e in run.events()[0]][:1] == ["preview"]
        wait_until(run, 2000, Holder.me())
        worker = psutil.Process(run.record["holder"]["pid"])
        assert canary not in worker.environ().values()
    finally:
        supervisor.stop()
    assert not worker.is_running()
    assert run.state is State.INTERRUPTED and run.load_checkpoint()
    supervisor = Supervisor(patience=Patience(warm_up=0.0))
    supervisor.start()
    try:
        supervisor.resume(run.id)
        kept = run.kept_images()
        wait_until(run, kept + 1000, Holder.me())
        from aigc.commands import Command, Do

        supervisor.command(run.id, None, Command(Do.STOP))
        until = time.monotonic() + WAIT
        while run.state.live and time.monotonic() < until:
            time.sleep(0.02)
        assert run.state is State.STOPPED and images_of(run) > kept
        first_model = run.record["model"]
        assert load(first_model) and not verify(first_model) and entry(first_model).samples
        supervisor.continue_(run.id, images=1000)
        while run.state is not State.FINISHED and time.monotonic() < until + WAIT:
            time.sleep(0.02)
        assert run.record["model"] == first_model, "going on replaces the model it made before"
        assert entry(first_model).card.images == run.record["images"] and len(list(models_folder().glob("*/config.json"))) == 1
    finally:
        supervisor.stop()
    written = [f for f in home().rglob("*") if f.is_file()]
    assert written and not [f for f in written if canary.encode() in f.read_bytes()]
    assert "Traceback" not in (runs_folder() / "workers.log").read_text()


def _wait_for_rest(process: psutil.Process) -> None:
    """Until the spare has loaded everything and waits."""
    until = time.monotonic() + WAIT
    quiet = 0
    while quiet < 4:
        assert time.monotonic() < until
        children = process.children(recursive=True)
        used = sum(c.cpu_times().user for c in children)
        time.sleep(0.5)
        quiet = quiet + 1 if children and sum(c.cpu_times().user for c in children) - used < 0.02 else 0
