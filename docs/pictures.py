"""Draws the READMEs' pictures anew, from the page itself: `python docs/pictures.py`, with AIGC_DATA_DIR or the Hub for MNIST, and Chromium."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

PROJECT = Path(__file__).resolve().parents[1]
sys.path += [str(PROJECT), str(PROJECT / "tests" / "browser")]

from lab import Lab, browsing, serving, visiting  # noqa: E402

from aigc.words import LANGS, Lang  # noqa: E402

TRAINED = 100  # seconds of the *good* preset until its picture is taken
WIDTH, HEIGHT = 1280, 860


def went(lab: Lab, go: str, tab: str, **query: str) -> Any:
    """The button that starts a view's work, where the view has come."""
    lab.go(tab, **query)
    button = lab.page.locator(go).locator("visible=true").first
    button.wait_for()
    return button


def train(lab: Lab) -> None:
    lab.open("diffusion")
    lab.choose("aigc-data", "MNIST")
    lab.page.locator("label", has_text="10 min" if lab.lang == "en" else "10 分钟").locator("visible=true").first.click()
    lab.train()
    lab.wait_says("running")
    lab.page.wait_for_timeout(1000 * TRAINED)


def faces(lab: Lab) -> None:
    """They are drawn by themselves when the model is chosen."""
    went(lab, ".aigc-x-go button.primary", "diffusion", view="explore", model="faces-diffusion")
    lab.page.locator(".aigc-x-sample .aigc-x-made").locator("visible=true").wait_for()
    lab.page.wait_for_timeout(1500)


def pictures(lab: Lab) -> None:
    button = went(lab, f"#image-generate-go-{lab.lang}", "image", view="generate")
    lab.page.wait_for_timeout(2000)
    button.click()
    lab.page.locator(".aigc-history [data-kept]").locator("visible=true").wait_for()  # an example stands there before
    lab.page.evaluate("scrollTo(0, 0)")
    lab.page.wait_for_timeout(1000)


def text(lab: Lab) -> None:
    went(lab, f"#text-continue-go-{lab.lang}", "text", view="continue").click()
    panel = lab.page.locator(".aigc-writing-continue").locator("visible=true")
    lab.page.locator(".aigc-w-history [data-kept]").locator("visible=true").wait_for()
    panel.locator(".aigc-w-token").nth(4).click()
    lab.page.wait_for_timeout(500)


SHOTS = {"train": train, "faces": faces, "pictures": pictures, "text": text}


def main() -> None:
    env = {"OMP_NUM_THREADS": str(os.cpu_count()), "HF_HUB_OFFLINE": "0"}
    env |= {name: os.environ[name] for name in ("AIGC_DATA_DIR", "HF_HUB_OFFLINE") if name in os.environ}
    wanted = sys.argv[1:] or list(SHOTS)
    with tempfile.TemporaryDirectory() as home, serving(Path(home), env=env) as server, browsing() as browser:
        for lang in LANGS:
            for name in wanted:
                with visiting(browser, server.url, lang, viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5) as lab:
                    SHOTS[name](lab)
                    save(lab.page.screenshot(), name, lang)


def save(png: bytes, name: str, lang: Lang) -> None:
    Image.open(io.BytesIO(png)).convert("RGB").save(PROJECT / "docs" / f"{name}{'' if lang == 'en' else '.zh'}.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
