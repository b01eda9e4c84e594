"""The Image tab: every verb on a miniature pipeline, what it keeps and brings back, what it refuses, its endpoints and its command."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from pressing import Visitor, served
from tiny_pretrained import BUILDERS

from aigc.cli import main
from aigc.nets.style import StyleNetwork
from aigc.pretrained import hub, shelf
from aigc.pretrained.folder import save_network
from aigc.pretrained.image.asked import SETTINGS, Verb
from aigc.pretrained.image.inside import Seen, Told
from aigc.pretrained.image.make import Shot
from aigc.pretrained.image.prompts import Word
from aigc.ui import stops
from aigc.ui.markup import PNG
from aigc.ui.page import Page
from aigc.ui.studio import easel, film
from aigc.ui.tabs import image as image_tab
from aigc.ui.tabs import image_given, image_inside, image_view, image_way
from aigc.ui.tabs.image_inside import Inside, views
from aigc.ui.tabs.image_view import Kept, View, saved, shown
from aigc.ui.text import picture as text
from aigc.ui.text import telling as telling_text
from aigc.ui.visits import Made
from aigc.words import LANGS, Lang, Refusal, Words

SIDE = 64  # of the miniature's pictures


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("pictures")
    BUILDERS["sd-1.5"](to, None)
    (to / "card.json").write_text("{}")
    return to


@pytest.fixture(autouse=True)
def taught(miniature: Path, aigc_home: Path) -> None:
    """The miniature stands where `python -m aigc teach pictures` would have put it."""
    folder = aigc_home / "checkpoints" / "local" / "pretrained"
    folder.mkdir(parents=True)
    (folder / "pictures").symlink_to(miniature)


def page(lang: Lang = "en", public: bool = False) -> Page:
    return Page(lang, cast(Any, None), cast(Any, None), (), public=public)


def view(verb: Verb, lang: Lang = "en", public: bool = False) -> View:
    with gr.Blocks():
        return View(page(lang, public), verb, gr.State(None))


REQUEST = cast(gr.Request, types.SimpleNamespace(session_hash="ann"))


def given(v: View, **values: Any) -> dict[Any, Any]:
    """The form as drawn, with these values."""
    found = {widget: getattr(widget, "value", None) for widget in v.inputs} | {v.newest: None, v.history: []}
    found[v.chooser.model] = "pictures"
    named = {**v.form.widgets, "prompt": v.prompt, "negative": v.negative, "history": v.history, "model": v.chooser.model}
    if v.given:
        named |= {"image": v.given.picture, "painted": v.given.painted, "texture": v.given.texture, "style": v.given.style}
    quick = {"steps": 3, "count": 1} if v.prompt is not None else {}
    for name, value in {k: x for k, x in quick.items() if k in named}.items():
        found[named[name]] = value
    return found | {named[name]: value for name, value in values.items()}


def ran(v: View, **values: Any) -> list[tuple[Any, ...]]:
    return list(v.run(given(v, **values), REQUEST))


def told(result: tuple[Any, ...]) -> dict[str, Any]:
    return json.loads(result[0]) if isinstance(result[0], str) else {}


def kept_by(results: list[tuple[Any, ...]]) -> Kept:
    assert isinstance(results[-1][1], Kept), told(results[-1])
    return results[-1][1]


@pytest.fixture
def file(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)).save(tmp_path / "mine.png")
    return str(tmp_path / "mine.png")


def painted() -> str:
    mask = Image.new("L", (512, 512))
    mask.paste(255, (100, 100, 300, 300))
    return easel.address(mask, exact=10**9)


# every verb, from the form to the easel
def test_a_prompt_becomes_pictures_with_previews_on_the_way() -> None:
    results = ran(view(Verb.GENERATE), steps=6, count=2)
    assert told(results[0])["busy"] and told(results[0])["go"] == told(results[-1])["go"]
    previews = [told(r) for r in results if told(r).get("kind") == "pictures" and told(r)["busy"]]
    assert previews and all(len(p["items"]) == 2 for p in previews)
    done = told(results[-1])
    assert not done["busy"] and done["made"] and len(done["items"]) == 2 and "2 pictures in" in done["status"]
    for said in ("“a red seven on blue”", "Model pictures", "CPU float32", "64 × 64", "Steps 6", "Guidance", "Seed 0", "Scheduler", "a step"):
        assert said in done["facts"]
    assert [i["caption"] for i in done["items"]] == ["seed 0", "seed 1"]


def test_a_first_step_that_takes_long_is_not_told_as_opening() -> None:
    """At 512 pixels it takes half a minute on two cores, with the model long open."""
    first = shown(Shot(seeds=(1,)), None, "en", None, False)
    assert first is not None and first["status"] == text.FIRST_STEP.en != text.OPENING.en and "items" not in first


def test_what_takes_minutes_says_how_long_it_still_takes() -> None:
    slow, quick = (Shot(index=4, count=20, seconds=4 * pace) for pace in (15.0, 0.5))
    assert image_view.status_of(slow).en == "Step 4 of 20, 15 s a step, about 4 min left"
    assert image_view.status_of(slow).zh == "第 4 步，共 20 步，每步 15 秒，约剩 4 分钟"
    assert image_view.status_of(quick).en == "Step 4 of 20, 0.50 s a step"
    assert "about 45 s left" in image_view.status_of(Shot(index=1, count=4, seconds=15.0)).en


@pytest.mark.parametrize("verb", [Verb.EDIT, Verb.INPAINT, Verb.OUTPAINT])
def test_a_picture_is_worked_on_and_shown_beside_what_it_was(verb: Verb, file: str) -> None:
    more = {"painted": painted()} if verb is Verb.INPAINT else {}
    results = ran(view(verb), image=file, **more)
    done = told(results[-1])
    assert done["before"].startswith("data:image/png") and done["items"][0]["src"] != done["before"]
    if verb is Verb.INPAINT:
        new, old = np.asarray(easel.opened(kept_by(results).images[0])), np.asarray(Image.open(file))
        assert (new[50:] == old[50:]).all() and (new != old).any()


def test_what_was_made_joins_the_history_and_its_settings_come_back() -> None:
    v = view(Verb.GENERATE)
    first = ran(v, steps=5, seed=11, prompt="a red seven", negative="blue")
    second = ran(v, steps=3, history=first[-1][3])
    history = second[-1][3]
    assert [k.values["seed"] for k in history] == [0, 11] and second[-1][4].count("data-kept") == 2
    back = v.again(history, cast(gr.EventData, types.SimpleNamespace(_data={"i": 1})))
    assert back[v.prompt]["value"] == "a red seven" and back[v.negative]["value"] == "blue" and back[v.chooser.model] == "pictures"
    assert back[v.form.widgets["seed"]]["value"] == 11 and back[v.form.widgets["steps"]]["value"] == 5
    assert json.loads(back[v.easel])["items"][0]["src"] == told(first[-1])["items"][0]["src"]
    for nonsense in ({}, {"i": 9}, {"i": "1"}, None):
        assert v.easel not in v.again(history, cast(gr.EventData, types.SimpleNamespace(_data=nonsense)))


@pytest.mark.parametrize("verb", [Verb.EDIT, Verb.INPAINT, Verb.STYLE])
def test_what_was_handed_in_comes_back_with_a_result(verb: Verb, file: str) -> None:
    v = view(verb)
    assert v.given
    mask = painted()
    form = given(v, image=file, **{Verb.INPAINT: {"painted": mask}, Verb.STYLE: {"texture": "", "style": file}}.get(verb, {}))
    kept = v.handed_in(form)

    def back() -> dict[Any, Any]:
        assert v.given
        return v.given.back(kept)

    assert back()[v.given.picture]["value"] == file
    if v.given.paint:
        shown = json.loads(back()[v.given.paint])
        assert back()[v.given.painted]["value"] == shown["mask"] == mask and shown["src"] == json.loads(v.given.to_paint(file))["src"]
        assert back()[v.given.paint] != back()[v.given.paint], "the second click on the same one is heard"
    if v.given.style:
        assert back()[v.given.style]["value"] == file and back()[v.given.style]["visible"] and back()[v.given.texture]["value"] == ""
    Path(file).unlink()
    assert back()[v.given.picture]["value"] is None


def test_a_result_keeps_what_was_handed_in(file: str) -> None:
    v = view(Verb.INPAINT)
    kept = kept_by(ran(v, image=file, painted=painted()))
    assert kept.inputs == {"picture": file, "painted": painted()}
    back = v.again([kept], cast(gr.EventData, types.SimpleNamespace(_data={"i": 0})))
    assert v.given and back[v.given.picture]["value"] == file and back[v.given.painted]["value"] == painted()


def test_the_same_settings_give_the_same_picture() -> None:
    v = view(Verb.GENERATE)
    assert kept_by(ran(v, seed=5)).images == kept_by(ran(v, seed=5)).images != kept_by(ran(v, seed=6)).images


@pytest.mark.parametrize("lang", LANGS)
def test_a_page_that_is_loaded_again_shows_its_last_picture(lang: Lang) -> None:
    v = view(Verb.GENERATE, lang)
    history = ran(v, seed=5)[-1][3]
    back = v.returned(history)
    easel = json.loads(back[v.easel])
    assert back[v.last] is history[0] and len(easel["items"]) == 1 and easel["facts"] == history[0].facts and not easel["busy"]
    assert easel["status"] == telling_text.RETURNED[lang] and back[v.strip].count("data-kept") == 1


def test_the_history_ends_somewhere() -> None:
    v = view(Verb.GENERATE)
    old = kept_by(ran(v))
    assert len(ran(v, history=[old] * 40)[-1][3]) == image_view.MOST_KEPT


def test_a_saved_picture_says_that_it_was_generated_and_how() -> None:
    kept = kept_by(ran(view(Verb.GENERATE), seed=3, count=2, prompt="a <b>red</b> seven"))
    kept.chosen = 1
    with Image.open(saved(kept)) as png:
        assert "TC260:AIGC" in png.info["XML:com.adobe.xmp"] and png.height > SIDE  # the visible mark is below
        note = json.loads(png.info["parameters"])
    assert note["seed"] == 4 and note["prompt"] == "a <b>red</b> seven" and note["settings"]["steps"] == 3
    assert "/" not in json.dumps({k: v for k, v in note.items() if k != "prompt"}), "a path of this machine"
    with pytest.raises(Refusal):
        saved(None)


@pytest.mark.parametrize("verb", [Verb.GENERATE, Verb.EDIT, Verb.INPAINT, Verb.OUTPAINT])
def test_what_is_saved_from_the_page_itself_carries_its_label(verb: Verb, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the button's file does; a picture made of another says so, and one that was handed in says nothing."""
    source = "trainedAlgorithmicMedia" if verb is Verb.GENERATE else "compositeWithTrainedAlgorithmicMedia"
    for exact in (10**9, 0):  # PNG, WebP
        for each in (easel.made, easel.address):
            monkeypatch.setattr(each, "__defaults__", (*(each.__defaults__ or ())[:-1], exact))
        monkeypatch.setattr(image_view, "SHOW_EVERY", 0.0)
        monkeypatch.setattr(image_view.streamed, "__defaults__", (0.0,))  # every step, however quick the machine is
        v = view(verb)
        more: dict[str, Any] = {} if verb is Verb.GENERATE else {"image": file}
        results = ran(v, **more, **({"painted": painted()} if verb is Verb.INPAINT else {}))
        shown = [item["src"] for result in results for item in told(result).get("items", [])]
        assert len(shown) > 1
        for address in (*shown, kept_by(results).thumb, json.loads(image_view.reshown(kept_by(results), "en"))["items"][0]["src"]):
            assert f"digitalsourcetype/{source}<" in packet(address) and "TC260:AIGC" in packet(address)
        if before := told(results[-1])["before"]:
            assert not packet(before)
        assert f"digitalsourcetype/{source}<" in str(Image.open(saved(kept_by(results))).info)


