"""Steering trainings: real processes that only count, so that each case takes a second."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from PIL import Image
from toys import Toy, ToyConfig, toy_data
from workers import light

from aigc import data, registry
from aigc.commands import Command, Do
from aigc.data import own
from aigc.home import runs_folder
from aigc.jobs import arena, worker
from aigc.jobs.crew import Patience
from aigc.jobs.files import locked
from aigc.jobs.processes import LOOKS, Holder, environment, share_cores, spare_threads
from aigc.jobs.recovery import sweep
from aigc.jobs.runs import Request, Run, runs
from aigc.jobs.states import State
from aigc.jobs.store import PUBLIC, Limits
from aigc.jobs.supervisor import Supervisor
from aigc.registry import ModelCard, spec_as_json
from aigc.words import Refusal

LIGHT = (sys.executable, str(Path(light.__file__)))
SLACK = 8.0  # seconds more than promised, for a machine that does other things too


def request(images: int = 0, seed: int = 0, owner: str = "", device: str = "cpu", **more: Any) -> Request:
    return Request("gan", "moons", options={"seconds": 0.0, "images": images, "seed": seed}, owner=owner, device=device, **more)


def wait(what: Callable[[], Any], seconds: float = 20.0) -> Any:
    until = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
    return value


def until(run: Run, *states: State, seconds: float = 20.0) -> None:
    wait(lambda: run.state in states or not (run.state.live or any(s.live for s in states)), seconds)
    assert run.state in states, run.record


def learning(run: Run, images: int = 1) -> None:
    wait(lambda: any(e["kind"] == "step" and e["images"] >= images for e in run.events()[0]))


def pid_of(run: Run) -> int:
    holder = Holder.from_json(run.record["holder"])
    assert holder
    return holder.pid


def reason(run: Run) -> str:
    said = run.record["reason"]
    assert said["en"] and said["zh"]
    return said["en"]


@contextlib.contextmanager
def served(**how: Any) -> Iterator[Supervisor]:
    supervisor = Supervisor(**{"command": LIGHT, "patience": Patience(warm_up=0.0), **how})
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        assert not [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE], "a worker was left behind"


@pytest.fixture
def lab(aigc_home: Path) -> Iterator[Supervisor]:
    with served() as supervisor:
        yield supervisor


def test_a_run_is_trained_and_its_folder_tells_all(lab: Supervisor) -> None:
    run = lab.submit(request(images=30))
    until(run, State.FINISHED)
    record = run.record
    assert record["model"] == f"model-{run.id[:6]}" and record["images"] == 30 and record["threads"] >= 1 and record["device"] == "cpu"
    assert record["created"] <= record["started"] <= record["ended"]
    steps = [e["images"] for e in run.events()[0] if e["kind"] == "step"]
    assert steps == list(range(1, 31))
    assert lab.healthy()


def test_others_wait_for_their_turn_and_know_their_place(lab: Supervisor) -> None:
    first, second, third = (lab.submit(request(images=40)) for _ in range(3))
    learning(first)
    assert [lab.place(r.id) for r in (first, second, third)] == [0, 1, 2]
    assert second.state is third.state is State.QUEUED
    until(third, State.FINISHED)
    ended = [r.record["ended"] for r in (first, second, third)]
    assert ended == sorted(ended)
    assert second.record["started"] >= ended[0] - 0.05


def test_a_double_click_is_one_run(lab: Supervisor) -> None:
    one, two = (lab.submit(request(images=5), key="click") for _ in range(2))
    assert one.id == two.id and len(runs()) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"technique": "magic"},
        {"data": "../../etc"},
        {"config": {"r1_weight": float("nan")}},
        {"config": {"r1_weight": 1e9}},
        {"config": {"nonsense": 1}},
        {"options": {"batch": 2.5}},
        {"name": "../x"},
        {"name": "<img src=x onerror=alert(1)>"},
        {"device": "toaster"},
        {"preset": "fastest"},
        {"config": {"conditional": True}, "data": "own-none"},
    ],
)  # fmt: skip
def test_nothing_is_started_from_what_makes_no_sense(lab: Supervisor, bad: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        lab.submit(Request(**{"technique": "gan", "data": "moons", **bad}))
    assert refusal.value.words.en and refusal.value.words.zh
    assert runs() == []


def test_data_that_are_not_here_are_refused_before_the_start(lab: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(runs_folder() / "nothing"))
    monkeypatch.setenv("HF_HUB_CACHE", str(runs_folder() / "nothing"))
    with pytest.raises(Refusal) as refusal:
        lab.submit(Request("vae", "celeba", preset="quick"))
    assert "celeba" in refusal.value.words.en.lower() or "CelebA" in refusal.value.words.en
    assert runs() == []


def test_a_preset_is_written_out_in_full(lab: Supervisor) -> None:
    run = lab.submit(Request("vae", "digits", preset="quick", options={"seconds": 0.0, "images": 3}))
    asked = run.request
    assert asked.options["images"] == 3 and "learning_rate" in asked.options and "latent" in asked.config and asked.preset == "quick"


def test_pause_set_step_and_go_on(lab: Supervisor) -> None:
    run = lab.submit(request())
    learning(run)
    lab.command(run.id, None, Command(Do.PAUSE))
    until(run, State.PAUSED)
    with pytest.raises(Refusal):
        lab.command(run.id, None, Command(Do.SET, ["latent", 3]))  # no live knob
    with pytest.raises(Refusal):
        lab.command(run.id, None, Command(Do.SET, ["r1_weight", "nan"]))
    lab.command(run.id, None, Command(Do.SET, ["r1_weight", 2.0]))
    wait(lambda: any(e["kind"] == "said" for e in run.events()[0]))
    lab.command(run.id, None, Command(Do.RESUME))
    until(run, State.RUNNING)
    lab.command(run.id, None, Command(Do.STOP))
    until(run, State.STOPPED)
    assert run.record["model"]
    with pytest.raises(Refusal):
        lab.command(run.id, None, Command(Do.PAUSE))


def test_stop_in_every_state_and_twice(lab: Supervisor) -> None:
    running, queued = lab.submit(request()), lab.submit(request())
    learning(running)
    for _ in range(2):
        lab.command(queued.id, None, Command(Do.STOP))
    assert queued.state is State.STOPPED and lab.place(queued.id) == 0
    begun = time.monotonic()
    for _ in range(3):
        lab.command(running.id, None, Command(Do.STOP))
    assert running.state in (State.STOPPING, State.STOPPED)
    until(running, State.STOPPED)
    assert time.monotonic() - begun < 1.0 + SLACK
    assert running.record["model"], "what was learnt is kept"
    lab.command(running.id, None, Command(Do.STOP))
    starting = lab.submit(request())
    lab.command(starting.id, None, Command(Do.STOP))
    until(starting, State.STOPPED)
    with pytest.raises(Refusal):
        lab.command(queued.id, None, Command(Do.RESUME))


def test_what_does_not_obey_is_ended_by_force(aigc_home: Path) -> None:
    with served(patience=Patience(warm_up=0.0, stop=0.5)) as lab:
        run = lab.submit(request(seed=light.DEAF))
        learning(run, 5)
        lab.command(run.id, None, Command(Do.STOP))
        until(run, State.STOPPED)
        assert "by force" in reason(run)


def test_what_measures_is_given_time_to_hear(aigc_home: Path) -> None:
    with served(patience=Patience(warm_up=0.0, stop=0.5)) as lab:
        run = lab.submit(request(seed=light.DEAF))
        learning(run, 5)
        run.update(measuring=True)
        lab.command(run.id, None, Command(Do.STOP))
        time.sleep(3)
        assert run.state is State.STOPPING
        run.update(measuring=False)
        until(run, State.STOPPED)


def test_what_obeys_slowly_is_left_alone(aigc_home: Path) -> None:
    with served(patience=Patience(warm_up=0.0, stop=0.5)) as lab:
        run = lab.submit(request(seed=light.OBEYS_SLOWLY))
        learning(run, 5)
        lab.command(run.id, None, Command(Do.STOP))
        until(run, State.STOPPED)
        assert run.record["model"] and run.record["reason"] is None


@pytest.mark.parametrize(("busy", "spare", "looks"), [([0], 4, 1), ([99, 60, 2], 4, 3), ([99, 60, 50, 55, 70], 2, LOOKS), ([100] * LOOKS, 1, LOOKS)])
def test_a_core_that_is_only_busy_for_a_moment_is_spare(busy: list[int], spare: int, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter(busy)
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: next(seen))
    monkeypatch.setattr(psutil, "cpu_count", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert spare_threads() == spare and len(busy) - len(list(seen)) == looks


def test_where_a_share_of_the_machine_is_ours_the_rest_may_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 100)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert spare_threads() == 4


def test_a_run_goes_on_only_with_data_that_are_still_its_owners(lab: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    run = lab.submit(request(owner="ann"))
    learning(run)
    lab.command(run.id, None, Command(Do.STOP))
    until(run, State.STOPPED)
    run.update(state=State.INTERRUPTED.value)
    everybodys = data.specs()
    monkeypatch.setattr(data, "specs", lambda owner=None: {} if owner else everybodys)
    with pytest.raises(Refusal, match="belongs to someone else"):
        lab.resume(run.id)


def test_a_run_can_go_on(lab: Supervisor) -> None:
    run = lab.submit(request(images=500))
    learning(run, 3)
    assert lab.continue_(run.id, None, images=5).id == run.id and run.request.options["images"] == 500, "it has not ended yet"
    lab.command(run.id, None, Command(Do.STOP))
    until(run, State.STOPPED)
    assert lab.resume(run.id, None).id == run.id
    assert lab.resume(run.id, None).id == run.id, "twice is once"
    learning(run, 3)
    assert run.record["reason"] is None and len(runs()) == 1
    lab.command(run.id, None, Command(Do.STOP))
    until(run, State.STOPPED)


def test_a_finished_run_can_be_given_more(lab: Supervisor) -> None:
    run = lab.submit(request(images=10))
    until(run, State.FINISHED)
    with pytest.raises(Refusal):
        lab.resume(run.id, None)
    for nothing in ({}, {"seconds": -1}, {"images": float("nan")}, {"images": "many"}):
        with pytest.raises(Refusal):
            lab.continue_(run.id, None, **nothing)
    lab.continue_(run.id, None, images=20)
    until(run, State.FINISHED)
    assert run.request.options["images"] == 30 and run.request.options["seconds"] == 0


ENDINGS = {
    light.NO_MEMORY: (State.FAILED, "memory"),
    light.SURPRISE: (State.FAILED, "unexpected error"),
    light.REFUSES: (State.FAILED, "infinite"),
    light.CRASHES: (State.FAILED, "ended unexpectedly"),
    light.FULL: (State.FAILED, "disk is full"),
}


@pytest.mark.parametrize("seed", ENDINGS)
def test_what_went_wrong_is_said_in_a_sentence_and_the_next_run_works(lab: Supervisor, seed: int) -> None:
    run, after = lab.submit(request(images=20, seed=seed)), lab.submit(request(images=20))
    until(after, State.FINISHED)
    state, words = ENDINGS[seed]
    assert run.state is state and words in reason(run)
    public = (run.folder / "run.json").read_text() + (run.folder / "log.jsonl").read_text()
    assert "Traceback" not in public and "hf_secret" not in public and str(run.folder) not in public
    if seed == light.SURPRISE:
        assert "Traceback" in (run.folder / "error.log").read_text()


def test_a_kill_from_outside_is_not_taken_for_success(lab: Supervisor) -> None:
    run = lab.submit(request())
    learning(run)
    os.kill(pid_of(run), signal.SIGKILL)
    until(run, State.INTERRUPTED, seconds=15)
    assert "by the system" in reason(run) and "memory" in reason(run)
    assert run.state.resumable


@pytest.mark.parametrize("how", ["stopped", light.HANGS])
def test_a_hang_is_noticed(aigc_home: Path, how: Any) -> None:
    with served(patience=Patience(warm_up=0.0, stalled=2.5)) as lab:
        run = lab.submit(request(seed=0 if how == "stopped" else how))
        learning(run, 5)
        if how == "stopped":
            os.kill(pid_of(run), signal.SIGSTOP)
        until(run, State.STALLED)
        assert "no sign of life" in reason(run)


@pytest.mark.slow
def test_hard_work_without_a_step_is_not_a_hang(aigc_home: Path) -> None:
    with served(patience=Patience(warm_up=0.0, stalled=2.5, stop=0.2)) as lab:
        run = lab.submit(request(seed=light.SPINS))
        learning(run, 5)
        time.sleep(5)
        assert run.state is State.RUNNING
        lab.command(run.id, None, Command(Do.STOP))
        until(run, State.STOPPED)


def test_a_sigterm_to_the_worker_is_a_checkpoint_and_a_clean_end(lab: Supervisor) -> None:
    run = lab.submit(request())
    learning(run, 3)
    process = psutil.Process(pid_of(run))
    process.terminate()
    until(run, State.INTERRUPTED, seconds=10)
    assert run.kept_images() >= 3 and f"image {run.kept_images()}" in reason(run)


def test_a_server_that_stops_leaves_everything_to_be_found_again(aigc_home: Path) -> None:
    with served() as lab:
        working, waiting = lab.submit(request()), lab.submit(request(images=10))
        learning(working, 3)
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    assert working.state is State.INTERRUPTED and working.kept_images() >= 3 and waiting.state is State.QUEUED
    with served() as lab:
        until(waiting, State.FINISHED)
        lab.resume(working.id, None)
        learning(working, working.kept_images() + 2)
        assert working.events()[0][0]["images"] == 1
        images = [e["images"] for e in working.events()[0] if e["kind"] == "step"]
        assert images == sorted(set(images)), "the log goes on from the checkpoint without repeating"


SERVER = """
import sys, time
from aigc.jobs.crew import Patience
from aigc.jobs.supervisor import Supervisor
from aigc.words import Refusal
supervisor = Supervisor(command=(sys.executable, sys.argv[1]), patience=Patience(warm_up=0.0))
try:
    supervisor.start()
