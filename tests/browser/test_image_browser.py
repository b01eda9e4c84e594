"""The Image tab as a visitor meets it: every task in both languages, on a miniature pipeline, in Chromium."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab import CHROMIUM, CUT_OFF, PATIENCE, PROJECT, browsing, serving
from PIL import Image
from tiny_pretrained import BUILDERS

from aigc.pretrained.image.asked import Method
from aigc.ui.text import chooser
from aigc.ui.text import picture as text
from aigc.ui.text.telling import RETURNED
from aigc.words import Words

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
DONE = "e => e.offsetParent && / in [0-9.]+ s\\.|用时/.test(e.textContent)"

PAINTED = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 3).map(a => Number(a > 127))"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page with a miniature text-to-image pipeline, an unconditional one, and what enlarges and styles as it comes along."""
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium here")
    pytest.importorskip("playwright")
    home = tmp_path_factory.mktemp("home")
    local = home / "checkpoints" / "local" / "pretrained"
    for slug, like in (("pictures", "sd-1.5"), ("noise", "ddpm-cifar10")):
        (local / slug).mkdir(parents=True)
        BUILDERS[like](local / slug, None)
        (local / slug / "card.json").write_text("{}")
    for slug in ("upscaler", "style"):
        shutil.copytree(PROJECT / "checkpoints" / "shipped" / "pretrained" / slug, local / slug)
    with serving(home) as served:
        yield served.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as one:
        yield one


@pytest.fixture
def picture(tmp_path: Path) -> str:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    return str(tmp_path / "mine.png")


class Visit:
    """One page of one visitor; whatever it complains about fails the test."""

    def __init__(self, browser: Any, url: str, lang: str, **how: Any):
        self.lang, self.faults = lang, list[str]()
        self.context = browser.new_context(locale="zh-CN" if lang == "zh" else "en-US", accept_downloads=True, **how)
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        self.page.on("request", lambda r: self.faults.append(r.url) if not r.url.startswith((url, "data:", "blob:")) else None)
        self.url = f"{url}{'/zh' if lang == 'zh' else '/'}"

    def open(self, view: str) -> Visit:
        self.page.goto(f"{self.url}?tab=image&view={view}")
        self.button(text.GO[view]).wait_for()
        return self

    def t(self, words: Words) -> str:
        return words[self.lang]

    def button(self, words: Words) -> Any:
        return self.page.get_by_role("button", name=self.t(words), exact=True).locator("visible=true").first

    def quick(self) -> Visit:
        """Few steps: the fold is opened, the number set."""
        self.page.get_by_text("如何采样" if self.lang == "zh" else "How it is sampled", exact=True).locator("visible=true").first.click()
        field = self.page.locator(".aigc-knob-steps input[type=number]").locator("visible=true").first
        field.fill("4")
        field.press("Tab")
        return self

    def go(self, view: str) -> str:
        """Press, wait until it is done, and give the picture that stands there."""
        self.button(text.GO[view]).click()
        self.page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-status')].some({DONE})")
        return self.page.locator(".aigc-e-after").locator("visible=true").first.get_attribute("src")

    def give(self, view: str, path: str) -> Visit:
        self.page.locator(f"#image-{view}-picture-{self.lang} input[type=file]").first.set_input_files(path)
        self.page.locator(f"#image-{view}-picture-{self.lang} img").first.wait_for()
        return self

    def end(self) -> None:
        self.context.close()
        assert not self.faults, "\n".join(self.faults)


@pytest.fixture(params=["en", "zh"])
def visit(request: Any, browser: Any, server: str) -> Iterator[Visit]:
    one = Visit(browser, server, request.param)
    yield one
    one.end()


