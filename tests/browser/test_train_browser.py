"""A person trains: each technique, from the page, in both languages, in a real browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import CHROMIUM, PATIENCE, Lab, Server, browsing, serving, stop_all, visiting, wait_for, watched

from aigc import data
from aigc.knobs import as_values
from aigc.techniques import techniques

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine"),
]
LONG_ENOUGH = 300  # seconds of training: the tests stop their runs themselves


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def lab(server: Server, browser: Any) -> Iterator[Lab]:
    with visiting(browser, server.url) as lab:
        yield lab


def recorded(server: Server, slug: str) -> list[dict[str, Any]]:
    """run.json of every run of a technique, newest first."""
    found = [json.loads(path.read_text()) for path in server.home.glob("runs/*/run.json")]
    return sorted((r for r in found if r["request"]["technique"] == slug), key=lambda r: -r["created"])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("slug", techniques())
def test_train_watch_reload_steer_stop_and_take_home(server: Server, browser: Any, slug: str, lang: str, tmp_path: Path) -> None:
    with visiting(browser, server.url, lang, accept_downloads=True) as lab:
        lab.open(slug).train(LONG_ENOUGH)
        watch_it_learn(lab)
        reload_in_the_middle(lab)
        pause_and_step(lab, steps=len(techniques()[slug].steps) + 1)  # each alone, or all together
        turn_a_knob(lab)
        stop_it(lab)
        scrub(lab)
        take_home(lab, tmp_path)
        assert recorded(server, slug)[0]["model"]


def watch_it_learn(lab: Lab) -> None:
    """The click is answered at once, then pictures come, and curves that move."""
    wait_for(
        lambda: lab.panel.locator(".aigc-says .aigc-dot").get_attribute("data-state") in ("starting", "queued", "running"), "the click is answered", 3
    )
    lab.wait_says("running")
    first = wait_for(lab.picture, "a picture")
    before = wait_for(lab.curve, "a curve")
    wait_for(lambda: lab.curve() != before, "the curve moves")
    wait_for(lambda: lab.picture() != first, "the picture changes")
    assert lab.panel.locator(".aigc-frame img").evaluate("i => i.complete && i.naturalWidth > 0")
    assert lab.panel.locator("[data-fact=rate] dd").inner_text()


def reload_in_the_middle(lab: Lab) -> None:
    seen = lab.images()
    lab.reload().wait_says("running")
    wait_for(lambda: lab.images() >= seen, "it went on meanwhile")
    wait_for(lab.curve, "the history is there again")
    assert lab.panel.locator(".aigc-recent li").count() >= 1


def pause_and_step(lab: Lab, steps: int) -> None:
    lab.do("pause")
    lab.wait_says("paused")
    time.sleep(1.2)
    still = lab.images()
    assert lab.panel.locator('[data-do="step"]').count() == steps
    for n in range(steps):
        lab.do("step", n)
    wait_for(lambda: lab.images() > still, "a step draws images")
    lab.wait_says("paused")
    lab.do("resume")
    lab.wait_says("running")
    wait_for(lambda: lab.images() > still + 1000, "it goes on")


def turn_a_knob(lab: Lab) -> None:
    lab.choose("aigc-knob-learning_rate", "0.0005")
    wait_for(lambda: "0.0005" in lab.log(), "the log says when the knob was turned")


def stop_it(lab: Lab) -> None:
    lab.do("stop")
    lab.wait_says("stopped")
    wait_for(lambda: lab.panel.locator("[data-fact=model] dd").inner_text(), "what was learnt is kept as a model")


def scrub(lab: Lab) -> None:
    """By keyboard, by a click on a curve, by playing; and back to the newest."""
    newest, line = lab.when(), lab.panel.locator(".aigc-marker").first
    handle, at_end = lab.panel.locator(".aigc-scrubber input"), line.get_attribute("x1")
    handle.focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowLeft")
    wait_for(lambda: lab.when() != newest, "the scrubber moves")
    assert line.get_attribute("x1") != at_end, "the line on the curves moves with it"
    plot = lab.panel.locator(".aigc-plot").first
    box = plot.bounding_box()
    plot.click(position={"x": box["width"] * 0.3, "y": box["height"] / 2})
    lab.page.mouse.move(0, 0)
    early = wait_for(lambda: handle.input_value() != handle.get_attribute("max") and lab.when(), "a click on a curve goes there")
    lab.panel.locator(".aigc-play").click()
    wait_for(lambda: lab.when() not in (early, newest) or handle.input_value() == handle.get_attribute("max"), "the history plays")
    lab.panel.locator(".aigc-scrubber button").last.click()
    wait_for(lambda: lab.when() == newest, "back to the newest")


def take_home(lab: Lab, folder: Path) -> None:
    starts = {"png": b"\x89PNG", "gif": b"GIF8", "mp4": b"ftyp"}
    for kind, magic in starts.items():
        with lab.page.expect_download(timeout=1000 * PATIENCE) as waiting:
            lab.panel.locator(".aigc-downloads button", has_text=re.compile(kind, re.I)).click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.suffix == f".{kind}" and magic in path.read_bytes()[:16]


def test_a_run_is_found_again_by_a_second_page_and_ten_reloads_start_nothing(server: Server, lab: Lab) -> None:
    lab.open("vae").train(LONG_ENOUGH).wait_says("running")
    count = len(recorded(server, "vae"))
    second = watched(lab.page.context.new_page(), server.url).open("vae").wait_says("running")
    for _ in range(3):
        second.reload()
    second.wait_says("running")
    assert len(recorded(server, "vae")) == count
    second.do("pause")
    lab.wait_says("paused")  # what one page does the other shows
    assert not second.complaints


def test_a_double_click_starts_one_run(server: Server, lab: Lab) -> None:
    before = len(recorded(server, "autoencoder"))
    lab.open("autoencoder").knob("seconds").fill(str(LONG_ENOUGH))
    lab.button("Train", "训练").dblclick()
    lab.wait_says("running")
    time.sleep(2)
    assert len(recorded(server, "autoencoder")) == before + 1


def test_a_lost_connection_is_said_and_mended(lab: Lab) -> None:
    lab.open("vae").train(LONG_ENOUGH).wait_says("running")
    lab.forgiven = True  # the browser logs every request that fails
    lab.page.context.set_offline(True)
    wait_for(lambda: "Connection lost" in lab.panel.locator(".aigc-notice").inner_text(), "it says so")
    seen = lab.images()
    lab.page.context.set_offline(False)
    wait_for(lambda: lab.images() > seen, "it catches up")
    assert lab.panel.locator(".aigc-notice").inner_text() == ""


@pytest.mark.parametrize("data", ["digits", "moons"])
def test_a_picture_that_did_not_come_is_asked_for_again(lab: Lab, data: str) -> None:
    """Of a run that is over no more news comes, after which it could be asked for; until it is there, what is said is what is shown."""
    lab.open("vae", data=data).page.wait_for_timeout(2500)
    lab.train(LONG_ENOUGH).wait_says("running")
    shown = lab.panel.locator(".aigc-frame img" if data == "digits" else "canvas.aigc-cloud")
    shown.wait_for(timeout=1000 * PATIENCE)
    scrubber = lab.panel.locator(".aigc-scrubber input")
    wait_for(lambda: int(scrubber.get_attribute("max") or 0) > 0, "a second picture")
    stop_it(lab)
    lab.forgiven = True  # the browser logs every request that fails
    asked, vain = list[str](), [True]

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        route.abort() if vain else route.continue_()

    def twice() -> bool:
        lab.page.wait_for_timeout(50)  # in which requests are answered
        return len(asked) >= 2

    lab.page.route(re.compile("/(previews|arrays)/0"), answer)
    lab.reload()
    wait_for(twice, "the picture is asked for a second time")
    vain.clear()
    shown.wait_for(timeout=1000 * PATIENCE)
    assert len(set(asked)) == 1
    said = lab.when()
    asked.clear()
    vain.append(True)
    scrubber.press("ArrowLeft")
    wait_for(twice, "the picture before is asked for a second time")
    assert lab.when() == said
    vain.clear()
    wait_for(lambda: lab.when() != said and lab.when() in shown.evaluate("e => e.alt ?? e.ariaLabel"), "the picture before")


def test_the_real_points_are_asked_for_again(lab: Lab) -> None:
    lab.open("vae", data="moons").page.wait_for_timeout(2500)
    lab.train(LONG_ENOUGH).wait_says("running")
    lab.panel.locator("canvas.aigc-cloud").wait_for(timeout=1000 * PATIENCE)
    stop_it(lab)
    lab.forgiven = True  # the browser logs every request that fails
    lab.page.route("**/arrays/real*", lambda route: route.abort(), times=1)
    lab.reload()
    lab.panel.locator(".aigc-layer", has_text="real").wait_for()


def test_the_dial_fills_what_is_folded_away_too(server: Server, lab: Lab) -> None:
    """The values of widgets that were never drawn must be the ones that are sent."""
    lab.open("diffusion")
    lab.choose("aigc-data", "Two moons")
    preset = techniques()["diffusion"].presets(data.spec("moons"))
    last = "long"  # the one after it wants a teacher, and no model comes along in tests
    lab.page.locator(".aigc-preset label").locator("visible=true").nth(list(preset).index(last)).click()
    lab.train().panel.locator('.aigc-says :is([data-state="running"], [data-state="queued"])').wait_for(timeout=1000 * PATIENCE)
    asked = recorded(server, "diffusion")[0]["request"]
    config, options = techniques()["diffusion"].read({}, data.spec("moons"), last)
    assert (asked["data"], asked["preset"]) == ("moons", last)
    assert (asked["config"], asked["options"]) == (as_values(config), as_values(options))


def test_a_bad_value_is_refused_on_the_page(server: Server, lab: Lab) -> None:
    before = len(recorded(server, "gan"))
    lab.open("gan").train(-1)
    lab.page.get_by_text("Time budget (s) must lie between").first.wait_for()
    assert len(recorded(server, "gan")) == before


def test_what_is_typed_is_what_is_sent(server: Server, lab: Lab) -> None:
    """12 is not the 128 that stands in the list below it."""
    lab.open("gan").page.get_by_role("button", name="Optimiser").locator("visible=true").first.click()
    lab.knob("batch").click()
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("12")
    lab.page.keyboard.press("Enter")
    lab.train(LONG_ENOUGH).wait_says("running")
    assert recorded(server, "gan")[0]["request"]["options"]["batch"] == 12


def test_a_slider_is_heard_from_the_keyboard_and_when_it_is_put_back(lab: Lab) -> None:
    lab.open("vae").train(LONG_ENOUGH).wait_says("running")
    block = lab.page.locator(".aigc-knob-beta").locator("visible=true").first
    told = lambda text: wait_for(lambda: text in lab.panel.locator(".aigc-log").inner_text(), text)  # noqa: E731
    block.locator("input[type=range]").focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowRight")
    told("→ 0.5")
    block.locator("input[type=number]").fill("2")
    lab.page.keyboard.press("Enter")
    told("→ 2")
    block.get_by_role("button").click()
    told("2 → 0.2")


def test_a_zoom_ends_with_its_run_and_a_double_click_changes_no_picture(lab: Lab) -> None:
    lab.open("vae").train(LONG_ENOUGH).wait_says("running")
    plot = lab.panel.locator(".aigc-plot").first
    plot.locator(".aigc-line").first.wait_for(state="attached")
    newest = lab.panel.locator(".aigc-scrubber button").last
    wait_for(lambda: newest.get_attribute("aria-pressed") == "true", "the newest picture")
    plot.dblclick()
    lab.page.mouse.move(0, 0)
    assert newest.get_attribute("aria-pressed") == "true", "a double click shows the whole curve and nothing else"
    plot.click(button="right")
    assert newest.get_attribute("aria-pressed") == "true"
    box = plot.bounding_box()
    lab.page.mouse.move(box["x"] + 120, box["y"] + 60)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 220, box["y"] + 60, steps=4)
    lab.page.mouse.up()
    whole = lab.panel.locator(".aigc-controls button")
    whole.wait_for()
    lab.do("stop")
    lab.wait_says("stopped")
    lab.button("Train", "训练").click()
    whole.wait_for(state="hidden")


def test_points_are_drawn_with_layers_to_switch(lab: Lab) -> None:
    lab.open("gan", data="ring").page.wait_for_timeout(2500)
    lab.train(LONG_ENOUGH).wait_says("running")
    cloud = lab.panel.locator("canvas.aigc-cloud")
    cloud.wait_for(timeout=1000 * PATIENCE)
    painted = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v).length"
    full = wait_for(lambda: cloud.evaluate(painted), "something is drawn")
    for box in lab.panel.locator(".aigc-layers input").all():
        box.uncheck()
    wait_for(lambda: cloud.evaluate(painted) == 0 < full, "nothing is left when all layers are off")


def test_a_phone_shows_everything_without_scrolling_sideways(server: Server, browser: Any) -> None:
    with visiting(browser, server.url, viewport={"width": 390, "height": 844}, has_touch=True) as lab:
        lab.open("vae").train(LONG_ENOUGH).wait_says("running")
        wait_for(lab.picture, "a picture")
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert lab.panel.locator(".aigc-status").bounding_box()["y"] < 844, "the page goes to what happens"


def test_everything_can_be_reached_by_keyboard(lab: Lab) -> None:
    lab.open("gan")
    lab.button("Train", "训练").focus()
    lab.page.keyboard.press("Enter")
    lab.wait_says("running")
    wanted, reached = {"pause", "step", "stop"}, set()
    lab.panel.locator('[data-do="pause"]').focus()
    for _ in range(12):
        reached.add(lab.page.evaluate("document.activeElement.dataset.do"))
        lab.page.keyboard.press("Tab")
    assert wanted <= reached


def test_a_stranger_looks_but_does_not_steer(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as public, visiting(browser, public.url) as ann, visiting(browser, public.url) as bob:
        ann.open("vae").train(120).wait_says("running")
        (run,) = recorded(public, "vae")
        bob.open("vae", run=run["id"]).wait_says("running")
        assert bob.panel.locator("[data-do]").first.is_disabled()
        assert "someone else" in (bob.panel.locator("[data-do]").first.get_attribute("title") or "")
        refused = bob.page.request.post(f"{public.url}/aigc/runs/{run['id']}/command", data={"do": "stop"})
        assert refused.status == 400
        ann.do("stop")
        ann.wait_says("stopped")
        bob.wait_says("stopped")


def test_a_server_that_died_finds_its_run_again(browser: Any, tmp_path: Path) -> None:
    """kill -9: the page says that it lost the connection, and after a restart offers to go on from the last checkpoint."""
    with serving(tmp_path) as first, visiting(browser, first.url) as lab:
        lab.forgiven = True
        lab.open("vae").train(LONG_ENOUGH).wait_says("running")
        wait_for(lambda: list(tmp_path.glob("runs/*/checkpoint/0*")), "a checkpoint")
        first.kill()
        wait_for(lambda: "Connection lost" in lab.panel.locator(".aigc-notice").inner_text(), "it says so")
        with serving(tmp_path, port=int(first.url.rpartition(":")[2])):
            again = lab.panel.locator('[data-do="again"]')
            again.wait_for(timeout=1000 * PATIENCE)
            assert "image" in lab.panel.locator(".aigc-reason").inner_text()
            again.click()
            lab.wait_says("running")
            stop_all(lab)
