"""The Text tab: every view on miniature models, what it keeps and brings back, what it refuses, its endpoints and its command."""

from __future__ import annotations

import gc
import io
import itertools
import json
import re
import socket
import threading
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from pressing import Visitor, served, wait_for
from tiny_pretrained import BUILDERS

from aigc import home
from aigc.cli import main
from aigc.pretrained import Stopped, lending, shelf
from aigc.pretrained.catalogue import Task, rows
from aigc.pretrained.text.asked import Chat, Continue, Summarise
from aigc.pretrained.text.thought import parted
from aigc.pretrained.text.writing import Draft, Token
from aigc.ui import stops
from aigc.ui.page import Page
from aigc.ui.tabs import text_chat, text_continue, text_grid, text_kept
from aigc.ui.tabs.text_api import Endpoints
from aigc.ui.tabs.text_chat import ChatView
from aigc.ui.tabs.text_continue import ContinueView
from aigc.ui.tabs.text_kept import Kept
from aigc.ui.tabs.text_panel import pace_of, settings_of, status_of, window_of
from aigc.ui.tabs.text_perplexity import PerplexityView
from aigc.ui.tabs.text_summarise import SummariseView
from aigc.ui.telling import complaint
from aigc.ui.text import telling as telling_text
from aigc.ui.text import writing as text
from aigc.ui.visits import Made
from aigc.words import LANGS, Lang, Refusal, Words

REQUEST = cast(gr.Request, types.SimpleNamespace(session_hash="ann"))
TALKER = "qwen3-0.6b"


@pytest.fixture(scope="module")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    shelf.unload()  # what other tests left there: perhaps the real model of verse
    found = {}
    for name, slug in (("verse", "gpt2"), (TALKER, TALKER)):
        found[name] = tmp_path_factory.mktemp(name)
        BUILDERS[slug](found[name], None)
        (found[name] / "card.json").write_text("{}")
        (found[name] / "pytorch_model.bin").unlink(missing_ok=True)
    yield found
    shelf.unload()


