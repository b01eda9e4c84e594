"""Evaluate as a visitor meets it: a model is measured, its figures stand there with their errors, and they are there again after a reload."""

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with one untrained model of digits."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_HOME", str(home))
        save_a_model("digits-vae")
        save_a_model("vae-digits")
    with serving(home) as server:
        yield server


def save_a_model(slug: str) -> None:
    import torch

    from aigc import data, registry
    from aigc.knobs import as_values
    from aigc.registry import ModelCard, spec_as_json
    from aigc.techniques import technique

    spec = data.spec("digits")
    torch.manual_seed(0)
    config, options = technique("vae").read({}, spec)
    model = technique("vae").load()(config, spec)
    registry.save(model, ModelCard(slug, "vae", "digits", spec_as_json(spec), as_values(config), as_values(options), images=10))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as browser:
        yield browser


def opened(lab: Any, model: str) -> Any:
    lab.go("evaluate", model=model)
    lab.page.locator("#evaluate-go").wait_for(timeout=1000 * PATIENCE)
    wait_for(lambda: lab.page.locator("#evaluate-model input").input_value().startswith(model), "the model of the address is chosen")
    return lab.page.locator("#evaluate-table")


@pytest.mark.parametrize(("lang", "model"), [("en", "digits-vae"), ("zh", "vae-digits")])
def test_a_model_is_measured_and_the_figures_are_found_again(server: Server, browser: Any, lang: str, model: str) -> None:
    with visiting(browser, server.url, lang) as lab:
        table = opened(lab, model)
        assert table.locator("table").count() == 0
        lab.page.locator("#evaluate-n input").fill("200")
        lab.page.locator("#evaluate-n input").press("Tab")
        for box in lab.page.locator("#evaluate-parts input[type=checkbox]").locator("visible=true").all()[1:]:
            box.uncheck()
        lab.page.locator("#evaluate-go").click()
        lab.page.locator("#evaluate-progress .aigc-under-way").wait_for(timeout=1000 * PATIENCE)
        table.locator("table").wait_for(timeout=1000 * PATIENCE)
        said = table.inner_text()
        assert "FID" in said and "200" in said and "±" in said
        lab.reloaded = True
        assert opened(lab, model).locator("table").inner_text()


def test_the_address_names_the_model_that_is_chosen(server: Server, browser: Any) -> None:
    with visiting(browser, server.url) as lab:
        opened(lab, "digits-vae")
        lab.page.locator("#evaluate-model input").click()
        lab.page.get_by_role("option", name="vae-digits").first.click()
        wait_for(lambda: "model=vae-digits" in lab.page.url, "the address names it")


def test_a_phone_does_not_scroll_sideways_and_too_few_samples_are_refused_in_words(server: Server, browser: Any) -> None:
    with visiting(browser, server.url, viewport={"width": 390, "height": 844}, has_touch=True) as lab:
        opened(lab, "digits-vae")
        lab.page.locator("#evaluate-n input").fill("3")
        lab.page.locator("#evaluate-n input").press("Tab")
        lab.page.locator("#evaluate-go").click()
        lab.page.get_by_text("200").first.wait_for(timeout=1000 * PATIENCE)
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= 390
