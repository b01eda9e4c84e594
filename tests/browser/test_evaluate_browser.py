"""Evaluate and Arena as a person meets them: a model is measured, techniques fight, links bring it all back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import CHROMIUM, Server, browsing, serving, visiting, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine"),
]
OVER = {"en": "All 2 runs are over", "zh": "全部 2 次训练已结束"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as browser:
        yield browser


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_two_techniques_meet_and_one_of_them_is_evaluated(browser: Any, server: Server, lang: str) -> None:
    with visiting(browser, server.url, lang) as lab:
        page, home = lab.page, f"{server.url}{'/zh' if lang == 'zh' else '/'}"
        page.goto(f"{home}?tab=arena")
        boxes = page.locator("#arena-techniques input")
        boxes.first.wait_for()
        for i in (1, 3):  # the GAN and the VAE stay
            boxes.nth(i).click()
        page.locator("#arena-seconds input").fill("3")
        page.locator("#arena-start").click()
        wait_for(lambda: page.locator(".aigc-tile img").count() == 2, "both show samples", 240)
        wait_for(lambda: page.locator(".aigc-arena-panel .aigc-says strong").inner_text() == OVER[lang], "both are over", 240)
        assert "arena=" in page.url and page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.reload()
        wait_for(lambda: page.locator(".aigc-arena-table tbody tr").count() == 2, "the link brings it back")
        page.locator(".aigc-arena-table td[data-column=model] a").first.click()
        page.locator("#evaluate-go").wait_for()
        page.locator("#evaluate-n input").fill("200")
        page.locator("#evaluate-go").click()
        page.locator("#evaluate-cancel").wait_for()
        wait_for(lambda: page.locator("[data-figure=fid] td b").count() == 1, "FID is in the table", 300)
        assert "CNN" in page.locator("[data-figure=fid] summary").inner_text()