@pytest.fixture(autouse=True)
def here(miniatures: dict[str, Path], aigc_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One miniature stands where verse is taught to, the other where downloads go."""
    from aigc.pretrained import hub

    folder = aigc_home / "checkpoints" / "local" / "pretrained"
    folder.mkdir(parents=True)
    (folder / "verse").symlink_to(miniatures["verse"])
    real = hub.here
    monkeypatch.setattr(hub, "here", lambda entry: miniatures.get(entry.slug) or real(entry))


def page(lang: Lang = "en", public: bool = False) -> Page:
    return Page(lang, cast(Any, None), cast(Any, None), (), public=public)


def view(kind: Any, lang: Lang = "en", public: bool = False) -> Any:
    with gr.Blocks():
        return kind(page(lang, public))


def given(v: Any, **values: Any) -> dict[Any, Any]:
    """The form as drawn, with these values."""
    found = {widget: getattr(widget, "value", None) for widget in v.inputs}
    named = {"model": v.chooser.model, **(v.form.widgets if hasattr(v, "form") else {})}
    named |= {
        name: getattr(v, name)
        for name in ("prompt", "stops", "history", "box", "system", "messages", "note", "given", "reference")
        if hasattr(v, name)
    }
    for name, empty in (("history", []), ("messages", []), ("note", {})):
        if name in named:
            found[named[name]] = empty
    if isinstance(v, ChatView):
        found[v.chooser.model] = TALKER
    if "length" in named:
        found[named["length"]] = 12
    return found | {named[name]: value for name, value in values.items()}


def ran(v: Any, **values: Any) -> list[tuple[Any, ...]]:
    return list(v.run(given(v, **values), REQUEST))


def told(result: Any) -> dict[str, Any]:
    shown = result[0] if isinstance(result, tuple) else result
    return json.loads(shown) if isinstance(shown, str) else {}


# continue
def test_a_prompt_is_written_on_and_every_token_can_be_looked_at() -> None:
    results = ran(view(ContinueView), prompt="hello")
    assert told(results[0])["busy"] and told(results[0])["kind"] == "same"
    done = told(results[-1])
    column = done["columns"][0]
    assert not done["busy"] and done["made"] and column["before"] == "hello" and "12 tokens in" in done["status"]
    assert all(len(others) == 10 and 0 < p <= 1 and rank >= 1 for _, p, rank, _, others in column["tokens"])
    for said in ("Model verse", "Temperature 0.8", "Seed 0", "Top p 0.95", "ms a token", "tokens/s"):
        assert said in column["facts"]
    kept = results[-1][1]
    assert isinstance(kept, Kept) and kept.text.startswith("hello") and results[-1][2] == [kept] and "data-kept" in results[-1][3]


def click(i: Any) -> gr.EventData:
    return cast(gr.EventData, types.SimpleNamespace(_data={"i": i}))


def test_a_slow_model_is_told_its_pace_and_the_reading_is_no_pace() -> None:
    """Two seconds a token are half a token a second, not none; the first token comes after the reading of all that was given."""
    tokens = (Token("a", 0.5), Token("b", 0.5), Token("c", 0.5))
    slow, quick = (Draft("abc", tokens, 9, first + 2 * pace, first) for first, pace in ((40.0, 2.0), (0.1, 0.01)))
    assert slow.pace == 2 and "2000.0 ms a token · 0.5 tokens/s · first after 40.00 s" in pace_of(slow, "en")
    assert "100 tokens/s" in pace_of(quick, "en") and "每秒 0.5 个" in pace_of(slow, "zh")
    begun = replace(slow, tokens=tokens[:1], seconds=40.0)
    assert status_of(begun, "en") == "Token 1 of at most 9" and status_of(begun, "zh") == "第 1 个词元，最多 9 个"
    assert status_of(slow, "en") == "Token 3 of at most 9, 2000 ms a token"


def test_older_texts_come_back_with_their_settings() -> None:
    v = view(ContinueView)
    first = ran(v, prompt="one", seed=7, top_k=9, stops="zzz")
    second = ran(v, prompt="two", history=first[-1][2])
    back = v.again(second[-1][2], click(1))
    assert back[v.prompt] == "one" and back[v.stops] == "zzz" and back[v.form.widgets["seed"]]["value"] == 7
    assert back[v.form.widgets["top_k"]]["value"] == 9 and json.loads(back[v.panel])["columns"] == told(first[-1])["columns"]
    for nonsense in ({}, {"i": 9}, {"i": "1"}, None):
        assert v.panel not in v.again(second[-1][2], cast(gr.EventData, types.SimpleNamespace(_data=nonsense)))
    assert len(ran(v, history=[first[-1][1]] * 60)[-1][2]) == text_kept.MOST_KEPT


def onward(v: Any, kept: Kept | None, **told: Any) -> dict[Any, Any]:
    return cast(dict[Any, Any], v.goes_on(kept, cast(gr.EventData, types.SimpleNamespace(_data=told))))


def pressed_on(v: Any, back: dict[Any, Any], history: list[Kept]) -> Kept:
    """The run that follows, of the form as it was filled."""
    form = given(v, history=history)
    for widget, update in back.items():
        if widget in form:
            form[widget] = update["value"] if isinstance(update, dict) and "value" in update else update if isinstance(update, str) else form[widget]
    return cast(Kept, list(v.run(form, REQUEST))[-1][1])


def test_a_text_goes_on_from_an_alternative_with_the_same_settings() -> None:
    v = view(ContinueView)
    last = ran(v, prompt="hello", seed=7, top_k=9, stops="zzz", length=12)[-1]
    kept = last[1]
    assert told(last)["onward"]
    tokens = told(last)["columns"][0]["tokens"]
    other = next(i for i, row in enumerate(tokens[3][4]) if len(row) == 3 and row[0] != tokens[3][0])
    begins = "hello" + "".join(t[0] for t in tokens[:3]) + tokens[3][4][other][0]
    back = onward(v, kept, column=0, token=3, other=other)
    assert back[v.prompt] == begins and back[v.stops] == "zzz" and back[v.form.widgets["seed"]]["value"] == 7
    branch = pressed_on(v, back, last[2])
    assert branch.text.startswith(begins) and len(branch.text) > len(begins) and branch.values == kept.values
    assert last[2] == [branch, kept] and v.again(last[2], click(0))[v.prompt] == begins


def test_a_text_is_written_on_from_its_end() -> None:
    v = view(ContinueView)
    last = ran(v, prompt="hello", seed=7)[-1]
    whole = "hello" + "".join(t[0] for t in told(last)["columns"][0]["tokens"])
    back = onward(v, last[1], column=0)
    assert back[v.prompt] == whole and pressed_on(v, back, last[2]).text.startswith(whole)


def test_of_three_methods_the_one_that_is_clicked_goes_on() -> None:
    v = view(ContinueView)
    kept = list(v.run_all(given(v, prompt="hello", length=4), REQUEST))[-1][1]
    for column, method in enumerate(("greedy", "sample", "beam")):
        assert onward(v, kept, column=column)[v.form.widgets["method"]]["value"] == method


def test_nothing_goes_on_from_nonsense_or_from_a_mark() -> None:
    v = view(ContinueView)
    kept = ran(v, prompt="hello")[-1][1]
    payload = json.loads(kept.payload)
    payload["columns"][0]["tokens"][0][4][1] = ["<eos>", 0.1, 0.1, False]
    kept = replace(kept, payload=json.dumps(payload))
    nonsense: list[dict[str, Any]] = [
        {}, {"column": 1}, {"column": -1}, {"column": "0"}, {"column": 0, "token": 99, "other": 0}, {"column": 0, "token": 0, "other": 99},
        {"column": 0, "token": 0}, {"column": 0, "token": 0, "other": 1},
    ]  # fmt: skip
    for told_ in nonsense:
        with pytest.raises(gr.Error):
            onward(v, kept, **told_)
    with pytest.raises(gr.Error):
        onward(v, None, column=0)


def test_an_example_goes_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", home.PROJECT / "checkpoints" / "shipped")
    v = view(ContinueView, "zh")
    back = onward(v, None, column=0, token=0, other=1, example="text-continue.zh")
    stored = json.loads((home.examples_folder() / "text-continue.zh.json").read_bytes())
    assert back[v.prompt].endswith(stored["columns"][0]["tokens"][0][4][1][0]) and back[v.chooser.model] == "verse"


def test_three_methods_stand_side_by_side() -> None:
    v = view(ContinueView)
    done = told(list(v.run_all(given(v, prompt="hello"), REQUEST))[-1])
    assert [c["head"] for c in done["columns"]] == ["Greedy", "Sample", "Beam search"] and all(c["tokens"] for c in done["columns"])


def test_a_stop_keeps_what_was_written_and_the_next_run_works() -> None:
    v, results = view(ContinueView), []
    for result in v.run(given(v, length=240, prompt="hello"), REQUEST):
        results.append(result)
        if told(result).get("kind") == "text":
            v.halt(REQUEST)
    done = told(results[-1])
    assert "Stopped by you" in done["status"] and 0 < len(done["columns"][0]["tokens"]) < 240 and isinstance(results[-1][1], Kept)
    assert isinstance(ran(v)[-1][1], Kept)


def test_a_second_press_ends_the_first_run() -> None:
    v = view(ContinueView)
    first = v.run(given(v, length=240), REQUEST)
    assert len(list(itertools.islice(first, 2))) == 2
    assert isinstance(ran(v)[-1][1], Kept)
    assert not told(list(first)[-1])  # it leaves the panel alone


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (ContinueView, {"prompt": "  "}, "Write something"),
    (ContinueView, {"prompt": None}, "Write something"),
    (ContinueView, {"prompt": "a" * 30_000}, "20000"),
    (ContinueView, {"temperature": -1}, "between"),
    (ContinueView, {"temperature": float("nan")}, "number"),
    (ContinueView, {"method": "rm -rf"}, "one of"),
    (ContinueView, {"stops": "x\n" * 20}, "stop words"),
    (ContinueView, {"model": "../etc"}, "no model called"),
    (ContinueView, {"model": "gpt2"}, "download it first"),
    (ContinueView, {"length": 300}, "256"),
    (ContinueView, {"shape": "title-5"}, "model of verse"),
    (SummariseView, {"given": " "}, "Write something"),
    (SummariseView, {"words": 3}, "between"),
    (PerplexityView, {"given": ""}, "Write something"),
    (PerplexityView, {"given": "\x00"}, "Write something"),
    (ContinueView, {"prompt": "\x00 \x00"}, "Write something"),
    (SummariseView, {"given": "\x00"}, "Write something"),
    (PerplexityView, {"given": "z" * 15_000}, "at most 4096 can be looked at: leave a part"),
]


@pytest.mark.parametrize(("kind", "bad", "says"), BAD)
def test_nonsense_is_one_plain_sentence(kind: Any, bad: dict[str, Any], says: str) -> None:
    for lang in LANGS:
        last = told(ran(view(kind, lang), **bad)[-1])
        assert last["kind"] == "same" and not last["busy"] and last["refused"]
        assert (says in last["status"]) if lang == "en" else re.search("[一-鿿]", last["status"]), last["status"]


def test_a_refusal_is_marked_and_a_stop_is_not() -> None:
    assert told(ran(view(PerplexityView), given="")[-1])["refused"]
    assert not json.loads(complaint(telling_text.STOPPED, "en"))["refused"]
    assert "refused" not in told(ran(view(PerplexityView), given="hello")[-1])


@pytest.mark.parametrize("kind", [ContinueView, SummariseView, PerplexityView])
def test_what_a_press_brings_says_which_press_and_differs_from_what_another_brought(kind: Any) -> None:
    """The page hears only of a value that is another: the same refusal twice would leave it waiting."""
    v, empty = view(kind), {"prompt" if kind is ContinueView else "given": " "}
    presses = [ran(v, **empty), ran(v, **empty), ran(v)]
    runs = [{told(result)["run"] for result in press} for press in presses]
    assert all(len(one) == 1 for one in runs) and len(set.union(*runs)) == 3
    assert told(presses[0][-1])["status"] == told(presses[1][-1])["status"]
    first, second = (result[0] if isinstance(result, tuple) else result for result in (presses[0][-1], presses[1][-1]))
    assert first != second


def test_the_same_refusal_of_a_chat_is_told_anew_and_goes_once_a_model_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    v = view(ChatView)
    monkeypatch.setattr(ChatView, "_has_model", lambda self: False)
    monkeypatch.setattr(text_chat.hub, "here", lambda entry: None)
    lines = [list(v.send(given(v, box="hello"), REQUEST))[-1][3] for _ in range(2)]
    assert lines[0] != lines[1] and all(text.NO_CHAT_MODEL.en[:40] in line for line in lines)
    assert v.lacking(lines[0]) == gr.skip()
    monkeypatch.setattr(ChatView, "_has_model", lambda self: True)
    assert "model" not in v.lacking(lines[0])


def test_an_unexpected_failure_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_continue, "CONTINUATIONS", lambda *_, **__: iter([1 / 0]))
    assert told(ran(view(ContinueView))[-1])["status"] == text.UNEXPECTED.en


def test_a_public_page_runs_only_what_is_listed() -> None:
    assert "only the models of its list" in told(ran(view(ContinueView, public=True), model="somebody/something")[-1])["status"]


def test_nothing_that_was_typed_becomes_markup() -> None:
    assert "<img" not in ran(view(ContinueView), prompt="<img src=x onerror=alert(1)>{{7*7}}")[-1][3]


def test_a_saved_text_is_labelled_and_says_how_it_was_made() -> None:
    written = text_kept.saved(ran(view(ContinueView), prompt="hello", seed=3)[-1][1]).read_text("utf-8")
    assert "AIGC:" in written and "AI-generated" in written and '"seed": 3' in written and "hello" in written
    with pytest.raises(Refusal):
        text_kept.saved(None)


def test_only_verse_asks_what_it_is_given() -> None:
    v = view(ContinueView)
    shape = v.form.widgets["shape"]
    assert v.other_model("verse")[shape]["visible"] and not v.other_model(TALKER)[shape]["visible"] and v.other_model(None)


# continue, as a grid
def crossed(v: Any, x: tuple[str, str], y: tuple[str, str], **values: Any) -> list[tuple[Any, ...]]:
    return list(v.grid.run(form_of(v, x, y, **values), REQUEST))


def form_of(v: Any, x: tuple[str, str], y: tuple[str, str], **values: Any) -> dict[Any, Any]:
    (across, xs), (down, ys) = v.grid.axes.chosen_by
    return given(v, **values) | {across: x[0], xs: x[1], down: y[0], ys: y[1]}


def test_two_settings_are_varied_against_each_other_and_each_cell_is_what_they_give_alone() -> None:
    v = view(ContinueView)
    results = crossed(v, ("temperature", "0.5, 1.5"), ("seed", "3，1234567890"), prompt="hello")
    done, kept = told(results[-1]), results[-1][1]
    assert done["kind"] == "grid" and done["over"] and not done["busy"] and done["made"] and done["status"] == "4 of 4 texts"
    assert done["x"] == {"label": "Temperature", "values": ["0.5", "1.5"]} and done["y"]["values"] == ["3", "1234567890"]
    cells = [done["cells"][str(i)] for i in range(4)]
    assert all(c["before"] == "hello" and " tokens, " in c["facts"] for c in cells)
    alone = told(ran(v, prompt="hello", temperature=1.5, seed=3)[-1])["columns"][0]
    assert cells[1]["text"] == "".join(t[0] for t in alone["tokens"]) and cells[1]["text"] != cells[3]["text"]
    assert "Top p 0.95" in done["facts"] and "Seed" not in done["facts"] and "Temperature" not in done["facts"]
    on_the_way = [told(r) for r in results[1:-1] if told(r)["kind"] == "grid"]
    assert all(p["busy"] and p["go"] == done["go"] and str(p["at"]) in p["cells"] for p in on_the_way)
    assert results[-1][2] == [kept] and "Temperature × Seed: hello" in results[-1][3]


def test_the_settings_of_a_cell_are_in_the_form_after_a_click() -> None:
    v = view(ContinueView)
    kept = crossed(v, ("top_k", "5, 9"), ("method", "greedy, beam"), prompt="one", stops="zzz", length=6)[-1][1]
    back = v.grid.again(kept, click(3))
    assert told(back[v.panel]) == {"kind": "same", "status": text.AGAIN.en, "busy": False, "chosen": 3}
    assert back[v.prompt] == "one" and back[v.stops] == "zzz" and back[v.chooser.model] == "verse"
    assert [back[v.form.widgets[name]]["value"] for name in ("top_k", "method", "length")] == [9, "beam", 6]
    for nothing, i in ((kept, 4), (kept, -1), (kept, "0"), (None, 0), (ran(v)[-1][1], 0)):
        assert v.panel not in v.grid.again(nothing, click(i))
    whole = v.again([kept], click(0))
    assert told(whole[v.panel])["cells"] == json.loads(kept.payload)["cells"] and whole[v.form.widgets["top_k"]]["value"] == 0


def test_a_grid_is_saved_with_its_label_and_its_axes() -> None:
    v = view(ContinueView, "zh")
    kept = crossed(v, ("method", "greedy, sample"), ("length", "4, 8"), prompt="hello")[-1][1]
    written = text_kept.saved(kept).read_text("utf-8")
    assert "AIGC:" in written and "AI-generated" in written and '"across": ["method", "greedy", "sample"], "down": ["length", "4", "8"]' in written
    assert written.count("### ") == 4 and "### 方法 贪心，长度（词元） 8" in written and '"prompt": "hello"' in written


def test_a_stopped_grid_keeps_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained.text.kit import Kit

    monkeypatch.setattr(text_grid, "SHOW_EVERY", 0.0)  # every token is seen
    monkeypatch.setattr(Kit, "ends", set())  # and no text ends by itself
    v, results = view(ContinueView), []
    for result in v.grid.run(form_of(v, ("seed", "1, 2"), ("top_k", "3, 4"), length=200, prompt="hello"), REQUEST):
        results.append(result)
        if told(result).get("at") == 1:
            v.halt(REQUEST)
    done, kept = told(results[-1]), results[-1][1]
    assert sorted(done["cells"]) == ["0", "1"] and done["over"] and done["status"] == "1 of 4 texts · Stopped."
    assert done["cells"]["0"]["facts"].startswith("200 tokens") and int(done["cells"]["1"]["facts"].split()[0]) < 200
    assert isinstance(kept, Kept) and kept.text.count("### ") == 2
    assert isinstance(ran(v)[-1][1], Kept)


NO_GRIDS = [
    (("temperature", "0.5, x"), ("top_k", "5"), {}, "number"),
    (("temperature", "0.5, 3"), ("top_k", "5"), {}, "between"),
    (("temperature", " , "), ("top_k", "5"), {}, "1 to 8"),
    (("temperature", "0.5"), ("top_k", "1,2,3,4,5,6,7,8,9"), {}, "1 to 8"),
    (("temperature", "0.5"), ("temperature", "0.6"), {}, "two settings"),
    (("nonsense", "1"), ("top_k", "5"), {}, "no such setting"),
    (("method", "greedy, x"), ("top_k", "5"), {}, "one of"),
    (("length", "20, 300"), ("top_k", "5"), {}, "256"),
    (("shape", "auto, title-5"), ("top_k", "5"), {}, "model of verse"),
    (("seed", "1"), ("top_k", "5"), {"prompt": " "}, "Write something"),
]


@pytest.mark.parametrize(("x", "y", "more", "says"), NO_GRIDS)
def test_a_grid_of_nonsense_is_one_plain_sentence_before_anything_is_written(x: Any, y: Any, more: dict[str, Any], says: str) -> None:
    for lang in LANGS:
        results = crossed(view(ContinueView, lang), x, y, **{"prompt": "hello", **more})
        last = told(results[-1])
        assert all(told(r)["kind"] == "same" for r in results) and not last["busy"] and results[-1][1] == gr.skip()
        assert (says in last["status"]) if lang == "en" else re.search("[一-鿿]", last["status"]), last["status"]


def test_a_grid_that_cannot_go_on_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    real = text_grid.GRIDS

    def full(*args: Any, **how: Any) -> Iterator[Any]:
        for grid in real(*args, **how):
            yield grid
            if getattr(grid, "done", 0) == 1:
                raise Refusal(Words("The memory is full.", "内存已满。"))

    monkeypatch.setattr(text_grid, "GRIDS", full)
    results = crossed(view(ContinueView), ("seed", "1, 2"), ("top_k", "3"), prompt="hello")
    assert told(results[-1])["status"] == "1 of 2 texts · The memory is full." and isinstance(results[-1][1], Kept)


def test_what_may_be_typed_is_said() -> None:
    offered = {lang: view(ContinueView, lang).grid.axes._offered for lang in LANGS}
    assert offered["en"]("temperature") == "0 … 2" and offered["en"]("seed") == "0 … 2147483647"
    assert offered["en"]("method") == "sample, greedy, beam" and offered["zh"]("method").startswith("sample（采样）, greedy（贪心）")


def test_a_large_seed_is_told_to_its_last_digit() -> None:
    assert "Seed 1234567890 " in told(ran(view(ContinueView), prompt="hello", seed=1234567890)[-1])["columns"][0]["facts"]


# perplexity
def test_a_pasted_text_is_coloured_and_figured_token_by_token() -> None:
    done = told(ran(view(PerplexityView), given="hello world")[-1])
    assert done["colour"] and "Perplexity" in done["status"] and "made" not in done and "bit" in done["notes"][0]
    column = done["columns"][0]
    assert "".join(t[0] for t in column["tokens"]) == "hello world"
    assert re.fullmatch(rf"Model verse · {len(column['tokens'])} tokens in [\d.]+ s · [\d.]+ ms a token", column["facts"])


# chat
def talked(v: ChatView, what: str = "send", evt: Any = None, **values: Any) -> list[tuple[Any, ...]]:
    extra = (evt,) if evt else ()
    return list(getattr(v, what)(given(v, **values), *extra, REQUEST))


def messages_of(results: list[tuple[Any, ...]]) -> list[dict[str, str]]:
    return results[-1][1]


def test_a_message_is_answered_in_a_stream() -> None:
    v = view(ChatView)
    results = talked(v, box="hi", system="be brief")
    whole = messages_of(results)
    assert [m["role"] for m in whole] == ["user", "assistant"] and results[-1][2]["system"] == "be brief"
    assert any(r[4] == "" for r in results), "the box is emptied"
    assert "tokens in" in results[-1][3] and "Seed 0" in results[-1][3]
    again = talked(v, "again", messages=whole, note=results[-1][2])
    assert messages_of(again)[0] == whole[0] and len(messages_of(again)) == 2 and "Seed 1" in again[-1][3]


def waiting(results: Any = ()) -> Any:
    """A run in which the model reads for a while, and then tells `results` or is stopped."""

    def run(*_: Any, **__: Any) -> Iterator[Any]:
        yield lending.Waiting(is_open=True)
        if not results:
            raise Stopped
        yield from results

    return run


def test_a_question_stands_in_the_conversation_before_the_first_token(monkeypatch: pytest.MonkeyPatch) -> None:
    v, hi = view(ChatView), {"role": "user", "content": "hi"}
    monkeypatch.setattr(text_chat, "CHATS", waiting())
    _, asked, reads, stopped = talked(v, box="hi")
    assert asked[0] == asked[1] == [hi] and asked[4] == "", "it has left its box"
    assert telling_text.READING.en in reads[3] and reads[0] == gr.skip()
    assert stopped[0] == stopped[1] == [] and stopped[4] == "hi", "stopped before a word of an answer: it is in its box again"


def test_an_answer_stays_until_another_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    v = view(ChatView)
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    monkeypatch.setattr(text_chat, "CHATS", waiting())
    _, asked, _, stopped = talked(v, "again", messages=talk)
    assert asked[0] == talk[:1] and asked[1] == gr.skip() and asked[4] == gr.skip()
    assert stopped[0] == talk and stopped[1] == gr.skip()


def test_a_question_asked_before_the_last_was_answered_joins_it() -> None:
    results = talked(view(ChatView), box="and you?", messages=[{"role": "user", "content": "hi"}])
    assert [m["role"] for m in messages_of(results)] == ["user", "assistant"] and messages_of(results)[0]["content"] == "hi\n\nand you?"


def test_the_next_turn_of_a_visitor_is_not_read_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained.text import recall
    from aigc.pretrained.text.kit import Reading

    fed, real = list[int](), Reading.on
    monkeypatch.setattr(recall, "_is_exact", lambda kit: True)  # a CPU quick at 16 bits takes over whole chunks alone
    monkeypatch.setattr(Reading, "on", lambda self, ids, every=False: fed.append(len(ids)) or real(self, ids, every))
    v = view(ChatView)
    whole = messages_of(talked(v, box="hello " * 40, length=4))
    for who, least in (("ann", 1), ("bob", fed[0])):
        fed.clear()
        asking = cast(gr.Request, types.SimpleNamespace(session_hash=who))
        list(v.send(given(v, box="on", length=4, messages=whole), asking))
        assert least <= fed[0] < (80 if who == "ann" else 10_000)


def test_the_box_is_one_in_which_enter_sends() -> None:
    v = view(ChatView)
    assert "Enter sends" in text.HELLO.en and v.box.lines == 1 < v.box.max_lines, "Gradio sends at Enter only where a box begins with one line"


def test_a_question_can_be_edited_and_asked_again() -> None:
    v = view(ChatView)
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>x</think>b"}, {"role": "user", "content": "c"},
            {"role": "assistant", "content": "d"}]  # fmt: skip
    assert len(text_chat.shown(talk, "Thoughts")) == 5
    edited = talked(v, "edited", types.SimpleNamespace(index=3, value="new", previous_value="c"), messages=talk)
    assert [m["content"] for m in messages_of(edited)[:3]] == ["a", "<think>x</think>b", "new"] and len(messages_of(edited)) == 4
    retried = talked(v, "retried", types.SimpleNamespace(index=2, value="b"), messages=talk)
    assert [m["content"] for m in messages_of(retried)[:1]] == ["a"] and len(messages_of(retried)) == 2
    for index, value in ((1, "x"), (99, "x"), ("0", "x"), (0, " ")):
        refused = talked(v, "edited", types.SimpleNamespace(index=index, value=value, previous_value=""), messages=talk)
        assert refused[-1][1] == gr.skip() and text_chat._line("") != refused[-1][3]


def test_without_a_model_that_chats_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained import hub

    monkeypatch.setattr(hub, "here", lambda entry: None)
    for lang in LANGS:
        v = view(ChatView, lang)
        assert text.NO_CHAT_MODEL[lang] in v.line.value and text.NO_CHAT_MODEL[lang] in talked(v, box="hi")[-1][3]


def test_chat_notices_that_a_model_has_come_or_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained import hub

    v, real = view(ChatView), hub.here
    monkeypatch.setattr(hub, "here", lambda entry: None)
    lack = v.lacking(v.line.value)
    assert text.NO_CHAT_MODEL.en in lack and v.lacking(lack) == gr.skip()
    monkeypatch.setattr(hub, "here", real)
    assert v.lacking(lack) == v.line.value == text_chat._line("")
    assert v.lacking(text_chat._line("12 tokens")) == gr.skip(), "what else the line says stays"


def test_the_form_follows_a_model_that_came_since_the_page_was_drawn() -> None:
    v = view(ContinueView)
    assert v.chooser.first.slug == "verse" and v.other_start("verse") == gr.skip()
    assert v.other_start("gpt2")[v.form.widgets["repetition"]]["value"] == 1.1


def test_chat_refuses_nonsense_and_loses_nothing() -> None:
    v = view(ChatView)
    for what, values in (("send", {"box": " "}), ("again", {}), ("send", {"box": "x" * 30_000}), ("send", {"box": "hi", "model": "verse"})):
        results = talked(v, what, **values)
        assert results[-1][1] == gr.skip() and "role=" in results[-1][3]
    assert v.cleared([], REQUEST)[:2] == ([], [])


def test_a_conversation_is_exported() -> None:
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    told_ = json.loads(text_chat._exporter("json")(talk, {"model": "x", "system": "s"}).read_text("utf-8"))
    assert [m["role"] for m in told_["messages"]] == ["system", "user", "assistant"]
    with pytest.raises(Refusal):
        text_chat._exporter("md")([], {})


def test_settings_of_lots_are_told_only_where_lots_are_drawn() -> None:
    for settings in (Continue(), Chat(), Summarise(temperature=0.5)):
        assert "Seed 0" in settings_of(settings, "m", "en")
        heard = " · ".join(settings_of(replace(settings, temperature=0.0), "m", "en"))
        assert "Temperature 0" in heard and "Seed" not in heard and "Top" not in heard
    assert "Seed 0" in settings_of(Continue(temperature=0.0), "m", "en", ("temperature",)), "a grid over temperatures draws"


def test_two_settings_of_an_answer_are_varied_against_each_other() -> None:
    v = view(ChatView)
    results = crossed(v, ("temperature", "0.5, 1.5"), ("seed", "1, 2"), box="hello", system="be brief")
    done, kept = told(results[-1]), results[-1][1]
    assert done["kind"] == "grid" and done["over"] and done["made"] and done["status"] == "4 of 4 texts" and "Length" in done["facts"]
    *_, alone = v.send(given(v, box="hello", system="be brief", temperature=1.5, seed=2), REQUEST)
    assert done["cells"]["3"]["text"] == parted(alone[1][-1]["content"])[1] != done["cells"]["1"]["text"]
    written = text_kept.saved(kept).read_text("utf-8")
    assert '"prompt": "hello"' in written and '"system": "be brief"' in written and '"down": ["seed", "1", "2"]' in written
    back = v.grid.again(kept, click(1))
    assert back[v.box] == "hello" and back[v.system] == "be brief" and back[v.form.widgets["temperature"]]["value"] == 1.5
    older = v.shown_again([kept], click(0))
    assert told(older[v.panel])["cells"] == json.loads(kept.payload)["cells"] and v.panel not in v.shown_again([kept], click(1))


def test_a_grid_answers_the_last_question_where_the_box_is_empty() -> None:
    v = view(ChatView)
    talk = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    kept = crossed(v, ("seed", "1"), ("top_k", "3, 4"), messages=talk)[-1][1]
    assert kept.label == "Seed × Top k: one" and kept.given["message"] == ""
    last = told(crossed(v, ("seed", "1"), ("top_k", "3"))[-1])
    assert last["kind"] == "same" and last["status"] == text.NO_QUESTION.en


# summaries
def test_two_summaries_stand_side_by_side_with_their_scores() -> None:
    v = view(SummariseView)
    results = ran(v, model=TALKER, words=20, reference="engines and towns along the line")
    model, extract = told(results[-1])["columns"]
    assert model["head"] == "Qwen3 0.6B" and "ROUGE-1" in extract["facts"] and "sentences" in extract["facts"] and extract["text"]
    assert "Window" in model["facts"] and "ROUGE" in told(results[-1])["notes"][0]
    assert "Seed" not in model["facts"], "at temperature 0 no lots are drawn"
    assert "Seed 5" in told(ran(v, model=TALKER, words=20, temperature=0.5, seed=5)[-1])["columns"][0]["facts"]
    assert "AIGC:" in text_kept.saved(results[-1][1]).read_text("utf-8")


def test_two_settings_of_a_summary_are_varied_against_each_other() -> None:
    v = view(SummariseView)
    long = "The first sentence is here. " * 40
    results = crossed(v, ("words", "20, 40"), ("window", "128, 1024"), model=TALKER, given=long, reference="sentence here")
    done, kept = told(results[-1]), results[-1][1]
    assert done["kind"] == "grid" and done["over"] and not done["busy"] and done["made"] and done["status"] == "4 of 4 texts"
    assert done["y"] == {"label": "Window (tokens)", "values": ["128", "1024"]}
    alone = told(ran(v, model=TALKER, given=long, words=40, window=1024)[-1])["columns"][0]
    assert done["cells"]["3"]["text"].strip() == alone["text"].strip() and all("ROUGE-1" in done["cells"][str(i)]["facts"] for i in range(4))
    assert kept.text.count("### ") == 4 and len(kept.label) < 150
    assert '"down": ["window", "128", "1024"]' in text_kept.saved(kept).read_text("utf-8")
    back = v.grid.again(kept, click(1))
    assert back[v.form.widgets["words"]]["value"] == 40 and back[v.form.widgets["window"]]["value"] == 128
    assert back[v.given] == long.strip() or back[v.given] == long


def test_a_grid_of_summaries_without_a_model_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained import hub

    shelf.unload()  # what is loaded needs no download
    monkeypatch.setattr(hub, "here", lambda entry: None)
    last = told(crossed(view(SummariseView), ("words", "20, 40"), ("window", "128"), model=TALKER)[-1])
    assert last["kind"] == "same" and not last["busy"] and "download" in last["status"].lower(), last


def test_older_summaries_come_back_with_their_text_and_settings() -> None:
    v = view(SummariseView, "zh")
    first = ran(v, model=TALKER, words=30, given="一二三。四五六。七八九。", reference="四五六")
    second = ran(v, model=TALKER, words=20, history=first[-1][2])
    assert second[-1][3].count("data-kept") == 2 and [k.values["words"] for k in second[-1][2]] == [20, 30]
    back = v.again(second[-1][2], click(1))
    assert back[v.given] == "一二三。四五六。七八九。" and back[v.reference] == "四五六" and back[v.form.widgets["words"]]["value"] == 30
    assert back[v.chooser.model] == TALKER and back[v.last] is first[-1][1]
    assert told(back[v.panel])["columns"] == told(first[-1])["columns"] and told(back[v.panel])["status"] == text.AGAIN.zh
    assert v.panel not in v.again(second[-1][2], click(2))


def test_without_a_model_the_sentences_are_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained import hub

    monkeypatch.setattr(hub, "here", lambda entry: None)
    done = told(ran(view(SummariseView, "zh"))[-1])
    assert done["status"] == text.NO_SUMMARISER.zh and len(done["columns"]) == 1
    assert all(f"{s}。" in text.LONG_TEXT.zh for s in done["columns"][0]["text"].strip("。").split("。"))


def test_sentences_of_the_text_itself_join_the_history_but_are_no_generated_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained import hub

    monkeypatch.setattr(hub, "here", lambda entry: None)
    kept = ran(view(SummariseView))[-1][1]
    assert isinstance(kept, Kept) and not kept.made and "made" not in {k for k, on in json.loads(kept.payload).items() if on is True}
    with pytest.raises(Refusal):
        text_kept.saved(kept)


def test_a_file_fills_the_box(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("你好", "utf-8")
    v = view(SummariseView)
    assert v.uploaded(str(tmp_path / "a.txt")) == "你好"
    with pytest.raises(gr.Error):
        v.uploaded(None)


# several presses at once, through Gradio's queue
def slowed(real: Any) -> Any:
    """A run whose every result takes a while."""

    def run(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for result in real(*args, **kwargs):
            yield result
            time.sleep(0.05)

    return run


@pytest.mark.parametrize("lang", LANGS)
def test_whoever_waits_hears_how_many_are_before_and_stop_is_heard_there(lang: Lang) -> None:
    from aigc.pretrained.text.kit import load

    with gr.Blocks() as demo:
        v = ContinueView(page(lang))
    verse = next(e for e in rows(Task.CONTINUE) if e.slug == "verse")
    with served(demo) as url:
        crowd = [Visitor(demo, url, f"{lang}-{i}") for i in range(7)]
        with shelf.lent(verse, load, threading.Event()):
            for place, one in enumerate(crowd, 1):
                one.press(v.run, {v.prompt: "hello", v.form.widgets["length"]: 4})
                one.hears(telling_text.IN_LINE.fill(n=place)[lang])
            crowd[-2].press(v.halt)
            crowd[-2].hears(telling_text.STOPPED[lang], seconds=10)
            crowd[-1].hears(telling_text.IN_LINE.fill(n=6)[lang])
        for one in crowd:
            one.waits()
        assert [len(one.state(v.history)) for one in crowd] == [1, 1, 1, 1, 1, 0, 1]


def test_what_two_presses_made_both_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare is pressed while Continue streams: its half is kept, and shows nothing over what came after it."""
    monkeypatch.setattr(text_continue, "CONTINUATIONS", slowed(text_continue.CONTINUATIONS))
    with gr.Blocks() as demo:
        v = ContinueView(page())
    with served(demo) as url:
        ann = Visitor(demo, url, "ann")
        ann.press(v.run, {v.prompt: "hello", v.form.widgets["length"]: 240})
        ann.hears("of at most")
        ann.press(v.run_all, {v.prompt: "hello", v.form.widgets["length"]: 4})
        ann.waits()
        first, compared = sorted(ann.state(v.history), key=lambda kept: len(json.loads(kept.payload)["columns"]))
        assert first.given == compared.given and first.values["length"] == 240 and len(first.text) > 5
        assert len(json.loads(compared.payload)["columns"]) == 3 and ann.state(v.last) is compared
        shown = [end[0] for end in ann.ended()]
        assert None in shown and len(told(next(one for one in shown if one))["columns"]) == 3


@contextmanager
def an_answer_streaming(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ChatView, Visitor]]:
    """A chat in which a long answer has begun."""
    monkeypatch.setattr(text_chat, "CHATS", slowed(text_chat.CHATS))
    with gr.Blocks() as demo:
        v = ChatView(page())
    with served(demo) as url:
        ann = Visitor(demo, url, "ann")
        ann.press(v.send, {v.box: "hello", v.chooser.model: TALKER, v.form.widgets["length"]: 200})
        ann.hears("of at most")
        yield v, ann