def packet(address: str) -> str:
    """The XMP of a picture in a data address."""
    info = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).info
    found = info.get("xmp") or info.get("XML:com.adobe.xmp") or ""
    return found.decode() if isinstance(found, bytes) else found


def test_nothing_that_was_typed_becomes_markup() -> None:
    strip = ran(view(Verb.GENERATE), prompt='"><img src=x onerror=alert(1)>{{7*7}}')[-1][4]
    assert "<img src=x" not in strip and "{{" not in strip


def test_a_stop_is_said_and_the_next_run_works() -> None:
    v = view(Verb.GENERATE)
    results = []
    for result in v.run(given(v, steps=150), REQUEST):
        results.append(result)
        if told(result).get("kind") == "pictures":
            v.stopped(REQUEST)
    assert told(results[-1])["status"] == text.STOPPED.en and told(results[-1])["go"] == told(results[0])["go"]
    kept_by(ran(v))


def test_previews_come_beside_gradio_and_few_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that came through it would be looked for among all components of the page, and the press of Stop would wait behind them."""
    monkeypatch.setattr(image_view, "SHOW_EVERY", 0.0)
    v = view(Verb.GENERATE)
    asked, news, results = TestClient(routed()), [], []
    for result in v.run(given(v, steps=30), REQUEST):
        results.append(told(result))
        answer = asked.get(f"/aigc/ways/{results[0]['go']}", params={"after": news[-1]["n"] if news else 0})
        news += answer.json() if answer.status_code == 200 else []
    steps = [r for r in results if r["kind"] == "pictures" and r["busy"]]
    missed = [step["index"] for step in results[-1]["missed"]]
    assert len(steps) < 10, "only the first and one now and then"
    assert missed[-1] == 30 and missed == sorted(missed), "the page has the whole way in the end"
    assert [n["n"] for n in news] == sorted({n["n"] for n in news}), "nothing is told twice"


def test_a_stop_is_heard_beside_gradio_by_who_pressed_only() -> None:
    stop, asked = stops.Stop(), TestClient(routed())
    way = image_way.Way(stop)
    way.tell({"kind": "same", "busy": True})
    assert [n["kind"] for n in asked.get(f"/aigc/ways/{way.go}").json()] == ["same"]
    assert asked.get(f"/aigc/ways/{way.go}?after=1").json() == []
    for other in ("0" * 32, "x", way.go.upper()):
        assert asked.get(f"/aigc/ways/{other}").status_code == asked.post(f"/aigc/ways/{other}/stop").status_code == 204
    assert not stop.is_set()
    asked.post(f"/aigc/ways/{way.go}/stop")
    go = way.go
    assert stop.is_set()
    del way
    assert asked.get(f"/aigc/ways/{go}").status_code == 204, "the run is over"


def routed() -> FastAPI:
    app = FastAPI()
    app.include_router(image_way.router())
    return app


def test_a_second_press_ends_the_first_run() -> None:
    v = view(Verb.GENERATE)
    first = v.run(given(v, steps=150), REQUEST)
    next(first)
    next(first)
    kept_by(ran(v))
    assert not told(list(first)[-1])  # it leaves the easel alone


def test_two_results_of_one_view_both_stay() -> None:
    v, history = view(Verb.GENERATE), []
    crossed = given(v, history=history) | {w: w.value for w in v.grid.axes.inputs}  # type: ignore[union-attr]
    grid = v.grid.run(crossed, cast(gr.Request, types.SimpleNamespace(session_hash="bob")))  # type: ignore[union-attr]
    next(grid)
    ran(v, prompt="meanwhile", history=history)
    list(grid)
    assert [kept.prompt == "meanwhile" for kept in history] == [False, True]


def test_a_long_prompt_is_quoted_by_its_beginning_and_kept_whole() -> None:
    v, history, prompt = view(Verb.GENERATE), [], "a red seven on blue, " * 40
    ran(v, prompt=prompt, history=history)
    assert "“a red seven on blue, a red" in history[0].facts and "…”" in history[0].facts and len(history[0].facts) < 400
    assert history[0].prompt.strip() == prompt.strip() == history[0].notes[0]["prompt"].strip()


def test_a_press_that_ends_another_is_seen() -> None:
    """Gradio repeats the last that a run told when it ends, which must not end what came after it."""
    with gr.Blocks() as demo:
        v = View(page(), Verb.GENERATE, gr.State(None))
    steps, count = v.form.widgets["steps"], v.form.widgets["count"]
    with served(demo) as url:
        ann = Visitor(demo, url, "ann")
        ann.press(v.run, {v.prompt: "one", steps: 3, count: 1})
        ann.waits()
        ann.press(v.run, {v.prompt: "two", steps: 150, count: 4})
        ann.hears("of 150")
        ann.press(v.run, {v.prompt: "three", steps: 3, count: 1})
        ann.waits()
        assert [kept.prompt for kept in ann.state(v.history)] == ["three", "one"]
        _, second, third = ann.ended()
        assert second[0] is None and json.loads(third[0])["made"]
        assert not any("stopped" in json.dumps(m) for m in ann.heard)


def test_two_visitors_wait_for_each_other() -> None:
    v, done = view(Verb.GENERATE), []

    def visit(who: str) -> None:
        done.append(kept_by(list(v.run(given(v, steps=8), cast(gr.Request, types.SimpleNamespace(session_hash=who))))))

    threads = [threading.Thread(target=visit, args=(name,)) for name in ("bob", "eve")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(done) == 2 and done[0].images == done[1].images


# what is refused, in both languages, with nothing lost
BAD: list[tuple[Verb, dict[str, Any], str]] = [
    (Verb.GENERATE, {"prompt": "  "}, "Write what"),
    (Verb.GENERATE, {"prompt": None}, "Write what"),
    (Verb.GENERATE, {"prompt": "\x00"}, "Write what"),
    (Verb.GENERATE, {"prompt": "a" * 5000}, "at most 2000"),
    (Verb.GENERATE, {"steps": 0}, "between"),
    (Verb.GENERATE, {"steps": float("nan")}, "number"),
    (Verb.GENERATE, {"width": 50}, "multiple of 8"),
    (Verb.GENERATE, {"scheduler": "lcm"}, "does not work with"),
    (Verb.GENERATE, {"scheduler": "rm -rf"}, "one of"),
    (Verb.GENERATE, {"model": "../etc"}, "no model called"),
    (Verb.GENERATE, {"negative": "blue", "guidance": 1.0}, "negative prompt"),
    (Verb.EDIT, {"image": None}, "Choose a picture"),
    (Verb.EDIT, {"image": "/nowhere.png"}, "not a picture"),
    (Verb.INPAINT, {"painted": ""}, "Paint over"),
    (Verb.INPAINT, {"painted": "data:image/png;base64,xx"}, "Paint over"),
    (Verb.OUTPAINT, {"left": 0, "right": 0, "top": 0, "bottom": 0}, "which side"),
    (Verb.OUTPAINT, {"left": 500}, "manages"),
]


@pytest.mark.parametrize(("verb", "bad", "says"), BAD)
def test_nonsense_is_one_plain_sentence(verb: Verb, bad: dict[str, Any], says: str, file: str) -> None:
    for lang in LANGS:
        v = view(verb, lang)
        image = {"image": file} if v.given and "image" not in bad else {}
        results = ran(v, **image, **bad)
        last = told(results[-1])
        assert last["kind"] == "same" and not last["busy"] and last["refused"] and results[-1][1:] == (gr.skip(),) * 4
        assert (says in last["status"]) if lang == "en" else re.search("[一-鿿]", last["status"]), last["status"]


@pytest.mark.parametrize("size", [(1, 1), (20000, 20000)])
def test_pictures_of_absurd_sizes_are_refused(size: tuple[int, int], tmp_path: Path) -> None:
    Image.new("1", size).save(tmp_path / "x.png")
    assert "pixels" in told(ran(view(Verb.EDIT), image=str(tmp_path / "x.png"))[-1])["status"]


def test_an_unexpected_failure_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from aigc.pretrained.image import make

    def fails(*_: Any) -> Iterator[Any]:
        raise ZeroDivisionError("secret")
        yield

    monkeypatch.setattr(make, "made", fails)
    assert told(ran(view(Verb.GENERATE))[-1])["status"] == text.UNEXPECTED.en


def test_a_public_page_runs_only_what_is_listed() -> None:
    assert "only the models of its list" in told(ran(view(Verb.GENERATE, public=True), model="somebody/something")[-1])["status"]


def test_a_model_that_is_not_here_is_named() -> None:
    assert "download it first" in told(ran(view(Verb.GENERATE), model="sd-1.5")[-1])["status"]


# what stands around
def test_the_form_follows_the_model() -> None:
    v = view(Verb.GENERATE)
    updates = v.other_model("z-image-turbo")
    assert updates[v.form.widgets["guidance"]]["value"] == 0 and updates[v.form.widgets["steps"]]["value"] == 9
    own = [value for _, value in v.other_model("pictures")[v.form.widgets["scheduler"]]["choices"]]
    assert "dpm++" in own and "lcm" not in own and "flow-euler" not in own
    assert v.other_model("Tongyi-MAI/Z-Image-Turbo") == updates, "the same by the name of its repository"
    assert v.other_model("") and v.other_model(None)


def test_examples_are_for_the_model_that_knows_them() -> None:
    v = view(Verb.GENERATE)
    assert v.examples is not None and len(v.some) == 3 and view(Verb.EDIT).examples is None
    assert [v.other_model(model)[v.examples]["visible"] for model in ("pictures", "sd-1.5", "")] == [True, False, False]


def test_only_admitted_schedulers_are_offered_from_the_first_look_on() -> None:
    with gr.Blocks() as demo:
        inside = Inside(page())
        v = View(page(), Verb.GENERATE, gr.State(None))
    box = v.form.widgets["scheduler"]
    for drawn in (box, inside.form.widgets["scheduler"]):
        assert "dpm++" in (own := [value for _, value in drawn.choices]) and "lcm" not in own and "flow-euler" not in own
    ticks = [f for f in demo.fns.values() if f.outputs == [box] and (v.chooser.timer._id, "tick") in f.targets]
    assert [value for _, value in ticks[0].fn("pictures", "lcm")["choices"]] == own and ticks[0].fn("pictures", "lcm")["value"] == "own"
    kept = kept_by(ran(v, scheduler="dpm++"))
    back = v.again([kept], cast(gr.EventData, types.SimpleNamespace(_data={"i": 0})))
    assert [value for _, value in back[box]["choices"]] == own and back[box]["value"] == "dpm++"


def test_an_upscaler_is_asked_only_what_it_heeds(file: str) -> None:
    v = view(Verb.UPSCALE)
    of_diffusion = [v.prompt, v.negative, *(v.form.widgets[name] for name in ("steps", "guidance", "seed"))]
    assert v.chooser.model.value == "swin2sr-x2" and not any(w.visible for w in of_diffusion) and v.form.widgets["times"].visible
    assert not v.grid.axes.fold.visible, "a network has nothing to vary"
    assert v.form.widgets["times"].choices[0] == (text.TIMES[0][1].en, 0) and v.form.widgets["times"].value == 0, "words, not a nought"
    for model, is_shown in (("sd-x4-upscaler", True), ("swin2sr-x2", False)):
        updates = v.other_model(model)
        assert [updates[w]["visible"] for w in (*of_diffusion, v.grid.axes.fold)] == [is_shown] * 6
    left_over = given(v, image=file, prompt="a cat")
    assert v.asked(left_over | {v.chooser.model: "sd-x4-upscaler"}).prompt == "a cat"
    assert v.asked(left_over | {v.chooser.model: "swin2sr-x2"}).prompt == "", "it cannot be seen, so it is not meant"


def test_a_file_that_cannot_be_read_takes_the_picture_before_it_off_the_pad(file: str, tmp_path: Path) -> None:
    v = view(Verb.INPAINT)
    assert v.given
    assert json.loads(*v.given.repainted(file))["width"] == SIDE
    (tmp_path / "bad.png").write_bytes(b"no picture")
    seen = v.given.repainted(str(tmp_path / "bad.png"))
    assert next(seen) == ""
    with pytest.raises(gr.Error, match="not a picture"):
        next(seen)


def test_a_file_that_cannot_be_read_is_refused_at_once_and_taken_away(file: str, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    v = view(Verb.EDIT)
    assert v.given and list(v.given.looked_at(file)) == [gr.skip()] and list(v.given.looked_at(None)) == [gr.skip()]
    seen = v.given.looked_at(str(tmp_path / "bad.png"))
    assert next(seen) is None
    with pytest.raises(gr.Error, match="not a picture"):
        next(seen)
    painted = view(Verb.INPAINT).given
    assert painted and list(painted.looked_at(str(tmp_path / "bad.png"))) == [None], "the pad has refused it already"


def test_the_last_picture_or_an_example_can_be_worked_on() -> None:
    v = view(Verb.INPAINT)
    assert v.given
    *_, (example, line) = v.given.last_or_example(None, REQUEST)
    assert example.size == (SIDE, SIDE) and not json.loads(line)["busy"]
    kept = kept_by(ran(view(Verb.GENERATE), seed=9))
    ((mine, _),) = v.given.last_or_example(kept, REQUEST)
    assert np.array_equal(np.asarray(mine), np.asarray(easel.opened(kept.images[0])))


@pytest.mark.parametrize("verb", [Verb.EDIT, Verb.INPAINT])
def test_a_picture_goes_on_into_another_view(verb: Verb) -> None:
    p = page()
    with gr.Blocks():
        newest = gr.State(None)
        views = {v.value: image_view.View(p, v, newest) for v in (Verb.GENERATE, verb)}
        made = views["generate"]
        made.leads_on(views)

    def sent(kept: Kept | None, to: str) -> dict[Any, Any]:
        return made.handed_on(kept, cast(gr.EventData, types.SimpleNamespace(_data={"to": to})))

    kept = kept_by(ran(view(Verb.GENERATE), seed=9))
    given = views[verb.value].given
    assert given
    updates = sent(kept, verb.value)
    assert np.array_equal(np.asarray(updates[given.picture]), np.asarray(easel.opened(kept.images[0])))
    if given.paint is not None:
        assert json.loads(updates[given.paint])["width"] == SIDE and updates[given.painted] == ""
    for nothing, to in ((None, verb.value), (kept, "nowhere")):
        with pytest.raises(gr.Error, match="make one first"):
            sent(nothing, to)


def test_on_zero_gpu_no_model_is_touched_outside_a_lent_call(monkeypatch: pytest.MonkeyPatch) -> None:
    lent: list[str] = []

    def pictures(asked: Any, entry: Any, *, stop: threading.Event) -> Iterator[Any]:
        lent.append(entry.slug)
        yield from ()

    monkeypatch.setattr(image_view, "PICTURES", pictures)
    assert not list(image_given.example(page(), threading.Event())) and lent == ["pictures"]
    opened: list[str] = []
    monkeypatch.setattr(image_tab.shelf, "held", lambda: [])
    monkeypatch.setattr(image_tab.shelf, "lent", lambda entry, *_: opened.append(entry.slug) or contextlib.nullcontext())
    image_tab.warm()
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    image_tab.warm()
    assert opened == ["pictures"], "once, on a machine of our own"


@pytest.mark.parametrize("lang", LANGS)
def test_an_example_says_how_far_it_is_and_is_stopped_like_any_run(lang: Lang) -> None:
    v, lines, pictures = view(Verb.EDIT, lang), [], []
    assert v.given
    for picture, line in v.given.last_or_example(None, REQUEST):
        pictures.append(picture)
        lines.append(json.loads(line))
        if lines[-1].get("progress"):
            v.stopped(REQUEST)
    assert lines[0]["busy"] and lines[-1]["status"] == telling_text.STOPPED[lang] and not lines[-1]["busy"]
    assert not any(isinstance(picture, Image.Image) for picture in pictures)


def test_what_is_painted_over_is_shown_small(tmp_path: Path) -> None:
    v = view(Verb.INPAINT)
    Image.new("RGB", (3000, 1500)).save(tmp_path / "large.png")
    assert v.given
    told_ = json.loads(v.given.to_paint(str(tmp_path / "large.png")))
    assert (told_["width"], told_["height"]) == (512, 256) and v.given.to_paint(None) == ""


@pytest.mark.parametrize("address", [None, 7, "", "data:image/png;base64,", "http://x/y.png", PNG + "A" * 2_000_000])
def test_what_is_no_mask_is_none(address: Any) -> None:
    assert easel.mask(address) is None


def test_a_grid_is_drawn_and_kept_as_one_labelled_picture() -> None:
    v = view(Verb.GENERATE)
    assert v.grid
    (x, xs), (y, ys) = v.grid.axes.chosen_by
    form = given(v) | {x: "steps", xs: "2, 3", y: "guidance", ys: "2, 5"}
    results = list(v.grid.run(form, REQUEST))
    done = told(results[-1])
    assert done["kind"] == "grid" and done["x"]["values"] == ["2", "3"] and all(done["cells"]) and "4 of 4" in done["status"]
    assert len({*done["cells"]}) == 4
    assert json.loads(Image.open(saved(results[-1][1])).info["parameters"])["across"] == ["steps", "2", "3"]
    click = cast(gr.EventData, types.SimpleNamespace(_data={"index": 3}))
    back = v.chosen(results[-1][1], click)
    assert back[v.form.widgets["steps"]]["value"] == 3 and back[v.form.widgets["guidance"]]["value"] == 5
    assert back[v.prompt]["value"] == form[v.prompt] and json.loads(back[v.easel])["chosen"] == 3
    assert v.chosen(results[-1][1], cast(gr.EventData, types.SimpleNamespace(_data={"index": 4}))) == {v.last: gr.skip()}
    bad = list(v.grid.run(form | {xs: "a, b"}, REQUEST))
    assert "number" in told(bad[-1])["status"]


@pytest.mark.parametrize("verb", list(Verb))
def test_a_grid_of_any_verb_starts_with_axes_that_it_has(verb: Verb) -> None:
    v = view(verb)
    assert v.grid
    (x, _), (y, _) = v.grid.axes.chosen_by
    across, down = v.grid.axes.chosen(given(v) | {w: w.value for w in v.grid.axes.inputs})
    assert (across.name, down.name) == (x.value, y.value) and len(across.values) * len(down.values) > 3
    assert all(offered for _, name in x.choices if (offered := v.grid.axes._offered(name)))


def test_enlarged_pictures_are_crossed(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    BUILDERS["sd-x4-upscaler"](tmp_path / "x4", None)
    monkeypatch.setattr(hub, "here", lambda entry: tmp_path / "x4" if entry.slug == "sd-x4-upscaler" else None)
    request.addfinalizer(lambda: shelf.unload("sd-x4-upscaler"))  # other tests take it for one that is not here
    v = view(Verb.UPSCALE)
    (x, xs), (y, ys) = v.grid.axes.chosen_by
    form = given(v, model="sd-x4-upscaler", image=file, prompt="a cat") | {x: "steps", xs: "1, 2", y: "guidance", ys: "1, 7"}
    *_, last = v.grid.run(form, REQUEST)
    assert len({*told(last)["cells"]}) == 4
    back = v.chosen(last[1], cast(gr.EventData, types.SimpleNamespace(_data={"index": 3})))
    assert back[v.form.widgets["steps"]]["value"] == 2 and back[v.form.widgets["guidance"]]["value"] == 7
    refused = list(v.grid.run(form | {v.chooser.model: "swin2sr-x2"}, REQUEST))
    assert "cells" not in told(refused[-1]) and told(refused[-1])["status"]


def test_styles_are_crossed(aigc_home: Path, file: str) -> None:
    folder = aigc_home / "checkpoints" / "local" / "pretrained" / "style"
    save_network(StyleNetwork(), folder, {})
    (folder / "card.json").write_text("{}")
    v = view(Verb.STYLE, "zh")
    assert v.grid
    (x, xs), (y, ys) = v.grid.axes.chosen_by
    chosen = {x: "amount", xs: "0.2, 1", y: "colours", ys: "yes, no"}
    form = given(v, model="style", image=file, texture="dots", side=64, method="adain") | chosen
    *_, last = v.grid.run(form, REQUEST)
    done = told(last)
    assert done["y"]["values"] == ["是", "否"] and len({*done["cells"]}) == 4
    assert last[1].notes[0]["style"] == "dots" and "网点" in last[1].facts, "which style it took"
    back = v.chosen(last[1], cast(gr.EventData, types.SimpleNamespace(_data={"index": 0})))
    assert back[v.form.widgets["colours"]]["value"] is True and back[v.form.widgets["amount"]]["value"] == 0.2


def test_a_stopped_grid_keeps_what_was_drawn() -> None:
    v, results = view(Verb.GENERATE), []
    assert v.grid
    (x, xs), (y, ys) = v.grid.axes.chosen_by
    form = given(v) | {x: "steps", xs: "3, 4", y: "guidance", ys: "1, 3"}
    for result in v.grid.run(form, REQUEST):
        results.append(result)
        if sum(map(bool, told(result).get("cells", []))) == 1:
            v.stopped(REQUEST)
    done, kept = told(results[-1]), results[-1][1]
    assert telling_text.STOPPED.en in done["status"] and not done["busy"] and 0 < sum(map(bool, done["cells"])) < 4
    whole = told(list(v.grid.run(form, REQUEST))[-1])
    assert whole["cells"][0] == done["cells"][0] and isinstance(kept, Kept) and saved(kept).exists()


def test_the_inside_of_a_picture_is_shown_step_by_step() -> None:
    with gr.Blocks():
        inside = Inside(page())
    form = {widget: widget.value for widget in inside.inputs}
    form |= {inside.form.widgets["steps"]: 4, inside.prompt: "a red seven", inside.chooser.model: "pictures"}
    results = list(inside.run(form, REQUEST))
    words, latent, guidance = (json.loads(x) for x in results[-1][:3])
    assert words["states"] == latent["states"] == guidance["states"] == 4
    assert words["heads"] == [text.BELIEVES.en, "a", "red", "seven"] and len(words["films"]) == 2
    assert latent["heads"][:2] == [text.HOLDS.en, text.BELIEVES.en] and latent["count"] == 6 and guidance["count"] == 4
    assert results[-1][3].count("<circle") == 8
    assert all(said in results[-1][4] for said in ("“a red seven”", "Model pictures", "64 × 64", "Steps 4", "CPU float32"))
    unguided = list(inside.run(form | {inside.form.widgets["guidance"]: 1.0}, REQUEST))
    assert json.loads(unguided[-1][2]) == {"kind": "empty", "text": text.NOT_GUIDED.en}
    assert "Write what" in told(list(inside.run(form | {inside.prompt: ""}, REQUEST))[-1])["status"]


def test_long_prompts_name_their_tiles_inside() -> None:
    with gr.Blocks():
        inside = Inside(page("zh"))
    form = {widget: widget.value for widget in inside.inputs}
    form |= {inside.form.widgets["steps"]: 2, inside.prompt: "one two three four five six seven eight nine ten", inside.chooser.model: "pictures"}
    words = json.loads(list(inside.run(form, REQUEST))[-1][0])
    assert words["tiles"][0] == 2 and [m["text"] for m in words["marks"]][1:4] == ["one", "two", "three"]


@pytest.mark.parametrize("lang", LANGS)
def test_what_was_seen_inside_is_saved_with_its_label_and_outlives_a_reload(lang: Lang) -> None:
    with gr.Blocks():
        inside = Inside(page(lang))
    latest = Made()
    with pytest.raises(Refusal):
        image_inside.saved(latest)
    form = {widget: widget.value for widget in inside.inputs} | {inside.latest: latest, inside.chooser.model: "pictures"}
    last = list(inside.run(form | {inside.form.widgets["steps"]: 3, inside.prompt: "a red seven"}, REQUEST))[-1]
    with Image.open(path := image_inside.saved(latest)) as saved_film:
        assert saved_film.n_frames == 3 and json.loads(saved_film.info["comment"])["words"] == ["a", "red", "seven"]
    assert b"TC260:AIGC" in path.read_bytes()
    back = inside.returned(latest)
    assert json.loads(back[inside.stages["words"]]) == json.loads(last[0]) | {"status": telling_text.RETURNED[lang]}
    assert [back[inside.stages[part]] for part in ("latent", "guidance")] == [*last[1:3]] and back[inside.curve] == last[3]
    list(inside.run(form | {inside.prompt: ""}, REQUEST))
    assert len(latest) == 1, "what failed takes nothing away"


def test_a_long_look_at_a_large_model_is_no_burden_for_the_browser() -> None:
    """200 steps with a prompt of 30 words at 512 pixels, whose latents have 64 a side: it would be more than 100 MB."""
    place = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    latent, attention, pull = (torch.rand(*size, generator=torch.Generator().manual_seed(0)) for size in ((4, 64, 64), (30, 64, 64), (64, 64)))
    steps = [Seen(i, 200, 999.0 - i, latent, place, place, attention, place, place, pull) for i in range(200)]
    seen = Told(tuple(Word(f"w{i}", (i + 1,)) for i in range(30)), tuple(steps))
    words, *others = views(seen, "en")
    most = film.MOST_BYTES * 1.4  # noise in a PNG, by 64
    assert all(len(f["src"]) < most for payload in (words, *others) for f in payload["films"])
    assert 2 < words["states"] == others[0]["states"] == others[1]["states"] <= film.MOST_STATES
    assert words["captions"][0].startswith("step 1 of") and words["captions"][-1].startswith("step 200 of")
    assert words["status"] == text.LOOKED_FEWER.fill(n=200, shown=words["states"]).en
    assert views(Told(seen.words, seen.seen[:10]), "en")[0]["states"] == 10


@pytest.mark.parametrize(
    ("prompt", "says"), [("!!! ... ？", "only marks"), ("a red seven, " * 40, "it did not read"), ("蓝底上的红色数字七，" * 40, "it did not read")]
)
def test_what_cannot_be_looked_into_is_said(prompt: str, says: str) -> None:
    with gr.Blocks():
        inside = Inside(page())
    form = {widget: widget.value for widget in inside.inputs}
    form |= {inside.form.widgets["steps"]: 2, inside.prompt: prompt, inside.chooser.model: "pictures"}
    words = json.loads(list(inside.run(form, REQUEST))[-1][0])
    assert says in words["status"] and words["states"] == 2 and words["count"] == len(words["cells"])


def test_everything_is_said_in_both_languages() -> None:
    values = [v for value in vars(text).values() for v in (value.values() if isinstance(value, dict) else [value])]
    words = [w for w in values if isinstance(w, Words)]
    assert len(words) > 60
    for w in words:
        assert sorted(re.findall(r"\{(\w+)", w.en)) == sorted(re.findall(r"\{(\w+)", w.zh)), w.en
        assert not re.search(r"[一-鿿][,;:?!()]|[,;:?!(][一-鿿]", w.zh), f"half-width punctuation: {w.zh}"
        assert not re.search(r"[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]", w.zh), f"no space between Chinese and Latin: {w.zh}"


# for programs
@pytest.fixture
def client(aigc_home: Path) -> Iterator[Any]:
    """The real server: guard, document and all."""
    from gradio_client import Client

    from aigc.jobs.store import Store
    from aigc.jobs.supervisor import Supervisor
    from aigc.ui import server, shell

    supervisor = Supervisor()
    supervisor.store = Store()  # not started: nothing is trained
    served = server.serve(server.assemble(shell.build(supervisor), supervisor), "127.0.0.1", 0)
    try:
        yield Client(served.url, verbose=False)
    finally:
        served.stop()


@pytest.mark.slow
def test_programs_call_named_typed_endpoints(client: Any, file: str, tmp_path: Path) -> None:
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    named = client.view_api(return_format="dict")["named_endpoints"]
    assert {"/image_generate", "/image_edit", "/image_inpaint", "/image_upscale", "/image_style"} <= set(named)
    kinds = {p["parameter_name"]: p["python_type"]["type"] for p in named["/image_inpaint"]["parameters"]}
    assert kinds["prompt"] == "str" and kinds["image"] == "filepath" and kinds["seed"] == "int"
    path, facts = client.predict("a red seven", seed=5, settings={"steps": 3}, api_name="/image_generate")
    assert facts["seed"] == 5 and facts["model"] == "pictures" and json.loads(Image.open(path).info["parameters"])["settings"]["steps"] == 3
    _, facts = client.predict("a red seven", settings={"steps": 3, "seed": 42}, api_name="/image_generate")
    assert facts["seed"] == 42
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(255, (8, 8, 40, 40))
    mask.save(tmp_path / "mask.png")
    where = {"image": handle_file(file), "mask": handle_file(str(tmp_path / "mask.png"))}
    path, _ = client.predict(**where, prompt="a", settings={"steps": 3}, api_name="/image_inpaint")
    new, old = (np.asarray(Image.open(p).convert("RGB")) for p in (path, file))
    left = (new.shape[1] - SIDE) // 2  # a small picture stands in the middle of the paper that its mark needs
    assert (new[44:SIDE, left : left + SIDE] == old[44:]).all()
    with pytest.raises(AppError, match="no use for “Steps”"):
        client.predict(handle_file(file), model="swin2sr-x2", settings={"steps": 3}, api_name="/image_upscale")
    with pytest.raises(AppError, match="download it first"):
        client.predict(handle_file(file), model="sd-x4-upscaler", prompt="a cat", settings={"steps": 3}, api_name="/image_upscale")
    for nonsense in ({"prompt": ""}, {"prompt": "a", "settings": {"steps": 9999}}, {"prompt": "a", "model": "nothing"}):
        with pytest.raises(AppError):
            client.predict(**nonsense, api_name="/image_generate")


def test_half_a_character_is_drawn_like_any_other_and_can_be_saved(file: str) -> None:
    for verb in (Verb.GENERATE, Verb.EDIT):
        v = view(verb)
        kept = kept_by(ran(v, prompt="a\ud800 cat", negative="\udcff", guidance=3.0, **({"image": file} if v.given else {})))
        assert kept.prompt == "a\ufffd cat" and saved(kept).exists()


def test_an_endpoint_reads_only_what_was_sent() -> None:
    from aigc.ui.tabs.image_api import _opened

    for path in ("/etc/hosts", "../../etc/hosts", None, 7):
        with pytest.raises(Refusal, match="handle_file"):
            _opened("image", {"path": path})


# in the shell
def shell(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["image", *words, "--json"])
    return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_the_shell_makes_and_edits_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str) -> None:
    out = str(tmp_path / "a.png")
    code, made = shell(capsys, "generate", "--prompt", "a red seven", "--seed", "4", "--set", "steps=3", "--out", out)
    assert code == 0 and made["files"] == [out] and made["seeds"] == [4] and made["settings"]["steps"] == 3
    code, several = shell(capsys, "generate", "--prompt", "a", "--count", "2", "--set", "steps=2", "--out", out)
    assert code == 0 and [Path(f).name for f in several["files"]] == ["a-0.png", "a-1.png"] and all(Path(f).exists() for f in several["files"])
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(255, (0, 0, 32, 32))
    mask.save(tmp_path / "mask.png")
    for verb, more in (("edit", []), ("inpaint", ["--mask", str(tmp_path / "mask.png")]), ("outpaint", ["--set", "left=8"])):
        code, _ = shell(capsys, verb, "--prompt", "a", "--image", file, *more, "--set", "steps=2", "--out", out)
        assert code == 0 and Image.open(out).info["parameters"]


def test_a_picture_saved_here_is_worked_on_without_its_strip(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first = saved(kept_by(ran(view(Verb.GENERATE), prompt="a red seven")))
    assert Image.open(first).height > SIDE
    old = np.asarray(Image.open(first))[:SIDE]
    for verb in (Verb.EDIT, Verb.INPAINT):
        done = told(ran(view(verb), image=str(first), **({"painted": painted()} if verb is Verb.INPAINT else {}))[-1])
        assert (done["items"][0]["width"], done["items"][0]["height"]) == (SIDE, SIDE) and not done["notes"]
    for verb in (Verb.OUTPAINT, Verb.UPSCALE, Verb.STYLE):
        v = view(verb)
        found = v.asked(given(v, image=str(first))).image
        assert found is not None and found.size == (SIDE, SIDE)
    mask, out = Image.new("L", Image.open(first).size), str(tmp_path / "a.png")
    mask.paste(255, (0, 0, SIDE, 32))
    mask.save(tmp_path / "mask.png")
    code, _ = shell(capsys, "inpaint", "--prompt", "a", "--image", str(first), "--mask", str(tmp_path / "mask.png"), "--set", "steps=2", "--out", out)
    new = np.asarray(Image.open(out))
    assert code == 0 and new.shape == np.asarray(Image.open(first)).shape, "one strip, not two"
    assert (new[36:SIDE] == old[36:]).all() and (new[26:32] != old[26:32]).any(), "a mask over the whole file lies where it was drawn"


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "--out", "a.png"],
        ["generate", "--prompt", "a", "--out", "a.jpg"],
        ["generate", "--prompt", "a", "--out", "/nowhere/a.png"],
        ["generate", "--prompt", "a", "--set", "steps=0", "--out", "a.png"],
        ["edit", "--prompt", "a", "--out", "a.png"],
        ["edit", "--prompt", "a", "--image", "nothing.png", "--out", "a.png"],
        ["inpaint", "--prompt", "a", "--out", "a.png"],
        ["style", "--seed", "3", "--out", "a.png"],
        ["sample", "--prompt", "a", "--out", "a.png"],
        ["upscale", "--out", "a.png"],
        ["dance", "--out", "a.png"],
    ],
)
def test_the_shell_refuses_in_words(words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, told_ = shell(capsys, *words)
    assert code == 2 and told_["error"] and not list(tmp_path.glob("*.png"))


def test_the_shell_says_what_a_model_has_no_use_for(capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str) -> None:
    for more in (["--seed", "3"], ["--set", "steps=9"]):
        code, told_ = shell(capsys, "upscale", "--model", "swin2sr-x2", "--image", file, *more, "--out", str(tmp_path / "a.png"))
        assert code == 2 and "no use for" in told_["error"]


def test_the_shell_does_not_overlook_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str) -> None:
    out = ["--prompt", "a", "--set", "steps=2", "--out", str(tmp_path / "a.png")]
    for words, name in ((["generate", "--image", file], "image"), (["edit", "--image", file, "--mask", file], "mask"),
                        (["edit", "--image", file, "--style", "dots"], "style"), (["sample", "--image", file], "image")):  # fmt: skip
        code, told_ = shell(capsys, *words, *out)
        assert code == 2 and told_["error"] == f"--{name} means nothing to {words[0]}: leave it out."
    for words in (["edit", "--image", "no.png"], ["inpaint", "--image", file, "--mask", "no.png"]):
        code, told_ = shell(capsys, *words, *out)
        assert code == 2 and told_["error"] == "There is no file no.png."
    assert not (tmp_path / "a.png").exists()


def test_the_shell_names_the_command_that_fetches_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, told_ = shell(capsys, "generate", "--prompt", "a", "--model", "sd-1.5", "--out", str(tmp_path / "a.png"))
    assert code == 2 and told_["error"].endswith("download it first, by: python -m aigc pretrained download sd-1.5")


def test_the_shell_loads_a_model_as_the_page_can(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["generate", "--prompt", "a", "--set", "steps=2", "--out", str(tmp_path / "a.png")]
    code, made = shell(capsys, *words, "--set", "slicing=on", "--set", "dtype=float32")
    assert code == 0 and made["setup"]["dtype"] == "float32" and made["setup"]["slicing"] and made["settings"]["steps"] == 2
    code, told_ = shell(capsys, *words, "--set", "offload=on", "--device", "cpu")
    assert code == 2 and "GPU" in told_["error"]


def test_help_lists_the_textures_and_how_a_model_can_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    from aigc.knobs import knobs
    from aigc.pretrained.fit import Setup
    from aigc.pretrained.textures import TEXTURES

    with pytest.raises(SystemExit):
        main(["image", "style", "--help"])
    told_ = " ".join(capsys.readouterr().out.split())
    assert ", ".join(TEXTURES) in told_ and all(name in told_ for name in knobs(Setup))


def test_settings_of_every_verb_have_a_place_in_the_form() -> None:
    for verb, config in SETTINGS.items():
        with gr.Blocks():
            v = View(page(), verb, gr.State(None))
        assert set(v.form.widgets) == {f for f in config.__dataclass_fields__}
