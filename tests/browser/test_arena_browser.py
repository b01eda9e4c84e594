"""Arena as a visitor meets it: two techniques train, their samples and costs meet on one page, and it is found again by its address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import CHROMIUM, PATIENCE, Server, browsing, serving, visiting, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(400),
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


def opened(lab: Any, **query: str) -> Any:
    asked = "".join(f"&{k}={v}" for k, v in query.items())
    lab.page.goto(f"{lab.url}{'/zh' if lab.lang == 'zh' else '/'}?tab=arena{asked}")
    panel = lab.page.locator(".aigc-arena-panel")
    panel.locator(".aigc-status").wait_for(timeout=1000 * PATIENCE)
    return panel


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_two_techniques_meet(server: Server, browser: Any, lang: str) -> None:
    with visiting(browser, server.url, lang) as lab:
        panel = opened(lab)
        for name in ("gan", "diffusion"):
            lab.page.locator(f'#arena-techniques input[name="{name}"], #arena-techniques input[value="{name}"]').first.uncheck()
        lab.page.locator("#arena-seconds input").fill("2")
        wait_for(lambda: "2" in lab.page.locator(".aigc-will-take").first.inner_text(), "it says how many runs that is")
        lab.page.locator("#arena-start").click()
        wait_for(lambda: panel.locator(".aigc-says strong").inner_text() == OVER[lang], "both are over")
        assert panel.locator(".aigc-tiles img").count() == 2 and panel.locator(".aigc-arena-table tbody tr").count() == 2
        said = panel.locator(".aigc-arena-table").inner_text()
        assert "Wh" in said and "vae" in said, "what it cost, and the model that came of it"
        id = lab.page.evaluate("new URLSearchParams(location.search).get('arena')")
        again = opened(lab, arena=id)
        wait_for(lambda: again.locator(".aigc-says strong").inner_text() == OVER[lang], "its address shows it again")
        for kind in ("json", "csv"):
            assert lab.page.request.get(f"{server.url}/aigc/arenas/{id}/arena.{kind}").ok


def test_a_sweep_shows_its_grid_and_a_phone_does_not_scroll_sideways(server: Server, browser: Any) -> None:
    with visiting(browser, server.url, viewport={"width": 390, "height": 844}, has_touch=True) as lab:
        panel = opened(lab)
        lab.page.locator("#arena-kind label").nth(1).click()
        lab.page.locator("#arena-values-across textarea, #arena-values-across input").first.wait_for(timeout=1000 * PATIENCE)
        assert panel.is_visible() and lab.page.locator(".aigc-will-take").first.inner_text()
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= 390