@pytest.mark.parametrize("lang", LANGS)
def test_a_conversation_is_there_again_when_its_page_is(lang: Lang) -> None:
    v, latest = view(ChatView, lang), Made()
    for box in ("one", "two"):
        messages, note = latest[0] if latest else ([], {})
        list(v.send(given(v, box=box, messages=messages, note=note) | {v.latest: latest}, REQUEST))
    back = v.returned(latest)
    assert [m["role"] for m in back[v.messages]] == ["user", "assistant"] * 2 and back[v.note]["task"] == "chat"
    assert [m["content"] for m in back[v.talk]][::2] == ["one", "two"] and telling_text.RETURNED[lang] in back[v.line]
    talked(v, "send", box=" ", messages=back[v.messages])
    assert len(latest) == 1
    v.cleared(latest, REQUEST)
    assert not latest


def test_a_half_answered_question_is_there_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with an_answer_streaming(monkeypatch) as (v, ann):
        wait_for(lambda: ann.state(v.latest) and len(ann.state(v.latest)[0][0]) == 2, "half an answer")
        ann.press(v.halt)
        ann.waits()


def test_a_conversation_that_was_cleared_away_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with an_answer_streaming(monkeypatch) as (v, ann):
        ann.press(v.cleared)
        ann.waits()
        shown = [end[0] for end in ann.ended()]
        assert None in shown and [] in shown and ann.state(v.messages) == []


