"""The Text tab as a visitor meets it, in both languages: a text streams in and is looked into, settings are crossed, a text is summarised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from lab import CHROMIUM, PATIENCE, Lab, browsing, serving, visiting, wait_for
from tiny_pretrained import BUILDERS, written

from aigc.data.sources import in_bytes
from aigc.pretrained.catalogue import Entry, entries
from aigc.pretrained.hub import COMPLETE
from aigc.ui.text import grid as grid_text
from aigc.ui.text import writing as text
from aigc.ui.text.telling import RETURNED
from aigc.words import LANGS, Lang

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium here"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page whose model of verse is a miniature that knows nothing."""
    home = tmp_path_factory.mktemp("home")
    verse = home / "checkpoints" / "local" / "pretrained" / "verse"
    verse.mkdir(parents=True)
    BUILDERS["gpt2"](verse, None)
    (verse / "pytorch_model.bin").unlink()
    (verse / "card.json").write_text("{}")
    with serving(home) as it:
        yield it


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as it:
        yield it


def went(lab: Lab, view: str) -> Any:
    """The button that starts this view's work, where the view has come."""
    lab.go("text", view=view)
    go = lab.page.locator(f"#text-{view}-go-{lab.lang}").locator("visible=true")
    go.wait_for(timeout=1000 * PATIENCE)
    return go


