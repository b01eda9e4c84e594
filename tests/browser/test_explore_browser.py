"""Explore and How it works as a visitor meets them: in Chromium, in both languages, without an error or a request to elsewhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aigc import data
from aigc.home import PROJECT
from aigc.knobs import as_values
from aigc.techniques import technique, techniques

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 120_000  # milliseconds: the machine may be busy
STEPS = ".aigc-x-sample .aigc-x-slider input"
CANVAS = "canvas.aigc-x-canvas:not([hidden])"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page with one untrained model a technique."""
    if not CHROMIUM.exists():
        pytest.skip("there is no Chromium here")
    pytest.importorskip("playwright")
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_HOME", str(home))
        _save_models()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "AIGC_HOME": str(home), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "app.py", "--port", str(port), "--lang", "en"], cwd=PROJECT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _save_models() -> None:
    import torch

    from aigc import registry
    from aigc.registry import ModelCard, spec_as_json

    spec = data.spec("digits")
    for slug in techniques():
        torch.manual_seed(0)
        config, _ = technique(slug).read({"latent": 2} if slug in ("autoencoder", "vae") else {}, spec)
        model = technique(slug).load()(config, spec).requires_grad_(False)
        for weights in model.parameters():
            weights.add_(0.05 * torch.randn_like(weights))  # a denoiser begins as the identity, which shows nothing
        registry.save(model, ModelCard(f"{slug}-one", slug, "digits", spec_as_json(spec), as_values(config), {}, images=10))