def test_who_asks_on_while_an_answer_streams_keeps_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with an_answer_streaming(monkeypatch) as (v, ann):
        wait_for(lambda: len(ann.state(v.messages)) == 2, "half an answer")
        ann.press(v.send, {v.box: "and on", v.chooser.model: TALKER, v.form.widgets["length"]: 4})
        ann.waits()
        said = ann.state(v.messages)
        assert [m["role"] for m in said] == ["user", "assistant"] * 2 and said[1]["content"] and said[2]["content"] == "and on"


def test_a_run_that_lasts_can_always_be_stopped() -> None:
    asking = [cast(gr.Request, types.SimpleNamespace(session_hash=str(i))) for i in range(1000)]
    running = [stops.begun("continue", one) for one in asking]
    for one in asking:
        stops.stopped("continue", one)
    assert all(stop.is_set() for stop in running)
    running.clear()
    gc.collect()
    assert not [who for who, _ in stops.RUNNING if who.isdecimal()]


def test_a_crowd_too_large_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(lending, "_places", places)
    for _ in range(2):  # a run leaves its place when it is over
        assert isinstance(ran(view(ContinueView))[-1][1], Kept)
    places.acquire()
    assert told(ran(view(ContinueView, "zh"))[-1])["status"] == lending.TOO_MANY.fill(n=lending.MOST).zh