@pytest.mark.parametrize("lang", LANGS)
def test_a_text_streams_in_and_its_tokens_are_looked_at(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        go = went(lab, "continue")
        panel = lab.page.locator(".aigc-writing-continue").locator("visible=true")
        lab.page.locator(f"#text-continue-prompt-{lang} textarea").fill("hello")
        go.click()
        panel.get_by_text(text.PANEL["hint"][lang]).wait_for()
        token = panel.locator(".aigc-w-token").first
        token.click()
        assert panel.locator(".aigc-w-others tbody tr").count() == 10 and "aigc-w-chosen" in token.get_attribute("class")
        token.press("ArrowRight")
        assert "aigc-w-chosen" in panel.locator(".aigc-w-token").nth(1).get_attribute("class")
        panel.get_by_role("button", name=text.PANEL["figures"][lang]).click()
        assert "aigc-w-figures" in panel.get_attribute("class")
        assert lab.page.locator(".aigc-w-history [data-kept]").locator("visible=true").count() == 1


@pytest.mark.parametrize("lang", LANGS)
def test_a_page_that_is_loaded_again_shows_what_was_written(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        panel, kept = (lab.page.locator(at).locator("visible=true") for at in (".aigc-writing-continue", ".aigc-w-history [data-kept]"))
        went(lab, "continue").click()
        kept.first.wait_for()
        written = panel.locator(".aigc-w-token").all_inner_texts()
        lab.reloaded = True
        went(lab, "continue")
        panel.get_by_text(RETURNED[lang], exact=True).wait_for()
        assert panel.locator(".aigc-w-token").all_inner_texts() == written and kept.count() == 1


@pytest.mark.parametrize("lang", LANGS)
def test_enter_sends_a_message_and_shift_enter_begins_a_line(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        went(lab, "chat")
        box = lab.page.locator(f"#text-chat-message-{lang} textarea")
        box.fill("hi")
        box.press("Shift+Enter")
        box.type("you")
        assert box.input_value() == "hi\nyou"
        with lab.page.expect_request(lambda request: "queue/join" in request.url and "hi\\nyou" in (request.post_data or "")):
            box.press("Enter")


@pytest.mark.parametrize("lang", LANGS)
def test_chat_says_which_model_it_lacks(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        go = went(lab, "chat")
        lab.page.locator(f"#text-chat-message-{lang} textarea").fill("hi")
        go.click()
        lab.page.get_by_text(text.NO_CHAT_MODEL[lang]).locator("visible=true").wait_for()
        assert lab.page.locator(f"#text-chat-message-{lang} textarea").input_value() == "hi", "nothing is lost"


@pytest.mark.parametrize("lang", LANGS)
def test_a_text_is_summarised_by_its_own_sentences(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        went(lab, "summarise").click()
        found = lab.page.locator(".aigc-writing-summarise .aigc-w-text").locator("visible=true")
        found.wait_for()
        assert found.inner_text()[:8] in text.LONG_TEXT[lang]
        lab.page.get_by_text(text.NO_SUMMARISER[lang]).locator("visible=true").wait_for()


@pytest.mark.parametrize("lang", LANGS)
def test_a_grid_of_texts_fills_and_a_cell_brings_its_settings_back(server: Any, browser: Any, lang: Lang) -> None:
    with visiting(browser, server.url, lang) as lab:
        went(lab, "continue")
        lab.page.locator(f"#text-continue-prompt-{lang} textarea").fill("hello")
        lab.knob("length").fill("24")
        lab.page.get_by_role("button", name=grid_text.GRID[lang]).locator("visible=true").click()
        fold = lab.page.locator(".aigc-axes").locator("visible=true")
        values = fold.get_by_label(grid_text.VALUES[lang])
        values.nth(0).fill("0.5，x")
        draw = lab.page.locator(f"#text-grid-{lang}").locator("visible=true")
        draw.click()
        panel = lab.page.locator(".aigc-writing-continue").locator("visible=true")
        panel.get_by_text("must be a number" if lang == "en" else "必须是一个数").wait_for()
        values.nth(0).fill("0.5, 0.9, 1.4")
        values.nth(1).fill("7, 70")
        draw.click()
        panel.get_by_text(text.GRID_DONE.fill(n=6, all=6)[lang], exact=True).wait_for()
        cells = panel.locator(".aigc-w-cell")
        assert cells.count() == 6 and all(said.strip().startswith("hello") for said in panel.locator(".aigc-w-said").all_inner_texts())
        assert [head.strip() for head in panel.locator(".aigc-g-column").all_inner_texts()] == ["0.5", "0.9", "1.4"]
        cells.nth(5).get_by_role("button").click()
        panel.get_by_text(text.AGAIN[lang]).wait_for()
        wait_for(lambda: lab.knob("temperature").input_value() == "1.4", "the settings are in the form")
        assert "aigc-w-used" in cells.nth(5).get_attribute("class") and cells.nth(5).get_by_role("button").get_attribute("aria-pressed") == "true"
        lab.page.locator(f"#text-continue-go-{lang}").locator("visible=true").click()
        panel.get_by_text(text.PANEL["hint"][lang]).wait_for()
        assert not cells.first.is_visible()
        lab.page.locator(".aigc-w-history [data-kept]").locator("visible=true").nth(1).click()
        cells.first.wait_for()


@pytest.mark.parametrize("lang", LANGS)
def test_a_model_that_came_since_the_server_began_is_offered_and_answers(tmp_path: Path, browser: Any, lang: Lang) -> None:
    talker = next(e for e in entries() if e.slug == "smollm2-135m")
    size = f" · {in_bytes(talker.download_bytes)}"
    with serving(tmp_path, env={"HF_HOME": str(tmp_path / "hf")}) as server:
        with visiting(browser, server.url, lang) as lab:
            went(lab, "chat")
            lab.page.get_by_text(text.NO_CHAT_MODEL[lang]).locator("visible=true").wait_for()
            came(talker, tmp_path)
            chosen = lab.page.locator(".aigc-model input").locator("visible=true").first
            chosen.click()
            title = talker.title[lang]
            lab.page.get_by_role("option", name=title, exact=True).wait_for()
            assert not lab.page.get_by_role("option", name=title + size).count() and chosen.input_value() != title
        with visiting(browser, server.url, lang) as lab:
            go, lack = went(lab, "chat"), lab.page.get_by_text(text.NO_CHAT_MODEL[lang]).locator("visible=true")
            chosen = lab.page.locator(".aigc-model input").locator("visible=true").first
            wait_for(lambda: chosen.input_value() == title, "it is chosen")
            wait_for(lambda: not lack.count(), "nothing is lacking")
            lab.page.locator(f"#text-chat-message-{lang} textarea").fill("hi")
            go.click()
            lab.page.locator(".aigc-talk .bot").locator("visible=true").first.wait_for()


def came(entry: Entry, home: Path) -> None:
    """A miniature stands where a download of this model would."""
    folder = home / "cache" / "downloads" / "models" / entry.repo / entry.revision
    folder.mkdir(parents=True)
    written(entry, folder)
    (folder / COMPLETE).write_text(json.dumps({"files": {file.name: file.stat().st_size for file in folder.iterdir()}}))
