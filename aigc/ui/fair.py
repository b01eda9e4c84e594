"""Nobody keeps the others of a public page waiting: how much one visitor may ask for at a time, and whose turn is next.

Gradio serves what waits for a handler in the order in which it came, so that a hundred requests of one visitor stand before the
first of another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import HTTPException

from aigc.ui import visitors
from aigc.ui.guard import NO_ROUTE, language
from aigc.words import Words, both

if TYPE_CHECKING:
    from fastapi import Request
    from gradio.block_function import BlockFunction
    from gradio.data_classes import PredictBody
    from gradio.queueing import Event, Queue

WAITING = 12  # of one visitor, or of one open page, for handlers that serve a few at a time: every view of a model redraws at once
WAITING_ADDRESS = 240  # a classroom behind one address is welcome, and opens the same view at the same moment
ASKED = 40  # of one visitor, at work or waiting
ENOUGH = both("You have {n} things in hand here already; wait until some are done.", "你在这里已有 {n} 件事在进行，请等其中一些完成。")
BUSY = both("Too much waits here already; try again in a moment.", "这里排队的已经太多，请稍后再试。")


def take_turns(demo: gr.Blocks, public: bool) -> None:
    """From now on the queue of `demo` refuses what nobody listens to, with 404, and on a public page what is too much, with 429,
    and serves its visitors in turn."""
    queue = demo._queue
    push = queue.push

    async def pushed(body: PredictBody, request: Request, username: str | None) -> Any:
        if body.fn_index not in queue.blocks.fns:
            raise HTTPException(404, NO_ROUTE[language(request.headers)])
        if public and (refusal := _refusal(queue, body, request)) is not None:
            raise HTTPException(429, refusal[language(request.headers)])
        answer = await push(body, request, username)
        for line in queue.event_queue_per_concurrency_id.values() if public else ():
            for who in (_owner, _address):  # places take turns, and visitors at each place
                line.queue.sort(key=_turns(who, _at_work(queue), line.queue).__getitem__)
        return answer

    queue.push = pushed  # type: ignore[method-assign]


def _refusal(queue: Queue, body: PredictBody, request: Request) -> Words | None:
    asks, address = _owner(request), _address(request)
    waiting = [event for line in queue.event_queue_per_concurrency_id.values() for event in line.queue]
    mine = [event for event in waiting + _at_work(queue) if _owner(event.request) == asks]
    if len(mine) >= ASKED:
        return ENOUGH.fill(n=len(mine))
    if not _is_limited(queue.blocks.fns.get(body.fn_index)):
        return None
    limited = [event for event in waiting if _is_limited(event.fn)]
    for own in ([e for e in limited if e.session_hash == body.session_hash], [e for e in limited if _owner(e.request) == asks]):
        if len(own) >= WAITING:
            return ENOUGH.fill(n=len(own))
    neighbours = [event for event in limited if _address(event.request) == address]
    return BUSY if len(neighbours) >= WAITING_ADDRESS else None


def _is_limited(fn: BlockFunction | None) -> bool:
    return fn is not None and fn.concurrency_limit is not None


def _turns(who: Callable[[Request], str], at_work: list[Event], waiting: list[Event]) -> dict[Event, int]:
    """How many of the same stand before each: a sort by this keeps the order of those that are alike."""
    seen = Counter(who(event.request) for event in at_work)
    turns = {}
    for event in waiting:
        turns[event] = seen[who(event.request)]
        seen[who(event.request)] += 1
    return turns


def _at_work(queue: Queue) -> list[Event]:
    return [event for job in queue.active_jobs if job for event in job]


def _owner(request: Request) -> str:
    return visitors.owner_of(request.cookies)


def _address(request: Request) -> str:
    return visitors.address(request.scope, request.headers)
