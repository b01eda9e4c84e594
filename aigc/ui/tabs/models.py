"""The models tab."""

from __future__ import annotations

from aigc.ui.page import Page


def draw(page: Page) -> None: ...
