"""The Text tab as a visitor meets it: a text streams in and is looked into, chat says what it lacks, a text is summarised; in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")

from lab import CHROMIUM, PATIENCE, Lab, browsing, serving, visiting
from tiny_pretrained import BUILDERS

from aigc.ui.text import writing as text
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
    lab.page.goto(f"{lab.url}{'/zh' if lab.lang == 'zh' else '/'}?tab=text&view={view}")
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
