"""A conversation, by the chat template of the model's own tokenizer."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

from aigc.pretrained.text.asked import Chat, Message
from aigc.pretrained.text.kit import Kit
from aigc.pretrained.text.look import NEEDS_A_WRITER
from aigc.pretrained.text.thought import CLOSE, OPEN, parted
from aigc.pretrained.text.writing import Draft, fenced, written
from aigc.words import Refusal, Words, both

SECONDS = 10  # that a chat template may take; most take milliseconds

NO_TEMPLATE = both(
    "This model was not taught to converse: its tokenizer has no chat template. Choose one that chats, or use Continue.",
    "这个模型没有学过对话：它的分词器没有对话模板。请换一个对话模型，或改用“续写”。",
)
NOT_SO = both("This model's chat template does not admit this conversation: {why}", "这个模型的对话模板不接受这段对话：{why}")
ENDLESS = both(
    "This model's chat template, a program that came with it, does not end within {seconds} seconds: choose another model.",
    "这个模型自带的对话模板（一段程序）运行 {seconds} 秒仍未结束：请换一个模型。",
)
FORGOTTEN = both("The conversation is longer than the model's window: the oldest {n} messages were not read.",
                 "对话超出模型窗口：最早的 {n} 条消息没有读。")  # fmt: skip


def chatted(kit: Kit, messages: list[Message], settings: Chat, stop: threading.Event, whose: str = "") -> Iterator[Draft]:
    """The assistant's next message; `Draft.text` has its thoughts in front, as the model wrote them.  Raises Refusal and Stopped.

    What the last run of the same `whose` read is not read again; "" is nobody.
    """
    if not kit.writes_on:
        raise Refusal(NEEDS_A_WRITER)
    prompt, ids, forgotten = fitting(kit, messages, settings)
    head = OPEN if prompt.rstrip().endswith(OPEN) else ""  # some templates open the thought themselves
    notes: tuple[Words, ...] = (FORGOTTEN.fill(n=forgotten),) if forgotten else ()
    drafts = written(kit, ids, settings, stop, max(1, min(settings.length, kit.window - len(ids))), whose=whose)
    for draft in fenced(kit, drafts, settings.length):
        yield replace(draft, text=head + draft.text, notes=notes + draft.notes)


def fitting(kit: Kit, messages: list[Message], settings: Chat) -> tuple[str, list[int], int]:
    """(the prompt, its tokens, how many of the oldest messages had to go so that the answer has room)."""
    room = kit.window - min(settings.length, kit.window // 2)
    system = [m for m in messages[:1] if m["role"] == "system"]
    rest, dropped = messages[len(system) :], 0
    while True:
        prompt = templated(kit, [*system, *rest], settings.think)
        ids = kit.ids(prompt, marks=False)
        if len(ids) <= room or len(rest) <= 1:
            return prompt, ids, dropped
        gone = 2 if len(rest) > 2 else 1  # a question and its answer
        rest, dropped = rest[gone:], dropped + gone


def templated(kit: Kit, messages: list[Message], think: bool = False) -> str:
    """Raises Refusal."""
    if not getattr(kit.tokenizer, "chat_template", None):
        raise Refusal(NO_TEMPLATE)
    how: dict[str, Any] = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": think}
    try:
        with _bounded(SECONDS):
            return kit.tokenizer.apply_chat_template(messages, **how)
    except Refusal:
        raise
    except Exception as error:  # templates are programs that may raise what they like
        if messages[0]["role"] != "system" or len(messages) < 2:
            raise Refusal(NOT_SO, why=(str(error).splitlines() or ["?"])[0][:200]) from error
    # Some know no system prompt: it stands before the first question instead.
    first = {"role": messages[1]["role"], "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
    return templated(kit, [first, *messages[2:]], think)


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Ends the template's loops after so long; raises Refusal.  Jinja's sandbox bounds each range, not loops in loops; one huge sum or
    string cannot be broken off from inside a process."""
    until = time.monotonic() + seconds

    def watch(frame: FrameType, event: str, arg: Any) -> Any:
        if time.monotonic() > until:
            raise Refusal(ENDLESS, seconds=seconds)
        return watch if frame.f_code.co_filename == "<template>" else None  # elsewhere each call is seen, not each line

    before = sys.gettrace()
    sys.settrace(watch)  # of this thread alone
    try:
        yield
    finally:
        sys.settrace(before)


def answer(draft: Draft) -> tuple[str, str]:
    """(thought, answer) of a draft."""
    return parted(draft.text, is_open=draft.text.startswith(OPEN) and CLOSE not in draft.text)