# programs
@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    from gradio_client import Client

    with gr.Blocks() as demo:
        Endpoints(page()).draw()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    demo.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True)
    yield Client(f"http://127.0.0.1:{port}", verbose=False)
    demo.close()


def test_programs_call_named_endpoints(client: Any) -> None:
    said, how = client.predict("hello", seed=4, settings={"length": 6}, api_name="/text_continue")
    assert said.startswith("hello") and how["settings"]["seed"] == 4 and how["tokens"] == 6 and how["model"] == "verse"
    answer, how = client.predict("hi", history=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], system="s",
                                 model=TALKER, settings={"length": 5}, api_name="/text_chat")  # fmt: skip
    assert isinstance(answer, str) and how["model"] == TALKER
    summary, how = client.predict(text.LONG_TEXT.en, reference="towns", model="none", api_name="/text_summarise")
    assert summary in text.LONG_TEXT.en or ". " in summary
    assert how["rouge_extract"]["rouge1"] > 0
    assert client.predict("hello", api_name="/text_perplexity")["perplexity"] > 1
    for bad in ({"prompt": ""}, {"prompt": "x", "settings": {"nonsense": 1}}, {"prompt": "x", "model": "../x"}):
        with pytest.raises(Exception, match=r"Write|no knob|no model"):
            client.predict(**bad, api_name="/text_continue")


