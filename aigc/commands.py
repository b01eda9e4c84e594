"""What a person can tell a running training; taken up between two steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Do(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STEP = "step"  # one step, then paused again; value: a phase's name, or "" for all of them
    SET = "set"  # a live knob; value: [name, value]
    SNAPSHOT = "snapshot"  # a preview and a checkpoint now; value "checkpoint": that alone, for who has to leave soon
    STOP = "stop"  # keep what was learnt and finish


@dataclass(frozen=True)
class Command:
    do: Do
    value: Any = None
