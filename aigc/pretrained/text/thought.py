"""What a model thinks aloud before it answers, between <think> and </think>."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def parted(text: str, is_open: bool = False) -> tuple[str, str]:
    """(thought, answer).  `is_open`: the prompt has opened the thought already."""
    before, opened, rest = text.partition(OPEN)
    if opened and not before.strip():
        is_open, text = True, rest
    thought, closed, answer = text.partition(CLOSE)
    if closed:
        return thought.strip(), answer.lstrip()
    return (text.strip(), "") if is_open else ("", text)