def returned(named: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [r["python_type"]["type"] for r in about["returns"]] for name, about in named.items()}


def test_programs_are_told_the_types_of_what_they_get(client: Any) -> None:
    from aigc.ui.tabs.image_api import Endpoints as OfImages

    streamed = ["str", "dict(str, Any)"]
    assert returned(client.view_api(return_format="dict")["named_endpoints"]) == {
        "/text_continue": streamed, "/text_chat": streamed, "/text_summarise": streamed, "/text_perplexity": streamed[1:],
    }  # fmt: skip
    with gr.Blocks() as demo:
        OfImages(page()).draw()
    pictures = returned(demo.get_api_info()["named_endpoints"])
    assert len(pictures) == 7 and all(types == ["None | filepath", "dict(str, Any)"] for types in pictures.values())


def test_a_program_hears_the_title_and_the_form_of_a_verse(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained.text.writing import BY_ITSELF, Draft

    poem = Draft("白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。", title="登楼", ended=BY_ITSELF)
    monkeypatch.setattr("aigc.ui.tabs.text_api.CONTINUATIONS", lambda *_, **__: iter([poem]))
    *_, (said, how) = Endpoints(page()).text_continue("登楼")
    assert said == poem.text and how["title"] == "登楼"
    assert how["form"][0] == {"rule": "Four lines: there are 4", "kept": True} and all(rule["kept"] for rule in how["form"])


@pytest.mark.parametrize("name", ["text_continue", "text_perplexity"])
def test_a_program_that_names_no_model_gets_one_that_is_here(name: str, monkeypatch: pytest.MonkeyPatch, miniatures: dict[str, Path]) -> None:
    from aigc.pretrained import hub

    monkeypatch.setattr(hub, "here", lambda entry: miniatures["verse"] if entry.slug == "gpt2" else None)
    api = Endpoints(page())
    assert rows(Task.CONTINUE)[0].slug != "gpt2", "the first of the list is not here"
    told = api.text_continue("hello", settings={"length": 3}) if name == "text_continue" else api.text_perplexity("hello")
    *_, last = told
    assert (last[1] if isinstance(last, tuple) else last)["model"] == "gpt2"


def test_a_program_that_goes_away_stops_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[threading.Event] = []

    def endless(words: str, entry: Any, stop: threading.Event) -> Iterator[Any]:
        stops.append(stop)
        while True:
            yield types.SimpleNamespace(is_final=False, perplexity=2.0, bits_per_character=1.0, tokens=(), count=9)

    monkeypatch.setattr("aigc.ui.tabs.text_api.SURPRISES", endless)
    told = Endpoints(page()).text_perplexity("hello")
    assert next(told)["of"] == 9 and not stops[0].is_set()
    told.close()
    assert stops[0].is_set()


ODD = ("\x00", "\x01\x1b\x7f", "\ud800", "a\udcffb", "\u200b\ufeff\u2028", "\ufffe\u202e")


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_odd_characters_are_answered_or_refused_in_words(odd: str) -> None:
    with gr.Blocks() as demo:
        ends = Endpoints(page())
        ends.draw()
    short = {"length": 4}
    with served(demo) as url:
        ann = Visitor(demo, url, "ann")
        calls = [
            (ends.text_continue, odd, "", 0, None, short),
            (ends.text_continue, "hello", "", 0, [odd], short),
            (ends.text_continue, "hello", odd, 0, None, short),
            (ends.text_continue, "hello", "", 0, None, {odd: 1}),
            (ends.text_continue, "hello", "", 0, None, {"method": odd}),
            (ends.text_chat, odd, [{"role": "user", "content": odd}, {"role": "assistant", "content": odd}], odd, TALKER, 0, short),
            (ends.text_summarise, odd, odd, TALKER, None),
            (ends.text_summarise, odd, odd, "none", None),
            (ends.text_perplexity, odd, ""),
        ]
        for endpoint, *data in calls:
            said = ann.call(endpoint, *data)
            assert said and (isinstance(said, list) or re.search(r"^(Write|There is no|Method must)", said)), (endpoint.__name__, said)


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_the_command_takes_odd_characters(odd: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["continue", "--set", "length=4", "--stop", odd], ["chat", "--model", TALKER, "--set", "length=4", "--system", odd],
                  ["summarise", "--extract", "--reference", odd]):  # fmt: skip
        code, told = main(["text", *words, "--prompt", odd, "--json"]), capsys.readouterr()
        assert code == 0 or "Write something" in told.out + told.err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), "utf-8"))
    assert main(["text", "continue", "--prompt", "-"]) and "could not be read" in capsys.readouterr().err