def test_a_prompt_becomes_pictures_whose_settings_come_back(visit: Visit, tmp_path: Path) -> None:
    first = visit.open("generate").quick().go("generate")
    page = visit.page
    assert page.locator(".aigc-e-thumbs button").locator("visible=true").count() == 4
    page.locator(".aigc-e-thumbs button").locator("visible=true").nth(2).click()
    assert page.locator(".aigc-e-after").locator("visible=true").first.get_attribute("src") != first
    with page.expect_download() as download:
        visit.button(text.DOWNLOAD).click()
    download.value.save_as(tmp_path / "a.png")
    assert json.loads(Image.open(tmp_path / "a.png").info["parameters"])["seed"] == 2
    seed = page.get_by_label("随机种子" if visit.lang == "zh" else "Seed").locator("visible=true").first
    seed.fill("77")
    page.locator("[data-kept]").locator("visible=true").first.click()
    page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-status')].some(e => e.textContent === {visit.t(text.AGAIN)!r})")
    page.wait_for_function("() => [...document.querySelectorAll('input[type=number]')].filter(e => e.offsetParent).every(e => e.value !== '77')")


def test_a_page_that_is_loaded_again_shows_what_it_made(visit: Visit) -> None:
    made = visit.open("generate").quick().go("generate")
    page = visit.page
    page.reload()
    visit.faults[:] = [fault for fault in visit.faults if not fault.startswith(CUT_OFF)]
    page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-status')].some(e => e.textContent === {visit.t(RETURNED)!r})")
    assert page.locator(".aigc-e-after").locator("visible=true").first.get_attribute("src") == made
    assert page.locator("[data-kept]").locator("visible=true").count() == 1
    other = visit.context.new_page()  # another visit
    other.goto(page.url)
    other.locator("[data-example], .aigc-e-thumbs").first.wait_for(state="attached")
    other.wait_for_timeout(1000)
    assert not other.locator("[data-kept]").count()


def test_a_picture_goes_on_into_another_view(visit: Visit) -> None:
    visit.open("generate").quick().go("generate")
    page = visit.page
    page.locator("[data-send=inpaint]").locator("visible=true").first.click()
    page.wait_for_function("location.search.includes('view=inpaint')")
    page.wait_for_function("[...document.querySelectorAll('.aigc-p-picture')].some((e) => e.offsetParent && e.naturalWidth)")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    page.wait_for_function("location.search.includes('view=generate')")
    assert page.locator("#view-image > .tab-wrapper [data-tab-id=generate][aria-selected=true]").count() == 1, "Back leads to the view it came from"


def test_the_keyboard_begins_from_the_box_it_is_in(visit: Visit) -> None:
    page = visit.open("generate").quick().page
    prompt = page.locator(f"#image-generate-prompt-{visit.lang} textarea")
    prompt.fill("a blue seven")
    prompt.press("Control+Enter")
    page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-status')].some({DONE})")
    assert prompt.input_value() == "a blue seven"
    assert "a blue seven" in page.locator(".aigc-e-facts").locator("visible=true").first.inner_text()
    assert visit.button(text.GO["generate"]).get_attribute("title") == "Ctrl+Enter"


def test_an_example_is_one_press(visit: Visit) -> None:
    some = text.SOME[visit.lang][0]
    page = visit.open("generate").page
    page.get_by_role("button", name=some, exact=True).locator("visible=true").click()
    page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-status')].some({DONE})")
    assert page.locator(f"#image-generate-prompt-{visit.lang} textarea").input_value() == some


def test_a_picture_is_edited_and_compared_with_what_it_was(visit: Visit, picture: str) -> None:
    visit.open("edit").give("edit", picture).quick().go("edit")
    wipe = visit.page.locator(".aigc-e-wipe input").locator("visible=true").first
    wipe.fill("20")
    assert "20%" in visit.page.locator(".aigc-e-frame").locator("visible=true").first.get_attribute("style")


