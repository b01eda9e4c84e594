"""What can be the matter with a run, and what may become of it."""

from __future__ import annotations

from typing import Any

from aigc.commands import Do
from aigc.knobs import Choice
from aigc.words import Refusal, Words, both


class State(Choice):
    QUEUED = "queued", both("waiting", "排队中")
    STARTING = "starting", both("starting", "启动中")
    RUNNING = "running", both("training", "训练中")
    PAUSED = "paused", both("paused", "已暂停")
    STOPPING = "stopping", both("stopping", "正在停止")
    FINISHED = "finished", both("finished", "已完成")
    STOPPED = "stopped", both("stopped by you", "已由你停止")
    INTERRUPTED = "interrupted", both("interrupted", "已中断")
    FAILED = "failed", both("failed", "失败")
    STALLED = "stalled", both("stalled", "停滞")

    @property
    def live(self) -> bool:
        """A process works on it or will."""
        return self in _LIVE

    @property
    def at_work(self) -> bool:
        """A process works on it now."""
        return self in _LIVE and self is not State.QUEUED

    @property
    def resumable(self) -> bool:
        """It ended before its budget did, and can go on from its last checkpoint."""
        return self in (State.STOPPED, State.INTERRUPTED, State.FAILED, State.STALLED)

    def may_become(self, other: State) -> bool:
        return other in _NEXT[self]


_LIVE = frozenset({State.QUEUED, State.STARTING, State.RUNNING, State.PAUSED, State.STOPPING})
_ENDED = frozenset(State) - _LIVE
_NEXT = {
    State.QUEUED: _ENDED - {State.FINISHED, State.STALLED} | {State.STARTING},
    State.STARTING: _ENDED | {State.RUNNING, State.STOPPING},
    State.RUNNING: _ENDED | {State.PAUSED, State.STOPPING},
    State.PAUSED: _ENDED | {State.RUNNING, State.STOPPING},
    State.STOPPING: _ENDED,
    **{ended: frozenset({State.QUEUED}) for ended in _ENDED},
}


def state_in(record: dict[str, Any]) -> State:
    """Raises KeyError, ValueError if there is none."""
    return State(record["state"])  # type: ignore[call-arg]


def check_command(do: Do, state: State) -> bool:
    """Whether to pass `do` on to a run in this state; False where there is nothing left to do.  Raises Refusal."""
    if do is Do.STOP:
        return state.live and state is not State.STOPPING
    if state in (State.STARTING, State.RUNNING, State.PAUSED):
        return True
    if state is State.QUEUED:
        raise Refusal(both("This run has not started yet; it waits for its turn.", "这次训练还没有开始，正在排队。"))
    if state is State.STOPPING:
        raise Refusal(both("This run is stopping.", "这次训练正在停止。"))
    raise Refusal(both("This run is over ({state}).", "这次训练已经结束（{state}）。"), state=state.words)


def interrupted_at(images: int) -> Words:
    if not images:
        return both(
            "The server stopped before the first checkpoint; press Continue to begin again.", "服务器在第一个检查点之前停止了；请按“继续”重新开始。"
        )
    return both(
        "The server stopped while it was training; press Continue to go on from image {n}.",
        "训练途中服务器停止了；请按“继续”，从第 {n} 张图像接着训练。",
    ).fill(n=f"{images:,}")


def killed_at(images: int) -> Words:
    return both(
        "It was ended by the system, probably for lack of memory. Press Continue to go on from image {n}, or train with a smaller batch.",
        "训练被系统终止，多半是内存不足。请按“继续”从第 {n} 张图像接着训练，或改用更小的批。",
    ).fill(n=f"{images:,}")


def paused_too_long(seconds: float) -> Words:
    return both(
        "It was paused for {m:.0f} minutes while others waited, and made way for them; press Continue to go on from where it was.",
        "它在别人排队时暂停了 {m:.0f} 分钟，已让出位置；请按“继续”，从停下的地方接着训练。",
    ).fill(m=seconds / 60)


def crashed(code: int) -> Words:
    return both(
        "The training process ended unexpectedly (code {code}); details are in the run's folder, output.log.",
        "训练进程意外退出（代码 {code}）；详情见该次训练文件夹中的 output.log。",
    ).fill(code=code)


STOPPED_IN_SHELL = both(
    "It was interrupted; press Continue, or type `python -m aigc train --resume {id}`, to go on from image {n}.",
    "训练已中断；请按“继续”，或输入 `python -m aigc train --resume {id}`，从第 {n} 张图像接着训练。",
)
STALLED = both(
    "It gave no sign of life for {n:.0f} seconds and was ended; press Continue to go on from its last checkpoint.",
    "它有 {n:.0f} 秒毫无动静，已被结束；请按“继续”，从最后一个检查点接着训练。",
)
FORCED = both(
    "It did not answer and was ended by force; what it had learnt up to its last checkpoint is kept.",
    "它没有回应，已被强制结束；到最后一个检查点为止学到的内容都保留着。",
)
UNEXPECTED = both(
    "An unexpected error; details are in the run's folder, error.log.",
    "发生了意外错误；详情见该次训练文件夹中的 error.log。",
)
NO_MEMORY = both(
    "There was not enough memory. Train with a smaller batch or a narrower network.",
    "内存不够。请改用更小的批或更窄的网络。",
)
DISK_FULL = both(
    "The disk is full. Free some space, then press Continue to go on from image {n}.",
    "磁盘已满。请腾出空间，再按“继续”，从第 {n} 张图像接着训练。",
)
DAMAGED = both(
    "The last checkpoint was damaged; training goes on from the one before, at image {n}.",
    "最后一个检查点已损坏；从前一个检查点（第 {n} 张图像）接着训练。",
)
ALL_DAMAGED = both("No checkpoint could be read; training begins again.", "没有可读的检查点；训练重新开始。")