def test_the_command_names_the_seed_only_where_lots_are_drawn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    for setting, is_named in (("temperature=1", True), ("temperature=0", False), ("method=greedy", False), ("method=beam", False)):
        assert main(["text", "continue", "--prompt", "hello", "--seed", "3", "--set", "length=2", "--set", setting]) == 0
        assert ("seed 3" in capsys.readouterr().err) is is_named, setting


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code = main(["text", *words, "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert code == 2
    return error


def test_the_command_says_what_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert refused(capsys, "continue", "--file", "nowhere.md") == "There is no file nowhere.md."
    for words, name in ((["continue", "--model", "gpt2"], "gpt2"), (["chat", "--model", "some/one"], "some/one --task chat"),
                        (["summarise", "--model", "bart-large-cnn"], "bart-large-cnn")):  # fmt: skip
        assert refused(capsys, *words, "--prompt", "hello").endswith(f"python -m aigc pretrained download {name}")


def test_without_a_model_the_command_takes_sentences_of_the_text_and_says_so(
    miniatures: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    ask = ["summarise", "--prompt", text.LONG_TEXT.en, "--set", "words=20", "--set", "dtype=auto"]
    assert main(["text", *ask, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == TALKER
    monkeypatch.delitem(miniatures, TALKER)
    assert main(["text", *ask, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["model"] is None and json.loads(told.out)["text"][:20] in text.LONG_TEXT.en
    assert "sentences of the text itself" in told.err and "python -m aigc pretrained download " in told.err
    assert "download it first" in refused(capsys, *ask, "--out", str(tmp_path / "a.md"))
    assert "leave it out" in refused(capsys, *ask, "--extract", "--out", str(tmp_path / "a.md"))


def test_the_command_loads_a_model_as_the_page_can(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    words = ["continue", "--prompt", "hello", "--set", "length=2"]
    assert main(["text", *words, "--set", "dtype=bfloat16", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["setup"]["dtype"], facts["setup"]["device"], facts["settings"]["length"]) == ("bfloat16", "auto", 2)
    for setting in ("offload=on", "slicing=on", "dtype=int8", "device=abacus"):
        assert "knob" not in refused(capsys, *words, "--set", setting)
    assert "no knob" in refused(capsys, *words, "--set", "offloads=on")


def test_the_command_streams_and_reports(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert main(["text", "continue", "--prompt", "hello", "--seed", "3", "--set", "length=5"]) == 0
    plain = capsys.readouterr()
    assert plain.out.startswith("hello") and "seed 3" in plain.err
    assert main(["text", "continue", "--prompt", "hello", "--seed", "3", "--set", "length=5", "--out", str(tmp_path / "a.md"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["text"] == plain.out.rstrip("\n") and facts["settings"]["seed"] == 3 and "AIGC:" in (tmp_path / "a.md").read_text("utf-8")
    assert main(["text", "chat", "--prompt", "hi", "--system", "s", "--model", TALKER, "--set", "length=4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] <= 4
    assert main(["text", "summarise", "--prompt", text.LONG_TEXT.zh, "--model", TALKER, "--set", "words=20", "--reference", "列车", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["extract"] and set(facts["rouge"]) == {"model", "extract"}
    assert main(["text", "summarise", "--prompt", text.LONG_TEXT.en, "--extract"]) == 0
    assert capsys.readouterr().out.split(". ")[0] in text.LONG_TEXT.en
    for bad in (
        ["chat", "--prompt", " "],
        ["continue"],
        ["continue", "--prompt", "x", "--out", "x.png"],
        ["continue", "--prompt", "x", "--set", "beams=99"],
    ):
        assert main(["text", *bad, "--json"]) == 2 and "error" in capsys.readouterr().out


def test_everything_is_said_in_both_languages() -> None:
    values = [v for value in vars(text).values() for v in (value.values() if isinstance(value, dict) else [value])]
    words = [w for w in values if isinstance(w, Words)]
    assert len(words) > 60 and all(w.en and w.zh for w in words)
    assert rows(Task.CONTINUE)[0].slug == "verse"


@pytest.mark.parametrize("lang", LANGS)
def test_the_help_of_the_length_tells_what_a_model_of_a_small_window_sees(miniatures: dict[str, Path], lang: Lang) -> None:
    window = json.loads((miniatures["verse"] / "config.json").read_text())["n_positions"]
    assert window_of(Task.CONTINUE, "verse") == window < 2048 and window_of(Task.CONTINUE, "gpt2") is None and window_of(Task.CONTINUE, "?") is None
    with gr.Blocks() as demo:
        v = ContinueView(page(lang))
        ChatView(page(lang))
    length = v.form.widgets["length"]
    (follows,) = [f for f in demo.fns.values() if f.outputs == [length] and (v.chooser.facts._id, "change") in f.targets]
    assert str(window) in follows.fn("verse")["info"] and follows.fn("verse")["info"].startswith(v.form.knobs["length"].help[lang])
    assert follows.fn("gpt2")["info"] == v.form.knobs["length"].help[lang], "nothing is known of it yet"