def test_what_is_painted_over_is_filled_in(visit: Visit, picture: str) -> None:
    visit.open("inpaint").give("inpaint", picture).quick()
    page = visit.page
    pad = page.locator(".aigc-p-canvas").locator("visible=true").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=4)
    brush, size = page.locator(".aigc-p-brush").locator("visible=true"), page.get_by_label(visit.t(text.PAINT["size"])).locator("visible=true")
    at = brush.bounding_box()
    assert abs(at["x"] + at["width"] / 2 - box["x"] - box["width"] * 0.6) < 2 and at["width"] == pytest.approx(box["width"] * 0.12, abs=3)
    assert size.count() == 1 and page.get_by_text(visit.t(text.PAINT["size"]), exact=True).locator("visible=true").count() == 1
    page.mouse.up()
    page.wait_for_timeout(500)  # the stroke reaches the server
    assert visit.go("inpaint")
    assert page.locator(".aigc-e-before").locator("visible=true").first.get_attribute("src")
    made = page.locator(".aigc-e-after").locator("visible=true").first
    first, drawn = made.get_attribute("src"), pad.evaluate(PAINTED)
    page.locator(".aigc-given").locator("visible=true").first.get_by_role("button", name=re.compile("Clear|Remove|清除|移除")).first.click()
    pad.wait_for(state="hidden")
    page.locator(".aigc-history button").locator("visible=true").first.click()
    pad.wait_for()
    page.wait_for_timeout(1000)  # the picture and the mask are there again, and the server has heard of it
    assert sum(drawn) > 1000 and pad.evaluate(PAINTED) == drawn
    assert visit.go("inpaint") and made.get_attribute("src") == first


def test_a_canvas_grows(visit: Visit, picture: str) -> None:
    visit.open("outpaint").give("outpaint", picture).quick().go("outpaint")
    assert "96 × 64" in visit.page.locator(".aigc-e-facts").locator("visible=true").first.inner_text()


def test_a_picture_is_enlarged(visit: Visit, picture: str) -> None:
    assert visit.open("upscale").give("upscale", picture).go("upscale")
    assert "128 × 128" in visit.page.locator(".aigc-e-facts").locator("visible=true").first.inner_text()
    assert visit.page.locator(".aigc-e-before").locator("visible=true").first.get_attribute("src")


def test_a_form_asks_only_what_the_upscaler_heeds(visit: Visit) -> None:
    visit.open("upscale")
    form = visit.page.get_by_role("tabpanel").locator("visible=true").locator(".aigc-form").locator("visible=true").first
    prompt, steps = (form.locator(at).locator("visible=true") for at in (".aigc-prompt", ".aigc-knob-steps"))
    model = form.locator(".aigc-model input").first
    visit.page.wait_for_timeout(500)
    assert not prompt.count() and not steps.count() and form.locator(".aigc-knob-times").locator("visible=true").count() == 1
    form.get_by_text(visit.t(chooser.MORE), exact=True).click()
    slices = form.locator(".aigc-knob-slicing").locator("visible=true")
    form.locator(".aigc-knob-compile").locator("visible=true").wait_for()
    assert not slices.count()
    for title, how in (("x4|四倍", "visible"), ("Swin2SR", "hidden")):
        model.click()
        visit.page.get_by_role("option").filter(has_text=re.compile(title)).first.click()
        for found in (prompt, steps, slices):
            found.first.wait_for(state=how)


def test_a_picture_takes_on_a_style(visit: Visit, picture: str) -> None:
    assert visit.open("style").give("style", picture).go("style")
    assert visit.t(Method.GATYS.words) in visit.page.locator(".aigc-e-facts").locator("visible=true").first.inner_text()


def test_pictures_come_from_noise_alone(visit: Visit) -> None:
    visit.open("sample").go("sample")
    assert visit.page.locator(".aigc-e-thumbs button").locator("visible=true").count() == 16


def test_the_inside_is_shown(visit: Visit) -> None:
    visit.open("inside").quick()
    visit.button(text.GO["inside"]).click()
    said = visit.t(text.LOOKED.fill(n=4))
    visit.page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-status')].some(e => e.textContent === {said!r})")
    visit.page.wait_for_function("document.querySelectorAll('.aigc-i-curve circle').length === 8")  # the example has more
    assert visit.page.locator("canvas.aigc-x-canvas").locator("visible=true").count() == 3


