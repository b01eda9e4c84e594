"""Arena as a visitor meets it: two techniques train, their samples and costs meet on one page, and it is found again by its address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import CHROMIUM, PATIENCE, Server, browsing, serving, visiting, wait_for

from aigc import data
from aigc.events import Measured, Step
from aigc.jobs import arena as arenas
from aigc.jobs.arena import Arena, Cell
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.registry import spec_as_json

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine"),
]
OVER = {"en": "Both runs are over", "zh": "两次训练都已结束"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as browser:
        yield browser


def opened(lab: Any, **query: str) -> Any:
    lab.go("arena", **query)
    panel = lab.page.locator(".aigc-arena-panel")
    panel.locator(".aigc-status").wait_for(timeout=1000 * PATIENCE)
    return panel


def a_sweep_that_is_over() -> Arena:
    """Ten runs that say they were trained."""
    draft = arenas.sweep("digits", 5, "vae", [("beta", "0.5, 1, 2, 4, 8"), ("conditional", "no, yes")])
    arena = replace(draft, id="5" * 16, cells=tuple(_over(draft, cell) for cell in draft.cells))
    arenas.write(arena)
    return arena


def _over(arena: Arena, cell: Cell) -> Cell:
    run = Run.create(arenas.request_of(arena, cell, "", "auto"), spec_as_json(data.spec("digits")))
    for i in (1, 2):
        run.append(Step(1000 * i, 10 * i, 2.5 * i, 400.0, 2**20, {}))
        run.append(Measured(1000 * i, 2.5 * i, {"fid": 90.0 / i}))
    run.update(state=State.FINISHED.value, device="cpu", threads=2)
    return replace(cell, run=run.id)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_wide_sweep_says_what_is_not_drawn_and_lets_it_be_chosen(server: Server, browser: Any, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIGC_HOME", str(server.home))
    arena = a_sweep_that_is_over()
    with visiting(browser, server.url, lang) as lab:
        panel = opened(lab, arena=arena.id)
        drawn, left = panel.locator(".aigc-plots").first.locator(".aigc-entry"), panel.locator("section > .aigc-quiet:visible")
        wait_for(lambda: drawn.count() == 6, "six are drawn")
        quality = "FID-512，Digits 8×8 CNN：45" if lang == "zh" else "FID-512, Digits 8×8 CNN: 45"
        assert panel.locator(".aigc-sweep .aigc-tile-quality").all_inner_texts() == [quality] * 10, "its quality under each"
        assert {"en": "4 of 10 runs", "zh": "10 次训练中有 4 次"}[lang] in left.inner_text() and left.inner_text().count("·") == 3
        panel.locator(".aigc-chooser summary").click()
        for box in range(6, 10):
            panel.locator(".aigc-choices input").nth(box).check()
        wait_for(lambda: drawn.count() == 10 and not left.count(), "all are drawn, and nothing is left to say")
        panel.locator(".aigc-choices input").first.uncheck()
        wait_for(lambda: drawn.count() == 9 and left.count() == 1, "the first is not")


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
        for kind in ("json", "csv", "png"):
            assert lab.page.request.get(f"{server.url}/aigc/arenas/{id}/arena.{kind}").ok


def test_a_sweep_shows_its_grid_and_a_phone_does_not_scroll_sideways(server: Server, browser: Any) -> None:
    with visiting(browser, server.url, viewport={"width": 390, "height": 844}, has_touch=True) as lab:
        panel = opened(lab)
        lab.page.locator("#arena-kind label").nth(1).click()
        lab.page.locator("#arena-values-across textarea, #arena-values-across input").first.wait_for(timeout=1000 * PATIENCE)
        assert panel.is_visible() and lab.page.locator(".aigc-will-take").first.inner_text()
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= 390
