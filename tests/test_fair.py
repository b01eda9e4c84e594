"""One visitor of a public page cannot starve the others: what waits is bounded, in words, and served in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest
from fastapi import HTTPException, Request
from gradio import queueing
from gradio.data_classes import PredictBodyInternal

from aigc.ui import fair, quick, server, shell
from aigc.ui.visitors import OWNER_COOKIE

ANN, BOB, CAT = "a" * 32, "b" * 32, "c" * 32
SLOW, FREE = 0, 1


@pytest.fixture
def demo() -> gr.Blocks:
    """Nobody serves its queue: what is asked for waits."""
    with gr.Blocks() as demo:
        go = gr.Button()
        go.click(lambda: None, concurrency_limit=2)
        go.click(lambda: None, concurrency_limit=None)
    demo.queue()
    fair.take_turns(demo, public=True)
    return demo


def asked(owner: str, address: str = "8.8.8.8", lang: str = "en") -> Request:
    headers = {"cookie": f"{OWNER_COOKIE}={owner}", "accept-language": lang}
    raw = [(k.encode(), v.encode()) for k, v in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/gradio_api/queue/join", "query_string": b"", "headers": raw, "client": (address, 1)})


def push(demo: gr.Blocks, owner: str, *, session: str = "", fn: int = SLOW, times: int = 1, **how: Any) -> None:
    async def pushing() -> None:
        for _ in range(times):
            body = PredictBodyInternal(session_hash=session or owner, data=[], fn_index=fn)
            done, *_rest = await demo._queue.push(body=body, request=asked(owner, **how), username=None)
            assert done

    asyncio.run(pushing())


def order(demo: gr.Blocks) -> str:
    (line,) = [line for line in demo._queue.event_queue_per_concurrency_id.values() if line.queue]
    return "".join(event.request.cookies[OWNER_COOKIE][-1] for event in line.queue)


def refused(asking: Callable[[], None]) -> str:
    with pytest.raises(HTTPException) as caught:
        asking()
    assert caught.value.status_code == 429
    return str(caught.value.detail)


def test_one_visitor_may_have_so_much_waiting_and_is_told_so(demo: gr.Blocks):
    for n in range(fair.WAITING):
        push(demo, ANN, session=f"page-{n}")
    assert refused(lambda: push(demo, ANN, session="one more")) == fair.ENOUGH.fill(n=fair.WAITING).en
    assert refused(lambda: push(demo, ANN, lang="zh")) == fair.ENOUGH.fill(n=fair.WAITING).zh
    push(demo, ANN, fn=FREE)  # what waits for nobody is not held up by what does
    push(demo, BOB)


def test_cookies_that_are_thrown_away_do_not_help(demo: gr.Blocks):
    for n in range(fair.WAITING):
        push(demo, f"{n:032x}", session="one page")
    assert refused(lambda: push(demo, BOB, session="one page"))
    for n in range(fair.WAITING, fair.WAITING_ADDRESS):
        push(demo, f"{n:032x}")
    assert refused(lambda: push(demo, BOB)) == fair.BUSY.en
    push(demo, BOB, address="9.9.9.9")


def test_handlers_that_wait_for_nobody_are_not_taken_all(demo: gr.Blocks):
    push(demo, ANN, fn=FREE, times=fair.ASKED)
    assert refused(lambda: push(demo, ANN, fn=FREE))
    push(demo, BOB, fn=FREE)


def test_visitors_are_served_in_turn(demo: gr.Blocks):
    push(demo, ANN, times=4)
    push(demo, BOB, times=2)
    push(demo, CAT)
    assert order(demo) == "abcabaa"
    demo._queue.active_jobs = [next(iter(demo._queue.event_queue_per_concurrency_id.values())).queue[:1]]  # one of Ann's at work
    push(demo, CAT)
    assert order(demo).startswith("b")


def test_places_are_served_in_turn_and_visitors_at_each(demo: gr.Blocks):
    for n in range(5):
        push(demo, f"{n:032x}")  # one place, another visitor each time
    push(demo, ANN, times=2)
    push(demo, BOB, address="9.9.9.9", times=2)
    assert order(demo) == "0b1b234aa"


@pytest.mark.parametrize("public", [True, False])
def test_only_strangers_take_turns(public: bool):
    from aigc.jobs.supervisor import Supervisor

    supervisor = Supervisor()
    demo = shell.build(supervisor, public=public, single_user=not public)
    server.assemble(demo, supervisor, public=public, single_user=not public)
    limited = next(index for index, fn in demo.fns.items() if fn.concurrency_limit == 2)
    push(demo, ANN, fn=limited, times=fair.WAITING)
    if public:
        assert refused(lambda: push(demo, ANN, fn=limited))
    else:
        push(demo, ANN, fn=limited)


@pytest.mark.parametrize("fn", [99999, -1, None])
def test_what_nobody_listens_to_is_refused_and_not_a_fault(demo: gr.Blocks, fn: Any):
    with pytest.raises(HTTPException) as caught:
        push(demo, ANN, fn=fn)
    assert caught.value.status_code == 404


def test_a_refused_value_is_a_line_in_the_log_and_a_fault_is_all_of_it(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]):
    quick.brief_log()
    for error in (gr.Error("Value: nowhere is not in the list of choices" + "x" * 1000), ZeroDivisionError("ours")):
        try:
            raise error
        except Exception:
            queueing.traceback.print_exc()  # type: ignore[attr-defined]
    (line,) = caplog.messages
    assert "not in the list" in line and len(line) < 300
    told = capsys.readouterr().err
    assert "Traceback" in told and "ours" in told and "not in the list" not in told