def test_a_phone_in_the_dark_has_room_for_everything(browser: Any, server: str) -> None:
    one = Visit(browser, server, "zh", viewport={"width": 390, "height": 844}, color_scheme="dark")
    one.open("generate")
    unfold = one.button(chooser.SETTINGS)
    assert unfold.bounding_box()["y"] < one.button(text.GO["generate"]).bounding_box()["y"]
    shown = one.page.locator(".aigc-easel").locator("visible=true").first
    assert shown.bounding_box()["y"] < 700, "the example begins on the first screen"
    assert one.page.locator(".aigc-knob, .aigc-model").locator("visible=true").count() == 0
    unfold.focus()
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.id") == "image-generate-go-zh", "the keyboard goes past what is folded"
    unfold.press("Enter")
    assert unfold.get_attribute("aria-expanded") == "true" and one.page.locator(".aigc-model").locator("visible=true").count() == 1
    one.quick().go("generate")
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    top = one.page.locator(".aigc-e-after").locator("visible=true").first.bounding_box()["y"]
    assert 0 <= top < 400, "the picture is brought into sight, not only its upper edge"
    one.end()


def test_a_run_is_stopped(browser: Any, server: str) -> None:
    one = Visit(browser, server, "en").open("generate").quick()
    field = one.page.locator(".aigc-knob-steps input[type=number]").locator("visible=true").first
    field.fill("200")
    field.press("Tab")
    one.button(text.GO["generate"]).click()
    one.page.wait_for_function("[...document.querySelectorAll('.aigc-x-status')].some(e => /^Step/.test(e.textContent))")
    one.button(text.STOP).dispatch_event("click")  # a mouse that first waits for the page to settle would come too late
    one.page.wait_for_function("[...document.querySelectorAll('.aigc-x-status')].some(e => e.textContent === 'Stopped.')")
    one.end()


AT_ONCE = """(label) => new Promise((done) => {
  const shown = (e) => e.offsetParent;
  const status = [...document.querySelectorAll(".aigc-x-status")].find(shown);
  const begun = performance.now();
  new MutationObserver(() => /Stopped|已停止/.test(status.textContent) && done(performance.now() - begun)).observe(status, { childList: true });
  [...document.querySelectorAll("button")].filter(shown).find((b) => b.textContent.trim() === label).click();
})"""


@pytest.mark.parametrize("view", ["generate", "inside"])
def test_a_stop_is_said_at_once_and_the_work_ends(visit: Visit, view: str) -> None:
    """The page says so itself; the run hears of it before Gradio has looked up whom to tell, and the line does not come back."""
    page = visit.open(view).quick().page
    field = page.locator(".aigc-knob-steps input[type=number]").locator("visible=true").first
    field.fill("200")
    field.press("Tab")
    visit.button(text.GO[view]).click()
    under_way = "/[Ss]tep [0-9]+ of|第 [0-9]+ 步/.test(e.textContent)"
    page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-status')].some(e => {under_way})")
    assert page.evaluate(AT_ONCE, visit.t(text.STOP)) < 1000
    page.wait_for_timeout(1500)
    assert page.locator(".aigc-x-status").locator("visible=true").first.inner_text() == visit.t(text.STOPPED)
    field.fill("4")
    field.press("Tab")
    visit.button(text.GO[view]).click()  # a run that went on would keep this one in line
    page.wait_for_function("[...document.querySelectorAll('.aigc-x-status')].some(e => / in [0-9.]+ s\\.|用时|seen|看了/.test(e.textContent))")


def test_the_way_can_be_walked_again(visit: Visit) -> None:
    """The steps come beside Gradio, and those of a quick run with its end."""
    page = visit.open("generate").page  # in all its steps: of few and quick ones only the newest are shown
    visit.go("generate")
    slider = page.locator(".aigc-e-frame").locator("visible=true").locator("xpath=ancestor::*[contains(@class,'aigc-easel')]").first
    assert int(slider.locator(".aigc-x-slider input[aria-label]").last.get_attribute("max")) >= 3