def _wait_for(url: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(url)


@pytest.fixture
def visit(server: str) -> Iterator[Any]:
    """Opens pages and, at the end, finds fault with what they did."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        faults: list[str] = []

        def open_(address: str, lang: str = "en", **how: Any) -> Any:
            context = browser.new_context(locale="zh-CN" if lang == "zh" else "en-US", accept_downloads=True, **how)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda e: faults.append(str(e)))
            page.on("request", lambda r: faults.append(r.url) if not r.url.startswith((server, "data:", "blob:")) else None)
            page.goto(server + address)
            return page

        yield open_
        browser.close()
        assert not faults


def finished(page: Any, view: str) -> None:
    page.wait_for_function(f"[...document.querySelectorAll('.aigc-x-{view} .aigc-x-status')].some((e) => / in |用时/.test(e.textContent))")


def ink(page: Any, view: str) -> list[int]:
    """The bytes of the picture on the stage, thinned."""
    return page.locator(f".aigc-x-{view} {CANVAS}").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 97 === 0)"
    )


def test_a_vae_is_explored(visit: Any, tmp_path: Path) -> None:
    page = visit("/?tab=vae&view=explore&model=vae-one")
    finished(page, "sample")  # at first sight
    first = ink(page, "sample")
    page.get_by_label("Seed").fill("5")
    page.get_by_role("button", name="Sample", exact=True).click()
    page.wait_for_timeout(1500)
    finished(page, "sample")
    assert ink(page, "sample") != first

    page.get_by_role("tab", name="Latent plane").click()
    finished(page, "plane")
    box = page.locator(f".aigc-x-plane {CANVAS}").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    page.wait_for_selector(f".aigc-x-here {CANVAS}")
    page.wait_for_function("document.querySelector('.aigc-x-here .aigc-x-caption').textContent.includes('25% across, 75% up')")
    here = ink(page, "here")
    page.locator(f".aigc-x-plane {CANVAS}").press("ArrowRight")
    page.wait_for_function("document.querySelector('.aigc-x-here .aigc-x-caption').textContent.includes('26% across')")
    assert ink(page, "here") != here
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.1)
    page.mouse.down()  # a finger is quicker than the answers
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.7, steps=25)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.aigc-x-here .aigc-x-caption').textContent.includes('80% across, 30% up')")

    page.get_by_role("tab", name="Interpolate").click()
    finished(page, "between")
    start = ink(page, "between")
    page.locator(".aigc-x-between .aigc-x-slider input").press("End")
    assert "100%" in page.locator(".aigc-x-between .aigc-x-caption").inner_text() and ink(page, "between") != start
    with page.expect_download() as download:
        page.locator(".aigc-x-saves button:visible", has_text="GIF").click()
    download.value.save_as(tmp_path / "walk.gif")
    assert (tmp_path / "walk.gif").read_bytes()[:4] == b"GIF8" and b"TC260" in (tmp_path / "walk.gif").read_bytes()


def test_a_drawing_is_answered_stroke_by_stroke(visit: Any) -> None:
    page = visit("/zh?tab=autoencoder&view=explore&model=autoencoder-one", lang="zh", viewport={"width": 390, "height": 844})
    finished(page, "sample")
    page.get_by_role("tab", name="重建").click()
    finished(page, "rebuild")
    before = ink(page, "rebuild")
    page.get_by_text("我画的").click()
    pad = page.locator(".aigc-x-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 220, steps=5)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.aigc-x-rebuild .aigc-x-status').textContent.includes('1 张图')")
    assert ink(page, "rebuild") != before
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_denoiser_shows_its_way_and_can_be_stopped(visit: Any) -> None:
    page = visit("/?tab=diffusion&view=explore&model=diffusion-one")
    page.wait_for_function("[...document.querySelectorAll('input')].some((i) => i.value.includes('diffusion-one'))")
    finished(page, "sample")  # by itself, in the steps that suit the model
    assert page.locator(STEPS).get_attribute("max") != "12"
    page.get_by_label("Steps").last.fill("12")
    page.get_by_role("button", name="Sample", exact=True).click()
    page.wait_for_function(f"document.querySelector({STEPS!r}).max === '12'")
    finished(page, "sample")
    end = ink(page, "sample")
    page.locator(".aigc-x-sample .aigc-x-slider input").press("Home")
    held = ink(page, "sample")
    page.get_by_role("button", name="what it believes").click()
    assert held != end and "pure noise" in page.locator(".aigc-x-sample .aigc-x-caption").inner_text()

    page.get_by_label("Steps").last.fill("1000")
    page.get_by_role("button", name="Sample", exact=True).click()
    page.wait_for_function("/of 1001/.test(document.querySelector('.aigc-x-sample .aigc-x-status').textContent)")
    page.get_by_role("button", name="Stop").first.click()
    page.wait_for_function("document.querySelector('.aigc-x-sample .aigc-x-status').textContent === 'Stopped.'")
    page.wait_for_timeout(2000)
    assert page.locator(".aigc-x-sample .aigc-x-status").inner_text() == "Stopped."


def test_a_link_that_names_a_model_opens_it_without_loading_the_page_again(visit: Any) -> None:
    page = visit("/?tab=models&model=vae-one")
    page.evaluate("window.stayed = true")
    page.locator("#models-card a[href*='view=explore'][href*='model=vae-one']").first.click()
    page.wait_for_function("document.querySelector('#view-vae .aigc-x-model input')?.value.startsWith('vae-one')")
    page.wait_for_function("location.search.includes('view=explore') && location.search.includes('model=vae-one')")
    assert page.evaluate("window.stayed"), "the page is the same"


# Names: painted after every arrow, inside their network's frame, on a ground that is not transparent.
UNCROSSED = """names => names.every(name => {
  const drawing = name.closest("svg"), last = [...drawing.querySelectorAll(".edgePaths, .edgePath, .nodes")];
  const at = name.getBoundingClientRect(), frames = [...drawing.querySelectorAll(".cluster rect")].map(f => f.getBoundingClientRect());
  const inside = frames.some(f => f.left <= at.left + 1 && at.right <= f.right + 1 && f.top <= at.top + 1 && at.bottom <= f.bottom + 1);
  const ground = getComputedStyle(name.querySelector("div")).backgroundColor;
  const before = part => part.compareDocumentPosition(name) & Node.DOCUMENT_POSITION_FOLLOWING;
  return last.length && last.every(before) && inside && !/, 0\\)$|transparent/.test(ground);
})"""


@pytest.mark.parametrize(("address", "lang"), [("/?tab=gan&view=how", "en"), ("/zh?tab=diffusion&view=how", "zh"), ("/zh?tab=vae&view=how", "zh")])
def test_how_it_works_is_drawn_whole(visit: Any, address: str, lang: str) -> None:
    page = visit(address, lang=lang)
    slug = address.split("tab=")[1].split("&")[0]
    article = page.locator(f"#view-{slug} .aigc-how")
    article.locator(".aigc-diagram svg .node").first.wait_for()
    assert article.locator(".aigc-diagram svg .node.aigc-real").count() >= 1 and article.locator(".aigc-diagram svg .node.aigc-loss").count() >= 1
    page.wait_for_function(
        "document.querySelector('.aigc-diagram .cluster-label') && !document.querySelector('.aigc-diagram .cluster > .cluster-label')"
    )
    assert article.locator(".aigc-diagram .cluster-label").evaluate_all(UNCROSSED), "no arrow is drawn across the name of a network"
    page.set_viewport_size({"width": 390, "height": 844})
    assert article.locator(".aigc-diagram .cluster-label").first.bounding_box()["height"] >= 16, "nor is it too small to read on a phone"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert article.locator(".katex").count() > 20 and article.locator(".katex-error").count() == 0
    page.wait_for_function(f"document.querySelector('#view-{slug} .aigc-how').innerText.includes('def ')")
    assert "$" not in article.inner_text() and "{{" not in article.inner_text()
    for link in article.locator(".aigc-contents a").all():
        assert page.locator(link.get_attribute("href")).count() == 1
