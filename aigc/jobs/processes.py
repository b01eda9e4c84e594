"""Processes: who holds a run, whether that process still lives, and what a worker is born with."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aigc.home import PROJECT, home

# Everything else stays with the server: above all tokens, which a training has no use for.
_INHERITED = (
    *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT"),
    *("USERPROFILE", "LOCALAPPDATA", "APPDATA", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS"),  # Windows
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "XDG_CACHE_HOME"),
    *("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HUB_DISABLE_XET", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "CUDA_PATH"),
)
_INHERITED_FAMILIES = ("LC_", "OMP_", "MKL_", "KMP_", "GOMP_", "CUBLAS_", "NVIDIA_", "PYTORCH_", "TORCHINDUCTOR_", "AIGC_")
CLOCK_SECONDS = 2.0
LOOKS, LOOK_SECONDS = 5, 0.2  # at how busy the cores are
_SECRET = ("TOKEN", "SECRET", "PASSWORD", "KEY", "AUTH")


@dataclass(frozen=True)
class Holder:
    """One process of one boot: a process id alone is given out again."""

    pid: int
    start: str
    boot: str

    @staticmethod
    def of(pid: int) -> Holder | None:
        """The process that has this id now; None if there is none, or only its remains."""
        start = _start_of(pid)
        return Holder(pid, start, _boot()) if start else None

    @staticmethod
    def me() -> Holder:
        holder = Holder.of(os.getpid())
        assert holder is not None
        return holder

    @staticmethod
    def from_json(value: Any) -> Holder | None:
        try:
            return Holder(int(value["pid"]), str(value["start"]), str(value["boot"]))
        except (TypeError, KeyError, ValueError):
            return None

    def as_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "start": self.start, "boot": self.boot}

    def alive(self) -> bool:
        return self.boot == _boot() and _is_same(_start_of(self.pid), self.start)


def _start_of(pid: int) -> str:
    """A mark that no later process of this id will have; "" if the process is gone or a zombie."""
    if sys.platform == "linux":  # in ticks since boot, which no change of the clock moves
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return ""


def _is_same(start: str, other: str) -> bool:
    """Off Linux every process reckons from the clock as it found it, a second or two apart after a correction of the clock."""
    try:
        return start == other or (sys.platform != "linux" and abs(float(start) - float(other)) < CLOCK_SECONDS)
    except ValueError:  # one of them is gone
        return False


@cache
def _boot() -> str:
    """Elsewhere the start is a date, which no process of another boot shares."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip() if sys.platform == "linux" else ""


def cores() -> int:
    """The cores this process may use: affinity, and a container's quota where there is one."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError, IndexError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()[:2]
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(period))))
    return count


def threads() -> int:
    """How many threads a training computes with; the sums of floats, and so the bits of a run, depend on it."""
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(asked) if asked.isdigit() and int(asked) > 0 else cores()


def spare_threads() -> int:
    """`threads()`, less the cores that others keep busy: a thread without a core of its own makes the rest wait at every sum.

    Who only answers a click is not busy for long, so the least busy of a few looks counts, and the first that finds every core free ends them.
    Where only a share of the machine is ours, how busy the whole is says nothing.
    """
    if cores() < (os.cpu_count() or 1):
        return threads()
    import psutil

    busy = psutil.cpu_count() or 1
    for _ in range(LOOKS):
        busy = min(busy, round(psutil.cpu_percent(interval=LOOK_SECONDS) / 100 * (psutil.cpu_count() or 1)))
        if not busy:
            break
    return max(1, threads() - busy)


SPINS = {"GOMP_SPINCOUNT": "20000"}  # that a thread of OpenMP waits awake for the others, where 300,000 are the custom


def share_cores() -> None:
    """For a process that draws beside others that train, before torch is loaded: threads that wait give way.

    On two cores, one of them taken by another process, 64 digits took 9.4 s by two threads that wait awake, and 3.0 s so; on idle ones 1.2 s
    either way.  Shorter waits are quicker yet where cores are shared, and slower where they are not.  A training, which meets at every sum,
    loses two fifths of its pace by a wait of 1,000: workers wait as is the custom.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        for name, value in SPINS.items():
            os.environ.setdefault(name, value)


def environment() -> dict[str, str]:
    """What a worker may know of this process's environment."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k in _INHERITED or (k.startswith(_INHERITED_FAMILIES) and not any(word in k.upper() for word in _SECRET) and v != SPINS.get(k))
    }
    path = os.pathsep.join(p for p in (str(PROJECT), os.environ.get("PYTHONPATH", "")) if p)
    fixed = {"AIGC_HOME": str(home()), "OMP_NUM_THREADS": str(threads()), "PYTHONPATH": path}
    return kept | fixed | {"PYTHONUNBUFFERED": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


def spawn(command: tuple[str, ...], output: Path) -> subprocess.Popen[bytes]:
    """Start a worker in a session and process group of its own; its standard input is the line to us, and its end is our death."""
    with open(output, "ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment(), cwd=PROJECT, start_new_session=True, close_fds=True
        )


def send_signal(pid: int, number: int) -> None:
    """To the whole process group of a worker; one that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows SIGTERM is as final
