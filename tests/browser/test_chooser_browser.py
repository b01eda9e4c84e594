"""The model chooser as a visitor meets it: a download with its progress, given up and gone on with, and a repository of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_hub import FakeHub
from lab import CHROMIUM, PATIENCE, browsing, serving, wait_for
from tiny_pretrained import repository

from aigc.pretrained.catalogue import entries
from aigc.ui.text import chooser as text

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
SWIN2SR = next(e for e in entries() if e.slug == "swin2sr-x2")


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    strange = {"config.json": b'{"architectures": ["TheirUpscaler"]}', "model.safetensors": b"x"}
    with FakeHub({SWIN2SR.repo: repository(SWIN2SR), "someone/upscaler": repository(SWIN2SR), "someone/strange": strange}) as running:
        running.faults.chunk = 1024
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hub: FakeHub) -> Iterator[str]:
    """The page without any model that comes along, and with a Hub that can be reached."""
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium here")
    pytest.importorskip("playwright")
    home = tmp_path_factory.mktemp("home")
    with serving(home, env={"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url, "NO_PROXY": "127.0.0.1", "HF_HOME": str(home / "hf")}) as served:
        yield served.url


@pytest.fixture
def page(server: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    lang = request.param
    faults: list[str] = []
    with browsing() as browser:
        one = browser.new_context(locale="zh-CN" if lang == "zh" else "en-US").new_page()
        one.set_default_timeout(1000 * PATIENCE)
        one.on("pageerror", lambda e: faults.append(str(e)))
        one.on("request", lambda r: faults.append(r.url) if not r.url.startswith((server, "data:", "blob:")) else None)
        one.goto(f"{server}{'/zh' if lang == 'zh' else '/'}?tab=image&view=upscale")
        yield one
    assert not faults


def seen(page: Any, what: str) -> Any:
    return page.locator(f"[id^=model-{what}-]").locator("visible=true").first


def card(page: Any) -> str:
    """Of a model that is here most of it is folded."""
    facts = seen(page, "facts")
    facts.evaluate("facts => facts.querySelector('details')?.setAttribute('open', '')")
    return facts.inner_text()


@pytest.mark.parametrize("page", ["en"], indirect=True)
def test_a_download_is_watched_given_up_and_gone_on_with(page: Any, hub: FakeHub):
    seen(page, "download").wait_for()
    assert seen(page, "download").inner_text() == text.DOWNLOAD.fill(size="48 MB").en
    hub.faults.seconds_a_chunk = 0.3
    seen(page, "download").click()
    page.locator("[id^=model-facts-] progress[max]").locator("visible=true").first.wait_for()
    seen(page, "cancel").click()
    seen(page, "download").wait_for()
    assert text.SIZE.en in card(page)
    hub.faults.seconds_a_chunk = 0.0
    seen(page, "download").click()
    wait_for(lambda: text.IS_HERE.en in card(page), "the model is here")
    assert not page.locator("[id^=model-download-]").locator("visible=true").count()


@pytest.mark.parametrize("page", ["zh"], indirect=True)
def test_ones_own_repository_is_looked_at_and_a_strange_one_refused(page: Any):
    box = page.locator(".aigc-model input").locator("visible=true").first
    box.wait_for()
    for repo, says in (("someone/strange", "TheirUpscaler"), ("someone/upscaler", "apache-2.0")):
        box.fill(repo)
        box.press("Enter")
        wait_for(lambda says=says: says in card(page), f"the card says {says}")
    assert seen(page, "download").inner_text().startswith("下载")
