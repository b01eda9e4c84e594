"""`python app.py` as a person types it: what it says, where it listens, and how it ends."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from aigc.home import outputs_folder, runs_folder
from aigc.jobs.store import PUBLIC
from aigc.ui import start
from aigc.ui.text import shell as text
from aigc.words import Refusal

PROJECT = Path(__file__).resolve().parent.parent


def a_port() -> int:
    """The first of some that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return min(s.getsockname()[1], 65500)


@contextlib.contextmanager
def started(*arguments: str, home: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    surroundings = {**os.environ, "AIGC_HOME": str(home), "LANG": "C.UTF-8", "GRADIO_TEMP_DIR": str(home / "page"), **more}
    process = subprocess.Popen(
        [sys.executable, "app.py", *arguments], cwd=PROJECT, env=surroundings, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def refused(*arguments: str, home: Path, **more: str) -> str:
    with started(*arguments, home=home, **more) as process:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 2, said
        assert "Traceback" not in said
        return said.strip()


def answer(port: int, path: str = "/healthz") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    return connection.getresponse().status


def wait_for(port: int, process: subprocess.Popen[str], path: str = "/", within: float = 120) -> None:
    until = time.monotonic() + within
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        with contextlib.suppress(OSError):
            if answer(port, path) == 200:
                return
        time.sleep(0.1)
    pytest.fail("it did not answer")


# refusing, in words
def test_a_link_for_strangers_needs_a_password(tmp_path: Path):
    assert refused("--share", home=tmp_path) == text.NEEDS_PASSWORD.en
    assert refused("--share", "--lang", "zh", home=tmp_path) == text.NEEDS_PASSWORD.zh


@pytest.mark.parametrize("auth", ["nobody", ":", "user:", ":password"])
def test_a_password_has_a_form(tmp_path: Path, auth: str):
    asked = start.parser().parse_args(["--share", "--auth", auth])
    with pytest.raises(Refusal, match="user:password"):
        start._auth(asked)
    assert start._auth(start.parser().parse_args(["--auth", "me:a:b"])) == ("me", "a:b")
    assert start._auth(start.parser().parse_args(["--share", "--open"])) is None


def test_the_next_port_is_taken_when_one_is_busy():
    first = a_port()
    with socket.create_server(("127.0.0.1", first)):
        assert first < start.free_port("127.0.0.1", first) < first + start.PORTS


def test_ten_busy_ports_are_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(start, "PORTS", 1)
    first = a_port()
    with socket.create_server(("127.0.0.1", first)), pytest.raises(Refusal, match="--port"):
        start.free_port("127.0.0.1", first)


def test_a_space_listens_where_it_must(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPACE_ID", "someone/aigc-lab")
    asked = start.parser().parse_args([])
    assert (asked.host, asked.port) == ("0.0.0.0", 7860)
    first = a_port()
    with socket.create_server(("127.0.0.1", first)), pytest.raises(Refusal):
        start.free_port("127.0.0.1", first)  # another port would not be found


@pytest.mark.parametrize(
    ("lang", "typed", "said"), [("zh_CN.UTF-8", "auto", "zh"), ("C.UTF-8", "auto", "en"), ("zh_CN.UTF-8", "en", "en"), ("C", "zh", "zh")]
)
def test_the_terminal_speaks_the_language_of_the_shell(monkeypatch: pytest.MonkeyPatch, lang: str, typed: str, said: str):
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", lang)
    assert start._terminal_language(typed) == said


class Enough(Exception):
    """Everything was told that was to be told."""


@pytest.mark.parametrize(
    ("typed", "space", "public"),
    [([], "", False), (["--host", "localhost", "--auth", "me:secret"], "", False), (["--share", "--open"], "", True),
     (["--share", "--auth", "me:secret"], "", True), (["--host", "0.0.0.0"], "", True), (["--host", "192.168.1.5"], "", True), ([], "a/b", True)],
)  # fmt: skip
def test_strangers_get_limits_and_the_owner_of_the_machine_none(monkeypatch: pytest.MonkeyPatch, typed: list[str], space: str, public: bool):
    if space:
        monkeypatch.setenv("SPACE_ID", space)
    told: dict[str, dict[str, object]] = {}

    class Supervised:
        def __init__(self, home: Path, **how: object) -> None:
            told["supervisor"] = how

        def start(self) -> None: ...
        def stop(self) -> None: ...

    def assembled(*_: object, **how: object) -> None:
        told["app"] = how
        raise Enough

    monkeypatch.setattr(start, "Supervisor", Supervised)
    monkeypatch.setattr(start.signal, "signal", lambda *_: None)
    monkeypatch.setattr(start, "free_port", lambda host, first: first)
    monkeypatch.setattr(start, "_own_temporary_folder", lambda age: told.update(sweep={"age": age}))
    monkeypatch.setattr(start.shell, "build", lambda *_, **how: told.update(page=how))
    monkeypatch.setattr(start.server, "assemble", assembled)
    with pytest.raises(Enough):
        start._run(start.parser().parse_args(typed), "en")
    assert told["supervisor"]["limits"] is (PUBLIC if public else None)
    assert told["supervisor"]["keep"] == (start.KEPT_PUBLIC if public else None)
    assert [told[one]["single_user"] for one in ("supervisor", "page", "app")] == [not public] * 3
    assert [told[one]["public"] for one in ("page", "app")] == [public] * 2
    assert told["sweep"]["age"] == (start.SWEEP_AGE_PUBLIC if public else start.SWEEP_AGE)
    assert told["app"]["auth"] == (("me", "secret") if "--auth" in typed else None)


# sweeping
def test_old_uploads_go_and_fresh_ones_stay(tmp_path: Path):
    old, fresh = tmp_path / "a" / "old.png", tmp_path / "b" / "fresh.png"
    for file in (old, fresh):
        file.parent.mkdir()
        file.write_bytes(b"x")
    past = time.time() - 2 * start.SWEEP_AGE
    for path in (old, old.parent):
        os.utime(path, (past, past))
    (tmp_path / "c").symlink_to(PROJECT)
    assert start.sweep(tmp_path, start.SWEEP_AGE) == 1
    assert not old.exists() and fresh.exists() and (PROJECT / "app.py").exists()
    assert start.sweep(tmp_path / "nowhere", 0) == 0


def test_uploads_and_files_made_for_download_are_swept_from_the_start(aigc_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "as it was")
    old = [runs_folder() / "page" / "a" / "old.png", outputs_folder() / "b" / "old.zip"]
    for file in old:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
        os.utime(file, (time.time() - 7200,) * 2)
    start._own_temporary_folder(start.SWEEP_AGE_PUBLIC)
    until = time.monotonic() + 10
    while any(file.exists() for file in old) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(file.exists() for file in old)


# the whole of it
def cost_of_gradio() -> float:
    """Seconds of one core that importing Gradio takes: a measure of this machine."""
    told = subprocess.run([sys.executable, "-c", "import gradio, time; print(time.process_time())"], capture_output=True, text=True, check=True)
    return float(told.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_soon_tells_a_second_server_and_ends_cleanly(tmp_path: Path, end: signal.Signals):
    port = a_port()
    with started("--port", str(port), home=tmp_path) as process:
        wait_for(port, process)
        used = psutil.Process(process.pid).cpu_times()
        assert used.user + used.system < 2.5 * cost_of_gradio(), "the first page must not cost much more than what it stands on"
        assert answer(port, "/healthz") == 200 and answer(port, "/zh") == 200
        family = psutil.Process(process.pid).children(recursive=True)
        said = refused("--port", str(port), home=tmp_path)
        assert said and "\n" not in said  # one sentence: this home is in use
        process.send_signal(end)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and f"http://127.0.0.1:{port}/" in out and "Traceback" not in err
        assert not psutil.wait_procs(family, timeout=10)[1], "no worker is left behind"
        with pytest.raises(OSError):
            answer(port)


@pytest.mark.slow
def test_with_a_password_nothing_is_told_before_it(tmp_path: Path):
    port = a_port()
    with started("--port", str(port), "--auth", "me:secret", home=tmp_path) as process:
        wait_for(port, process, "/healthz")
        assert answer(port, "/aigc/now") == 401 and answer(port, "/") == 200
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/login", "username=me&password=secret", {"content-type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        assert response.status == 200
        cookie = "; ".join(v.split(";")[0] for k, v in response.getheaders() if k.lower() == "set-cookie")
        response.read()
        connection.request("GET", "/aigc/now", headers={"cookie": cookie})
        assert connection.getresponse().status == 200