except Refusal as refusal:
    print(refusal.words.en)
    sys.exit(2)
print("up", flush=True)
time.sleep(600)
"""


def another_server() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SERVER, LIGHT[1]], stdout=subprocess.PIPE, text=True, env={**environment()})


def test_a_second_server_on_this_home_is_refused(lab: Supervisor) -> None:
    second = another_server()
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 2 and "already using" in said and str(runs_folder()) in said


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AIGC_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(Refusal) as refusal:
        Supervisor(command=LIGHT).start()
    assert "AIGC_HOME" in refusal.value.words.en


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_worker_that_cannot_even_say_so_ends_with_the_code_of_a_full_disk(aigc_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(request())
    monkeypatch.setattr(worker, "run_job", _full)
    monkeypatch.setattr(worker.traceback, "print_exc", _full)  # its output goes to the same disk
    monkeypatch.setattr(worker.os, "dup2", lambda *_: None)
    assert worker._serve_one(run, threading.Event(), None) == errno.ENOSPC  # type: ignore[arg-type]


def test_a_full_disk_is_not_told_to_the_log_every_second(lab: Supervisor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    looks: list[int] = []
    with monkeypatch.context() as m:
        m.setattr(lab._dispatcher, "_look", lambda: looks.append(1) or _full())
        wait(lambda: lab._dispatcher.wake() or len(looks) >= 4)
    assert lab.healthy() and [record.getMessage().partition(":")[0] for record in caplog.records] == ["the disk is full"]


def test_a_full_disk_is_a_sentence_to_who_asks(lab: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.jobs import runs as module

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/a/secret/path")

    monkeypatch.setattr(module, "write_whole", full)
    with pytest.raises(Refusal) as refusal:
        lab.submit(request())
    assert "disk is full" in refusal.value.words.en and "/" not in refusal.value.words.en
    assert not [f for f in runs_folder().iterdir() if f.is_dir()]


@pytest.mark.slow
def test_a_killed_server_takes_its_workers_along_and_the_next_one_knows(aigc_home: Path) -> None:
    server = another_server()
    assert server.stdout and server.stdout.readline() == "up\n"
    run = Run.create(request())
    from aigc.jobs.store import Store

    Store().enqueue(run.id, device="cpu")
    learning(run, 3)
    worker = psutil.Process(pid_of(run))
    family = [worker, *psutil.Process(server.pid).children(recursive=True)]
    server.kill()
    server.wait()
    _, alive = psutil.wait_procs(family, timeout=5 + SLACK)
    assert not alive, "orphans"
    with served() as lab:
        assert run.state is State.INTERRUPTED and "server stopped" in reason(run)
        lab.resume(run.id, None)
        learning(run, run.kept_images() + 1)


@pytest.mark.slow
def test_a_stopped_worker_of_a_killed_server_is_ended_by_the_next(aigc_home: Path) -> None:
    server = another_server()
    assert server.stdout and server.stdout.readline() == "up\n"
    run = Run.create(request())
    from aigc.jobs.store import Store

    Store().enqueue(run.id, device="cpu")
    learning(run, 3)
    worker = psutil.Process(pid_of(run))
    worker.suspend()
    server.kill()
    server.wait()
    with served(patience=Patience(warm_up=0.0, stalled=1.5, start=3.0)):
        until(run, State.STALLED)
        psutil.wait_procs([worker], timeout=5)
        assert not worker.is_running()


def test_everyone_steers_only_their_own(aigc_home: Path) -> None:
    with served(single_user=False, limits=PUBLIC) as lab:
        run = lab.submit(Request("gan", "moons", options={"seconds": 60.0}, owner="a" * 32, device="cpu"))
        assert lab.may("a" * 32, run)
        for stranger in (None, "", "b" * 32, run.id, "nobody"):
            assert not lab.may(stranger, run)
            for ask in (
                lambda o=stranger: lab.command(run.id, o, Command(Do.STOP)),
                lambda o=stranger: lab.resume(run.id, o),
                lambda o=stranger: lab.continue_(run.id, o, seconds=1),
                lambda o=stranger: lab.delete(run.id, o),
            ):
                with pytest.raises(Refusal):
                    ask()
        shell = Run.create(request())
        assert not lab.may("", shell) and not lab.may(None, shell)
        lab.command(run.id, "a" * 32, Command(Do.STOP))
        until(run, State.STOPPED)


def test_strangers_have_limits(aigc_home: Path) -> None:
    with served(single_user=False, limits=PUBLIC) as lab:
        for seconds in (0.0, 1e6):
            with pytest.raises(Refusal):
                lab.submit(Request("gan", "moons", options={"seconds": seconds}, owner="a"))
        asked = [Request("gan", "moons", options={"seconds": 60.0, "images": 100}, owner="a", device="cpu") for _ in range(4)]
        first = lab.submit(asked[0])
        learning(first)
        for one in asked[1:]:
            lab.submit(one)
        with pytest.raises(Refusal) as refusal:
            lab.submit(asked[0])
        assert "waiting" in refusal.value.words.en
        other = lab.submit(Request("gan", "moons", options={"seconds": 60.0, "images": 5}, owner="b", device="cpu"))
        assert lab.place(other.id) == 1, "b has had nothing yet"
        assert len(runs()) == 5, "what was refused left no folder"


@pytest.mark.parametrize("strangers", [True, False])
def test_a_paused_run_makes_way_for_strangers_who_wait_and_goes_on_later(aigc_home: Path, strangers: bool) -> None:
    limits = Limits(seconds=1800.0) if strangers else None
    with served(limits=limits, patience=Patience(warm_up=0.0, paused=1.5)) as lab:
        options = {"seconds": 60.0, "images": 0}
        run = lab.submit(Request("gan", "moons", options=options, device="cpu"))
        learning(run, 5)
        lab.command(run.id, None, Command(Do.PAUSE))
        until(run, State.PAUSED)
        time.sleep(2.5)
        assert run.state is State.PAUSED, "nobody waits"
        other = lab.submit(Request("gan", "moons", options={**options, "images": 20}, device="cpu"))
        if not strangers:
            time.sleep(3)
            assert run.state is State.PAUSED and other.state is State.QUEUED
            lab.command(run.id, None, Command(Do.STOP))
            return
        until(other, State.FINISHED)
        assert run.state is State.INTERRUPTED and "made way" in reason(run)
        kept = run.kept_images()
        assert kept >= 5
        lab.resume(run.id, None)
        learning(run, kept + 1)


def test_a_refusal_to_go_on_changes_nothing(aigc_home: Path) -> None:
    with served(limits=Limits(waiting=0)) as lab:
        run = Run.create(request())
        run.move(State.STOPPED)
        before = run.record
        with pytest.raises(Refusal):
            lab.resume(run.id, None)
        assert run.record == before


def test_the_page_gives_way_and_a_training_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "GOMP_SPINCOUNT"
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    for said, page, training_ in (("", "20000", None), ("5", "5", "5")):  # who has said otherwise is heard
        monkeypatch.setenv(name, said)
        if not said:
            monkeypatch.delenv(name)
        share_cores()
        assert os.environ[name] == page and environment().get(name) == training_
    monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    share_cores()
    assert name not in os.environ


def test_a_worker_knows_no_secrets(lab: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "hf_" + "canary" * 6
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "AIGC_PASSWORD", "PYTORCH_API_KEY", "GITHUB_TOKEN", "MY_OWN"):
        monkeypatch.setenv(name, canary)
    assert canary not in environment().values()
    with contextlib.suppress(AssertionError):
        lab.stop()
    with served() as again:
        run = again.submit(request())
        learning(run)
        inside = psutil.Process(pid_of(run)).environ()
        assert canary not in inside.values() and inside["HF_HUB_DISABLE_IMPLICIT_TOKEN"] == "1" and inside["AIGC_HOME"]
        assert psutil.Process(pid_of(run)).nice() == 5 or os.nice(0) > 0
        assert os.getpgid(pid_of(run)) == pid_of(run) != os.getpgid(0), "a group of its own: Ctrl-C is for the server"


def test_a_folder_deleted_by_hand_does_not_hold_up_the_line(lab: Supervisor) -> None:
    import shutil

    working, waiting, last = (lab.submit(request(images=n)) for n in (0, 20, 20))
    learning(working)
    shutil.rmtree(waiting.folder)
    shutil.rmtree(working.folder, ignore_errors=True)
    until(last, State.FINISHED)


def test_only_so_many_ended_runs_are_kept_if_so_wished(aigc_home: Path) -> None:
    made = [Run.create(request()) for _ in range(5)]
    for run in made[:4]:
        run.move(State.STOPPED)
        time.sleep(0.01)
    sweep()
    assert len(runs()) == 5
    sweep(keep=2)
    assert {r.id for r in runs()} == {made[4].id, made[3].id, made[2].id}


def test_of_what_visitors_left_only_the_newest_is_kept_and_the_hosts_own_stays(aigc_home: Path, tmp_path: Path) -> None:
    pictures = []
    for i in range(16):
        pictures.append(tmp_path / f"{i}.png")
        Image.new("L", (8, 8), 10 * i).save(pictures[-1])
    for i, owner in enumerate(["", "ann", "bob", "ann"]):
        own.add(f"set {i}", pictures, 28, owner)
        arena.write(arena.Arena("digits", 5, (arena.Cell("gan", {}),), id=f"{i:016x}", owner=owner, created=float(i)))
        model = Toy(ToyConfig(), toy_data().spec)
        registry.save(model, ModelCard(f"model-{i}", "toy", "toy", spec_as_json(model.spec), {}, {}, owner=owner, created=f"2026-01-0{i + 1}"))
    sweep(keep=2)
    assert [s.title["en"] for s in own.sets()] == ["set 0", "set 2", "set 3"]
    assert {a.id[-1] for a in arena.arenas()} == {"0", "2", "3"}
    assert {e.card.slug for e in registry.entries() if not e.shipped} == {"model-0", "model-2", "model-3"}


def test_a_shell_trains_in_the_same_line_and_the_page_can_stop_it(lab: Supervisor) -> None:
    page = lab.submit(request())
    learning(page)
    shell = a_shell(stdout=subprocess.PIPE, text=True)
    assert shell.stdout and shell.stdout.readline() == "place 1\n"
    run = next(r for r in runs() if r.id != page.id)
    assert run.state is State.QUEUED and lab.place(run.id) == 1 and run.record["runner"] == "shell"
    lab.command(page.id, None, Command(Do.STOP))
    learning(run, 3)
    assert page.state is State.STOPPED and pid_of(run) == shell.pid
    third = lab.submit(request(images=5))
    time.sleep(1)
    assert third.state is State.QUEUED, "one at a time, wherever it was started"
    lab.command(run.id, None, Command(Do.STOP))
    until(run, State.STOPPED)
    assert shell.wait(20) == 0 and run.record["model"]
    until(third, State.FINISHED)


def test_a_killed_shell_does_not_hold_up_the_line(lab: Supervisor) -> None:
    shell = a_shell()
    run = wait(lambda: runs() and runs()[0])
    learning(run, 3)
    page = lab.submit(request(images=5))
    shell.kill()
    shell.wait()
    until(page, State.FINISHED)
    assert run.state is State.INTERRUPTED


SHELL = """
import sys
sys.path.insert(0, sys.argv[1])
from workers import light
from aigc.jobs import foreground, training
from aigc.jobs.request import Request
training.tools = light.tools
light.without_torch()
request = Request("gan", "moons", options={"seconds": 0.0}, device="cpu")
foreground.train_here(request, waiting=lambda place: print("place", place, flush=True) if place else None)
"""


def a_shell(**how: Any) -> subprocess.Popen[Any]:
    return subprocess.Popen([sys.executable, "-c", SHELL, str(Path(light.__file__).parent.parent)], env=environment(), **how)


def test_ctrl_c_in_a_shell_is_a_checkpoint(aigc_home: Path) -> None:
    shell = a_shell()
    run = wait(lambda: runs() and runs()[0])
    learning(run, 3)
    shell.send_signal(signal.SIGINT)
    assert shell.wait(20) == 0
    assert run.state is State.INTERRUPTED and run.kept_images() >= 3 and run.id in reason(run)


def test_the_page_loads_nothing_slow_for_it() -> None:
    look = "import sys, aigc.jobs.supervisor, aigc.jobs.foreground; print({'torch', 'diffusers', 'sklearn', 'gradio'} & {*sys.modules} or '')"
    assert subprocess.check_output([sys.executable, "-c", look], text=True, env=environment()) == "\n"


which = st.integers(0, 5)


class Steering(RuleBasedStateMachine):
    """Anything, in any order, from several hands: afterwards every run has ended in a way that can be explained."""

    @initialize()
    def open(self) -> None:
        self.runs: list[Run] = []
        self.keys: dict[str, str] = {}
        self.stopped: dict[str, float] = {}
        self.start()

    def start(self) -> None:
        self.supervisor = Supervisor(command=LIGHT, patience=Patience(warm_up=0.0, stop=1.0))
        self.supervisor.start()

    def some(self, n: int) -> Run | None:
        return self.runs[n % len(self.runs)] if self.runs else None

    @rule(images=st.sampled_from([0, 0, 3, 60]), key=st.sampled_from([None, None, "a", "b"]))
    def submit(self, images: int, key: str | None) -> None:
        run = self.supervisor.submit(request(images), key=key)
        if key:
            assert self.keys.setdefault(key, run.id) == run.id
        if run.id not in [r.id for r in self.runs]:
            self.runs.append(run)

    @rule(n=which, do=st.sampled_from([Do.PAUSE, Do.RESUME, Do.SNAPSHOT]))
    def steer(self, n: int, do: Do) -> None:
        if run := self.some(n):
            before = run.state
            try:
                self.supervisor.command(run.id, None, Command(do))
            except Refusal:
                assert before is not run.state or before not in (State.STARTING, State.RUNNING, State.PAUSED), "refused without a reason"

    @rule(n=which, times=st.integers(1, 2))
    def stop(self, n: int, times: int) -> None:
        if run := self.some(n):
            for _ in range(times):
                self.supervisor.command(run.id, None, Command(Do.STOP))
            assert run.state is State.STOPPING or not run.state.live
            self.stopped.setdefault(run.id, time.monotonic())

    @rule(n=which)
    def kill(self, n: int) -> None:
        if run := self.some(n):
            holder = Holder.from_json(run.record["holder"])
            if run.state.at_work and holder and holder.alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(holder.pid, signal.SIGKILL)

    @rule(n=which)
    def go_on(self, n: int) -> None:
        if (run := self.some(n)) and not run.state.live:
            with contextlib.suppress(Refusal):
                self.supervisor.resume(run.id, None)
                self.stopped.pop(run.id, None)

    @rule(n=which)
    def give_more(self, n: int) -> None:
        if (run := self.some(n)) and not run.state.live:
            self.supervisor.continue_(run.id, None, images=5)
            self.stopped.pop(run.id, None)

    @rule(n=which)
    def delete(self, n: int) -> None:
        if run := self.some(n):
            live = run.state.live
            try:
                self.supervisor.delete(run.id, None)
            except Refusal:
                assert live
                return
            self.runs.remove(run)
            self.stopped.pop(run.id, None)
            self.keys = {k: v for k, v in self.keys.items() if v != run.id}

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.3]))
    def time_passes(self, seconds: float) -> None:
        time.sleep(seconds)

    @rule()
    def restart(self) -> None:
        self.supervisor.stop()
        assert not any(r.state.at_work for r in runs())
        self.start()

    @invariant()
    def one_at_a_time(self) -> None:
        at_work = [r for r in runs() if r.record.get("holder") and r.state.at_work]
        alive = {r.record["holder"]["pid"] for r in at_work if (h := Holder.from_json(r.record["holder"])) and h.alive()}
        assert len(alive) <= 1

    @invariant()
    def what_was_stopped_ends(self) -> None:
        for id, since in list(self.stopped.items()) if hasattr(self, "stopped") else ():
            with contextlib.suppress(Refusal):
                assert not Run.open(id).state.live or time.monotonic() - since < 5 + SLACK

    def teardown(self) -> None:
        if not hasattr(self, "supervisor"):
            return
        for run in runs():
            self.supervisor.command(run.id, None, Command(Do.STOP))
        for run in runs():
            wait(lambda r=run: not r.state.live, 5 + SLACK)
        self.supervisor.stop()
        assert not [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
        with locked(runs_folder() / ".server.lock", wait=False):
            pass
        for run in runs():
            run.delete()
        for file in runs_folder().glob("queue.db*"):
            file.unlink()


@pytest.mark.slow
def test_anything_in_any_order(aigc_home: Path) -> None:
    how = settings(max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Steering, settings=how)
