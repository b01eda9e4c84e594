"""The page as a person meets it: two languages, two themes, wide and narrow, links and keyboard, data and models."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lab import CHROMIUM, PATIENCE, Server, browsing, serving, visiting, wait_for
from PIL import Image

from aigc import registry
from aigc.data import spec
from aigc.events import Step
from aigc.jobs.runs import Request, Run
from aigc.knobs import as_values
from aigc.registry import ModelCard, spec_as_json
from aigc.techniques import technique, techniques
from aigc.ui.text import data as data_text
from aigc.ui.text import home as home_text
from aigc.ui.text import models as models_text

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine"),
]
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
EVIL = "<img src=x onerror=window.hacked=1>{{7*7}}${1}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as m:
        m.setenv("AIGC_HOME", str(home))
        _plant("first-vae", [9.0, 5.0, 3.0], title=EVIL)
        _plant("second-vae", [8.0, 4.0])
    with serving(home) as server:
        yield server


def _plant(slug: str, losses: list[float], title: str = "") -> None:
    """A model that learnt nothing, and the log of the training that it never had."""
    digits = spec("digits")
    config, options = technique("vae").read({}, digits)
    run = Run.create(Request("vae", "digits"), spec_as_json(digits))
    for i, loss in enumerate(losses, 1):
        run.append(Step(1000 * i, i, float(i), 1000.0, 0, {"loss": loss}))
    run.update(state="finished", ended=run.record["created"])
    sheet = io.BytesIO()
    Image.new("L", (64, 64), 128).save(sheet, "PNG")
    card = ModelCard(slug, "vae", "digits", spec_as_json(digits), as_values(config), as_values(options), title=title, run=run.id, licence="CC BY 4.0")
    registry.save(registry.build("vae", config, digits), card, sheet.getvalue())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as browser:
        yield browser


@contextmanager
def opened(browser: Any, server: Server, path: str = "/", lang: str = "en", size: str = "wide", *, leaves: bool = False, **how: Any) -> Iterator[Any]:
    """A page; `leaves`: for another document, maybe while a call is under way."""
    with visiting(browser, server.url, lang, viewport=SIZES[size], **how) as lab:
        lab.reloaded = leaves
        lab.page.set_default_timeout(1000 * PATIENCE)
        lab.page.goto(f"{server.url}{path}")
        lab.page.locator("#tabs").wait_for()
        yield lab.page


def query(page: Any) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(urlsplit(page.url).query).items()}


def selected(page: Any) -> str:
    return page.locator("#tabs > .tab-wrapper [role=tab][aria-selected=true]").get_attribute("data-tab-id")


# how it looks
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", SIZES)
def test_every_tab_fits_and_can_be_read(browser: Any, server: Server, size: str, lang: str, theme: str):
    with opened(browser, server, lang=lang, size=size, color_scheme=theme) as page:
        wait_for(lambda: page.evaluate("document.documentElement.dataset.theme") == theme, "the theme follows the system")
        for tab in ("home", "data", "models"):
            page.locator(f"#tabs > .tab-wrapper [data-tab-id={tab}]").click()
            page.locator({"home": ".aigc-loop", "data": "#data-gallery .aigc-sheet", "models": "#models-table table"}[tab]).first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{tab} is wider than the window"
            assert page.evaluate(FAINT) == [], f"too faint on {tab}, {theme}"
            assert page.evaluate(NAMELESS) == [], f"without a name on {tab}"


# Visible text whose contrast with what is behind it is below WCAG's AA.
FAINT = """() => {
  const rgb = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; }
  };
  const bad = [];
  const walk = document.createTreeWalker(document.querySelector('.gradio-container'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest(':disabled, svg, [aria-hidden=true]')) continue;
    if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(behind(e) || [255, 255, 255])].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(walk.currentNode.data.trim().slice(0, 30));
  }
  return bad;
}"""
# Visible controls that a screen reader could not name.
NAMELESS = """() => [...document.querySelectorAll('.gradio-container :is(button, a[href], input, select, textarea)')]
  .filter((e) => e.checkVisibility() && e.type !== 'hidden' && !e.closest('[aria-hidden=true]'))
  .filter((e) => !(e.innerText || '').trim() && !e.ariaLabel && !e.title && !(e.labels || []).length && !e.getAttribute('aria-labelledby')
    && !e.placeholder && !e.querySelector('img[alt]:not([alt=""])'))
  .map((e) => e.outerHTML.slice(0, 120))"""


def test_the_theme_is_chosen_and_kept(browser: Any, server: Server):
    with opened(browser, server, color_scheme="light") as page:
        theme = lambda: page.evaluate("[document.documentElement.dataset.theme, document.body.classList.contains('dark')]")  # noqa: E731
        for expected in (["light", False], ["dark", True]):  # from "as the system" to light to dark
            page.locator("#aigc-theme").click()
            assert theme() == expected
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.locator("#aigc-theme").click()
        assert theme() == ["light", False] and page.evaluate("getComputedStyle(document.body).backgroundColor") != paper
        for _ in range(2):
            page.locator("#aigc-theme").click()
        again = page.context.new_page()  # the same visitor comes back
        again.goto(server.url)
        again.locator("#tabs").wait_for()
        wait_for(lambda: again.evaluate("document.body.classList.contains('dark')"), "dark is remembered")


def test_what_moves_rests_when_asked(browser: Any, server: Server):
    with opened(browser, server, reduced_motion="reduce") as page:
        longest = "Math.max(...[...document.querySelectorAll('*')].map((e) => parseFloat(getComputedStyle(e).transitionDuration)))"
        assert page.evaluate(longest) <= 0.001


# languages and links
def test_a_chinese_browser_reads_chinese_and_may_switch(browser: Any, server: Server):
    with opened(browser, server, "/?tab=vae", lang="zh", leaves=True) as page:
        assert urlsplit(page.url).path == "/zh" and query(page)["tab"] == "vae"
        assert page.locator("html").get_attribute("lang") == "zh-Hans" and selected(page) == "vae"
        page.locator("#aigc-lang").click()
        page.wait_for_url(re.compile(r"/\?.*tab=vae"))
        page.locator("#tabs").wait_for()
        assert page.locator("html").get_attribute("lang") == "en" and selected(page) == "vae"
        page.goto(server.url)
        page.locator("#tabs").wait_for()
        assert urlsplit(page.url).path == "/", "the choice outlives the visit"


@pytest.mark.parametrize("tab", ["home", "data", *techniques(), "models"])
def test_the_address_follows_the_tabs_and_leads_back(browser: Any, server: Server, tab: str):
    with opened(browser, server) as page:
        page.locator(f"#tabs > .tab-wrapper [data-tab-id={tab}]").click()
        wait_for(lambda: query(page).get("tab", "home") == tab, "the address names the tab")
        address = urlsplit(page.url)
    with opened(browser, server, f"{address.path}?{address.query}") as page:
        assert selected(page) == tab


def test_a_link_opens_a_view_of_a_tab_at_once(browser: Any, server: Server):
    with opened(browser, server, "/?tab=vae&view=how") as page:
        assert selected(page) == "vae"
        assert page.locator("#view-vae > .tab-wrapper [aria-selected=true]").get_attribute("data-tab-id") == "how"


def test_a_link_to_a_view_opens_it_at_the_first_press_and_its_tab_comes_back_to_it(browser: Any, server: Server):
    with opened(browser, server) as page:
        page.locator(".prose a[href*='tab=vae'][href*='view=how']").first.click()
        view = page.locator("#view-vae > .tab-wrapper [aria-selected=true]")
        wait_for(lambda: selected(page) == "vae" and view.get_attribute("data-tab-id") == "how", "the article is shown")
        wait_for(lambda: "view=how" in page.url, "the address says so")
        page.locator("#tabs > .tab-wrapper [data-tab-id=home]").click()
        wait_for(lambda: "tab=" not in page.url, "home")
        page.locator("#tabs > .tab-wrapper [data-tab-id=vae]").click()
        wait_for(lambda: "tab=vae" in page.url and "view=how" in page.url, "the address of the tab comes back")


# Of every bar of tabs that is seen, whether the tab that is chosen is seen whole.
CHOSEN_SEEN = """() => [...document.querySelectorAll(".tab-wrapper [role=tab][aria-selected=true]")].filter((tab) => tab.offsetParent).map((tab) => {
  const [bar, part] = [tab.closest("[role=tablist]"), tab].map((element) => element.getBoundingClientRect());
  return part.left >= bar.left - 1 && part.right <= bar.right + 1;
})"""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_narrow_bar_shows_the_tab_that_is_chosen(browser: Any, server: Server, lang: str):
    path = {"en": "/", "zh": "/zh"}[lang]
    with opened(browser, server, f"{path}?tab=image&view=inside", lang, "narrow", leaves=True) as page:
        wait_for(lambda: page.evaluate(CHOSEN_SEEN) == [True, True], "both bars show what the link named")
        page.locator("#view-image > .tab-wrapper [data-tab-id=generate]").click()
        wait_for(lambda: page.evaluate(CHOSEN_SEEN) == [True, True], "the first view is seen")
        page.go_back()
        wait_for(lambda: query(page)["view"] == "inside", "back at the last view")
        wait_for(lambda: page.evaluate(CHOSEN_SEEN) == [True, True], "and that is seen again")
        page.reload()  # now from the cache, drawn before the document is told to be ready
        wait_for(lambda: page.evaluate(CHOSEN_SEEN) == [True, True], "and after a reload")


def test_back_leads_to_what_was_looked_at_before(browser: Any, server: Server):
    with opened(browser, server) as page:
        view = page.locator("#view-vae > .tab-wrapper [aria-selected=true]")
        for tab in ("data", "vae"):
            page.locator(f"#tabs > .tab-wrapper [data-tab-id={tab}]").click()
            wait_for(lambda tab=tab: query(page).get("tab") == tab, f"{tab} is in the address")
        wait_for(lambda: view.get_attribute("data-tab-id") == "train", "the view that it begins with")
        page.locator("#view-vae > .tab-wrapper [data-tab-id=how]").click()
        wait_for(lambda: query(page).get("view") == "how", "the article")
        page.go_back()
        wait_for(lambda: selected(page) == "vae" and view.get_attribute("data-tab-id") == "train", "the form")
        page.go_back()
        wait_for(lambda: selected(page) == "data", "the data")
        page.go_back()
        wait_for(lambda: selected(page) == "home", "home")
        page.go_forward()
        wait_for(lambda: selected(page) == "data" and query(page)["tab"] == "data", "and forward again")


def test_back_leads_to_the_view_that_a_link_left(browser: Any, server: Server):
    with opened(browser, server, "/?tab=vae&view=train") as page:
        view = page.locator("#view-vae > .tab-wrapper [aria-selected=true]")
        shows = lambda name: wait_for(lambda: view.get_attribute("data-tab-id") == query(page).get("view") == name, name)  # noqa: E731
        page.locator("#view-vae .aigc-term").first.click()
        page.locator("#view-vae .aigc-notice a[href$='?tab=vae&view=how']").click()
        shows("how")
        page.go_back()
        shows("train")
        page.go_forward()
        shows("how")


def test_gradio_speaks_the_language_of_the_page(browser: Any, server: Server):
    with opened(browser, server, "/zh?tab=image&view=upscale", lang="en") as page:
        page.get_by_text("点击上传").locator("visible=true").first.wait_for()


ODD = (
    "?tab=nothing", "?tab=explore", "?tab=vae&view=nothing", "?tab=vae&view=chat", "?tab=<script>", "?page=evil", "?tab=models&model=../../x",
    "?lang=xx",
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_address_shows_a_page(browser: Any, server: Server, odd: str):
    with opened(browser, server, f"/{odd}") as page:
        assert selected(page) in ("home", "vae", "models")


def test_the_boxes_of_the_loop_lead_to_the_tabs_without_loading_the_page_again(browser: Any, server: Server):
    with opened(browser, server) as page:
        page.evaluate("window.sameDocument = true")
        boxes = page.locator(".aigc-loop a")
        assert boxes.count() == 6
        for i in range(6):
            page.locator("#tabs > .tab-wrapper [data-tab-id=home]").click()
            wanted = parse_qs(urlsplit(boxes.nth(i).get_attribute("href")).query)["tab"][0]
            boxes.nth(i).click()
            wait_for(lambda wanted=wanted: selected(page) == wanted, "the box leads to its tab")
        assert page.evaluate("window.sameDocument")


def test_a_link_that_names_a_run_or_a_model_opens_it_without_loading_the_page_again(browser: Any, server: Server):
    with opened(browser, server, "/?tab=models&model=first-vae") as page:
        page.evaluate("window.sameDocument = true")
        card = page.locator("#models-card")
        tab = lambda name: page.locator(f"#tabs > .tab-wrapper [data-tab-id={name}]").click()  # noqa: E731
        trained = page.locator("#view-vae [data-fact=images] dd")
        chosen = page.locator("#view-vae .aigc-x-model input")
        measured = page.locator("#evaluate-model input")
        titles = {"first-vae": EVIL, "second-vae": "second-vae"}
        for slug, images in (("first-vae", "3,000"), ("second-vae", "2,000"), ("first-vae", "3,000")):  # drawn for the first time, and told
            tab("models")
            page.locator(f"[data-open={slug}]").click()
            wait_for(lambda slug=slug: card.locator("h2").inner_text() == titles[slug], "its card")
            assert query(page) == {"tab": "models", "model": slug}, "the address names the card"
            run = card.locator("a[href*='run=']")
            named = parse_qs(urlsplit(run.get_attribute("href")).query)["run"][0]
            run.click()
            wait_for(lambda images=images: trained.count() and images in trained.inner_text(), f"the run of {images} images")
            wait_for(lambda named=named: query(page).get("run") == named, "the address names the run")
            tab("models")
            card.locator("a[href*='view=explore']").click()
            wait_for(lambda slug=slug: chosen.count() and chosen.input_value().startswith(titles[slug]), f"{slug} is explored")
            how_good = page.locator(f"#view-vae .aigc-x-facts a[href$='model={slug}']")
            how_good.click()
            wait_for(lambda slug=slug: measured.count() and measured.input_value().startswith(titles[slug]), f"{slug} can be measured")
        page.go_back()
        wait_for(lambda: selected(page) == "vae" and query(page).get("model") == "first-vae", "and back")
        assert page.evaluate("window.sameDocument")


def test_the_keyboard_reaches_the_tabs_and_is_seen(browser: Any, server: Server):
    with opened(browser, server) as page:
        page.locator("#tabs > .tab-wrapper [data-tab-id=home]").wait_for()  # a slow machine draws the tabs after their frame
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement?.dataset?.tabId") == "home":
                break
        else:
            pytest.fail("the tabs are not reached by the keyboard")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        wait_for(lambda: selected(page) == "data", "Enter opens the tab")


def test_scripts_cannot_read_who_one_is(browser: Any, server: Server):
    with opened(browser, server) as page:
        assert "aigc_owner" not in page.evaluate("document.cookie")
        assert any(c["name"] == "aigc_owner" and c["httpOnly"] for c in page.context.cookies())


def test_home_shows_the_newest_models_and_the_machine(browser: Any, server: Server):
    with opened(browser, server) as page:
        page.locator(".aigc-sheets img").first.wait_for()
        assert page.locator(".aigc-sheets a").count() == 2 and EVIL in page.locator(".aigc-sheets").inner_text()
        assert page.locator(".aigc-outlook li").count() == 3
        assert page.evaluate("window.hacked") is None


# data
def test_data_is_looked_at_plain_and_augmented(browser: Any, server: Server):
    with opened(browser, server, "/?tab=data") as page:
        sheets = page.locator("#data-gallery .aigc-sheet")
        sheets.nth(1).wait_for()
        sheet = lambda n: sheets.nth(n).get_attribute("style").partition("--sheet")[2]  # noqa: E731
        assert sheet(0) == sheet(1) and data_text.SAME.en in page.locator("#data-gallery").inner_text()
        before = sheet(0)
        page.locator(".aigc-knob-rotation input[type=number]").fill("40")
        page.locator(".aigc-knob-rotation input[type=number]").press("Enter")
        page.locator(".aigc-knob-flip input").check()
        wait_for(lambda: sheet(1) != sheet(0), "the right side is changed")
        assert sheet(0) == before
        page.get_by_role("button", name=data_text.OTHERS.en).click()
        wait_for(lambda: sheet(0) != before, "other examples")
        page.get_by_label("Ring of 8 Gaussians").check()
        page.locator("#data-gallery .aigc-scatter").wait_for()
        assert page.locator(".aigc-more").count() == 0, "points are not augmented"


def test_a_link_names_a_dataset(browser: Any, server: Server):
    with opened(browser, server, "/zh?tab=data&data=spiral", lang="zh") as page:
        page.locator("#data-gallery .aigc-scatter").wait_for()
        assert page.locator(".aigc-about-data h2").inner_text() == spec("spiral").title.zh


def test_what_is_not_here_says_so_and_fails_in_words(browser: Any, server: Server):
    with opened(browser, server, "/?tab=data&data=mnist") as page:
        page.locator("#data-gallery").get_by_text(data_text.NOT_HERE.fill(title="MNIST").en).wait_for()


def test_own_images_from_files_to_a_dataset_and_away(browser: Any, server: Server, tmp_path: Path):
    files = []
    for i in range(9):
        files.append(tmp_path / f"{i}.png")
        Image.new("RGB", (50 + i, 40), (20 * i, 200, 90)).save(files[-1])
    files.append(tmp_path / "no picture <i>.png")
    files[-1].write_text("text")
    with opened(browser, server, "/?tab=data&view=own") as page:
        page.locator("#own-files input[type=file]").set_input_files(str(files[0]))
        page.locator("#own-preview .aigc-sheet i").wait_for()
        assert page.locator("#own-preview .aigc-sheet i").bounding_box()["width"] < 160, "one picture of 28 pixels is no poster"
        page.locator("#own-files button[aria-label*=lear]").first.click()
        page.locator("#own-preview .aigc-waiting").wait_for()
        page.locator("#own-files input[type=file]").set_input_files([str(f) for f in files])
        page.locator("#own-preview .aigc-sheet").wait_for()
        assert page.locator("#own-preview .aigc-sheet i").count() == 9
        assert "no picture" in page.locator("#own-preview .aigc-left-out").inner_text()
        page.locator("#own-name").locator("input, textarea").fill(EVIL)
        page.locator("#own-use").click()
        page.locator(".aigc-about-data h2", has_text="onerror").wait_for()
        assert page.locator(".aigc-about-data h2").inner_text() == EVIL, "shown as it was typed"
        page.get_by_role("button", name=data_text.DELETE.en).click()
        page.get_by_role("button", name=data_text.YES_DELETE.en).click()
        page.locator(".aigc-about-data h2", has_text="Digits").wait_for()
        assert page.get_by_label(EVIL).count() == 0
        assert page.evaluate("window.hacked") is None


# models
def test_models_are_listed_chosen_verified_and_renamed(browser: Any, server: Server):
    with opened(browser, server, "/?tab=models&model=first-vae") as page:
        card = page.locator("#models-card")
        card.get_by_text("CC BY 4.0").wait_for()
        assert card.locator("h2").inner_text() == EVIL
        page.locator("#models-filter").locator("input, textarea").fill("second")
        wait_for(lambda: page.locator("[data-open]").count() == 1, "the filter filters")
        page.locator("[data-open=second-vae]").click()
        wait_for(lambda: card.locator("h2").inner_text() == "second-vae", "another card")
        page.get_by_role("button", name=models_text.VERIFY.en).click()
        card.get_by_text(models_text.WHOLE.fill(name="second-vae").en).wait_for()
        with page.expect_download() as zipped:
            card.get_by_role("link", name=models_text.EXPORT.en).click()
        assert zipped.value.suggested_filename == "second-vae.zip"
        card.get_by_text(models_text.MANAGE.en).click()
        name = page.locator("#model-name").locator("input, textarea")
        name.fill(EVIL)
        page.get_by_role("button", name=models_text.RENAME.en, exact=True).click()
        page.locator(".toast-body").first.wait_for()
        assert page.evaluate("window.hacked") is None, "a refusal is text"
        name.fill("renamed-vae")
        page.get_by_role("button", name=models_text.RENAME.en, exact=True).click()
        wait_for(lambda: card.locator("h2").inner_text() == "renamed-vae", "renamed")
        name.fill("second-vae")
        page.get_by_role("button", name=models_text.RENAME.en, exact=True).click()
        wait_for(lambda: card.locator("h2").inner_text() == "second-vae", "and back")
        assert page.evaluate("window.hacked") is None


def test_two_models_are_compared(browser: Any, server: Server):
    with opened(browser, server, "/?tab=models") as page:
        boxes = [page.locator(f"[data-pick={slug}]") for slug in ("first-vae", "second-vae")]
        for box in boxes:  # the second before the page has answered the first
            box.check()
        page.locator("#compare-plot .main-svg").first.wait_for()
        assert all(box.is_checked() for box in boxes)
        assert page.locator("#compare-plot .scatterlayer .trace").count() == 2
        title = lambda: page.locator("#compare-plot .xtitle").text_content()  # noqa: E731
        assert title() == models_text.AXES["images"].en
        page.locator("#compare-over").get_by_label(models_text.AXES["seconds"].en).check()
        wait_for(lambda: title() == models_text.AXES["seconds"].en, "over seconds")
        assert page.locator("#compare-samples img").count() == 2
        ink = lambda: page.locator("#compare-plot .xtitle").evaluate("e => getComputedStyle(e).fill")  # noqa: E731
        light = ink()
        page.locator("#aigc-theme").click()
        page.locator("#aigc-theme").click()  # the system's, light, dark
        wait_for(lambda: ink() != light, "the plot follows the theme")
        assert title() == models_text.AXES["seconds"].en, "and stays what it was"
        for box in boxes:
            box.uncheck()
        page.locator("#compare-plot").wait_for(state="hidden")


# going on
def test_a_server_that_comes_back_is_noticed(browser: Any, server: Server):
    with opened(browser, server) as page:
        brief = page.locator("[data-aigc-now=machine] .aigc-meters dd span").first
        wait_for(lambda: "%" in brief.inner_text(), "the meters are alive")
        assert home_text.CPU.en in page.locator("[data-aigc-now=machine]").inner_text()
