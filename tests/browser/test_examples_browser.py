"""Image and Text before and after the first press: the example that stands there, what works on it, and the answer that a press gives at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from lab import CHROMIUM, PATIENCE, PROJECT, Lab, browsing, serving, visiting
from tiny_pretrained import BUILDERS

from aigc.ui.text import picture, telling, writing
from aigc.words import LANGS, Lang

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium here"),
]
# What the panel says when the picture after the press is drawn, and how long that took; Gradio's own work comes after it.
PRESSED = """(go) => new Promise((done) => {
  const button = document.querySelector(go);
  const status = button.closest('.aigc-train').querySelector('.aigc-result .aigc-x-status');
  const begun = performance.now();
  button.click();
  requestAnimationFrame(() => setTimeout(() => done([status.textContent, button.classList.contains('aigc-pressed'), performance.now() - begun])));
})"""

ENLARGED = "dialog.aigc-large[open]"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with the examples that come along, and miniatures in the place of their models."""
    home, shipped = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("shipped")
    for name in ("features", "examples"):
        (shipped / name).symlink_to(PROJECT / "checkpoints" / "shipped" / name)
    local = home / "checkpoints" / "local" / "pretrained"
    for slug, like in (("pictures", "sd-1.5"), ("verse", "gpt2")):
        (local / slug).mkdir(parents=True)
        BUILDERS[like](local / slug, None)
        (local / slug / "pytorch_model.bin").unlink(missing_ok=True)
        (local / slug / "card.json").write_text("{}")
    with serving(home, env={"AIGC_SHIPPED": str(shipped)}) as it:
        yield it


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as it:
        yield it


def went(lab: Lab, tab: str, view: str) -> Any:
    """The panel of the view, where the example has come."""
    lab.go(tab, view=view)
    lab.page.locator(f"#{tab}-{view}-go-{lab.lang}").locator("visible=true").wait_for(timeout=1000 * PATIENCE)
    panel = lab.page.locator(".aigc-easel, .aigc-writing").locator("visible=true").first
    panel.locator(".aigc-x-example").locator("visible=true").wait_for(timeout=1000 * PATIENCE)
    return panel


@pytest.mark.parametrize("lang", LANGS)
def test_an_example_of_a_picture_is_labelled_and_goes_on(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        panel, page = went(lab, "image", "generate"), lab.page
        assert panel.locator(".aigc-x-made").inner_text() == picture.EASEL["made"][lang]
        assert picture.EXAMPLES["generate"][lang] in panel.locator(".aigc-e-facts").inner_text()
        assert panel.locator(".aigc-e-thumbs button").count() == 4
        save = page.get_by_role("button", name=picture.DOWNLOAD[lang], exact=True).locator("visible=true")
        assert save.count() == 0
        panel.locator(".aigc-e-thumbs button").nth(2).click()
        page.locator("[data-send=edit]").locator("visible=true").click()
        page.locator(f"#image-edit-picture-{lang} img").locator("visible=true").first.wait_for()
        page.get_by_role("tab", name=picture.VIEWS["generate"][lang], exact=True).locator("visible=true").click()
        page.locator(f"#image-generate-go-{lang}").locator("visible=true").wait_for()
        said, is_pressed, _ = page.evaluate(PRESSED, f"#image-generate-go-{lang}")
        assert said == telling.STARTING[lang] and is_pressed
        save.first.wait_for(timeout=1000 * PATIENCE)
        assert panel.locator(".aigc-x-example").locator("visible=true").count() == 0 and page.locator(".aigc-pressed").count() == 0


@pytest.mark.parametrize("lang", LANGS)
def test_a_picture_is_seen_large(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        panel, page = went(lab, "image", "sample"), lab.page
        frame, large = panel.locator(".aigc-e-frame"), page.locator(ENLARGED)
        small = frame.bounding_box()["width"]
        frame.focus()
        page.keyboard.press("Enter")
        large.wait_for()
        assert page.evaluate("document.activeElement.ariaLabel") == picture.EASEL["close"][lang]
        for word in ("made", "example"):
            assert large.get_by_text(picture.EASEL[word][lang], exact=True).is_visible()
        for key in ("ArrowLeft", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        seen = large.locator("img")
        assert picture.SEED.fill(seed=2)[lang] in seen.get_attribute("alt")
        assert picture.EASEL["of"].fill(i=3, n=9)[lang] in large.inner_text()
        times = seen.evaluate("e => e.width / e.naturalWidth")
        assert times == int(times) and seen.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated", "by whole pixels, and crisp"
        assert seen.bounding_box()["width"] > small
        page.keyboard.press("Escape")
        large.wait_for(state="detached")
        assert frame.evaluate("e => e === document.activeElement"), "the keyboard goes on from the picture"
        assert panel.locator(".aigc-e-thumbs button").nth(2).get_attribute("aria-pressed") == "true"
        frame.click()
        large.locator(".aigc-l-room").click()
        large.wait_for(state="detached")


def test_drawing_the_wipe_is_no_click(server: Any, browser: Any) -> None:
    with visiting(browser, server.url) as lab:
        panel, page = went(lab, "image", "upscale"), lab.page
        frame = panel.locator(".aigc-e-frame")
        box = frame.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40, steps=4)
        page.mouse.up()
        page.wait_for_timeout(300)
        assert "--at: 25%" in frame.get_attribute("style") and not page.locator(ENLARGED).count()
        frame.click()
        page.locator(ENLARGED).wait_for()
        assert "--at: 25%" in frame.get_attribute("style"), "and a click does not draw it"


def test_a_finger_goes_through_the_pictures(server: Any, browser: Any) -> None:
    with visiting(browser, server.url, "zh", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as lab:
        panel, page = went(lab, "image", "sample"), lab.page
        large, touch = page.locator(ENLARGED), page.context.new_cdp_session(page)
        panel.locator(".aigc-e-frame").tap()
        large.wait_for()
        for end, place in ((80, 2), (80, 3), (360, 2)):
            for kind, places in (("Start", [220]), ("Move", range(220, end, (end - 220) // 5)), ("End", [None])):
                for x in places:
                    points = [] if x is None else [{"x": x, "y": 450}]
                    touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
            large.get_by_text(f"{place} / 9").wait_for()
        large.locator(".aigc-l-room").tap()
        large.wait_for(state="detached")


@pytest.mark.parametrize(("lang", "tab", "view"), [("en", "image", "style"), ("zh", "image", "style"), ("en", "text", "summarise")])
def test_what_made_nothing_leaves_an_example_that_says_so(server: Any, browser: Any, lang: Lang, tab: str, view: str) -> None:
    with visiting(browser, server.url, lang) as lab:
        panel, page = went(lab, tab, view), lab.page
        page.wait_for_timeout(3000)
        if tab == "text":
            page.locator(f"#text-{view}-{lang} textarea").fill("")
        page.locator(f"#{tab}-{view}-go-{lang}").click()  # with nothing to work on
        still = telling.STILL.fill(line="")[lang].strip()
        panel.locator(".aigc-x-status.aigc-refused").filter(has_text=still).wait_for()
        assert panel.locator(".aigc-x-example").is_visible()
        if tab == "image":
            assert page.get_by_text(picture.GO_ON_EXAMPLE[lang], exact=True).locator("visible=true").count() == 1
            assert page.get_by_text(picture.GO_ON[lang], exact=True).locator("visible=true").count() == 0


@pytest.mark.parametrize("lang", LANGS)
def test_an_example_of_a_text_is_looked_into_and_branches(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        panel, page = went(lab, "text", "continue"), lab.page
        before = page.locator(f"#text-continue-prompt-{lang} textarea").input_value()
        panel.locator(".aigc-w-token").nth(1).click()
        branch = panel.locator(".aigc-w-branch").nth(1)
        branch.click()
        assert panel.locator(".aigc-x-status").inner_text() != writing.PANEL["hint"][lang]
        page.locator(".aigc-w-history [data-kept]").locator("visible=true").wait_for(timeout=1000 * PATIENCE)
        after = page.locator(f"#text-continue-prompt-{lang} textarea").input_value()
        assert after != before and before.strip() in after
        page.get_by_role("button", name=writing.SAVE[lang], exact=True).locator("visible=true").wait_for()
        if panel.locator(".aigc-w-onward").locator("visible=true").count():
            panel.locator(".aigc-w-onward").locator("visible=true").click()
            page.locator(".aigc-w-history [data-kept='1']").locator("visible=true").wait_for(timeout=1000 * PATIENCE)


@pytest.mark.parametrize(("tab", "view"), [("text", "continue"), ("text", "chat"), ("text", "perplexity"), ("image", "edit"), ("image", "inside")])
def test_a_press_is_answered_before_gradio_hears_of_it(server: Any, browser: Any, tab: str, view: str) -> None:
    with visiting(browser, server.url) as lab:
        lab.go(tab, view=view)
        go = f"#{tab}-{view}-go-en"
        lab.page.locator(go).locator("visible=true").wait_for(timeout=1000 * PATIENCE)
        lab.page.wait_for_timeout(3000)
        said, is_pressed, _ = lab.page.evaluate(PRESSED, go)
        assert said == telling.STARTING.en and is_pressed
        lab.page.wait_for_function("() => !document.querySelector('.aigc-pressed')", timeout=1000 * PATIENCE)
        assert telling.STARTING.en not in lab.page.locator(".aigc-x-status").locator("visible=true").first.inner_text()


STATES = """([go, stop]) => {
  const of = () => [stop.ariaDisabled, stop.tabIndex];
  const idle = of();
  go.click();
  return new Promise((done) => setTimeout(() => done([idle, of()])));
}"""


@pytest.mark.parametrize(("tab", "view"), [("image", "generate"), ("image", "inside"), ("text", "continue"), ("text", "chat")])
def test_stop_is_alive_only_while_something_runs(server: Any, browser: Any, tab: str, view: str) -> None:
    with visiting(browser, server.url) as lab:
        page = lab.page
        lab.go(tab, view=view)
        go = page.locator(f"#{tab}-{view}-go-en").locator("visible=true")
        go.wait_for(timeout=1000 * PATIENCE)
        page.wait_for_timeout(3000)
        stop = page.locator(".aigc-x-stop").locator("visible=true")
        idle, pressed = page.evaluate(STATES, [go.element_handle(), stop.element_handle()])
        assert idle == ["true", -1] and pressed == ["false", 0], "alive as soon as the button is pressed"
        stop.focus()
        page.wait_for_function("stop => stop.ariaDisabled === 'true'", arg=stop.element_handle())  # it ends by itself
        assert stop.evaluate("stop => stop === document.activeElement"), "the keyboard keeps its place"
        page.keyboard.press("Enter")  # and is not heard
        page.wait_for_timeout(500)
        assert page.locator(".aigc-x-status").locator("visible=true").first.inner_text() != telling.STOPPED.en


def test_the_facts_of_a_model_are_folded_and_stay_as_they_are_left(server: Any, browser: Any) -> None:
    with visiting(browser, server.url) as lab:
        went(lab, "image", "generate")
        page, facts = lab.page, lab.page.locator("#model-facts-image-generate")
        line = facts.locator("summary")
        line.filter(has_text="Fits here").wait_for()
        assert not facts.locator("dl").is_visible()
        line.focus()
        page.keyboard.press("Enter")
        facts.locator("dl").wait_for()
        page.locator("#image-generate-go-en").click()
        line.filter(has_text="loaded").wait_for(timeout=1000 * PATIENCE)
        page.wait_for_timeout(500)
        assert facts.locator("dl").is_visible()


def test_a_press_that_cannot_be_heard_is_taken_back(server: Any, browser: Any) -> None:
    with visiting(browser, server.url) as lab:
        lab.forgiven = True
        panel = went(lab, "text", "continue")
        before = panel.locator(".aigc-x-status").inner_text()
        lab.page.route("**/queue/join*", lambda route: route.abort())
        said, is_pressed, _ = lab.page.evaluate(PRESSED, "#text-continue-go-en")
        assert said == telling.STARTING.en and is_pressed
        lab.page.wait_for_function("() => !document.querySelector('.aigc-pressed')", timeout=1000 * PATIENCE)
        assert panel.locator(".aigc-x-status").inner_text() == before
