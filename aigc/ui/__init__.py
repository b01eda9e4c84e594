"""The page: the only floor that imports gradio.

Importing gradio makes it parse its own sources to write editor stubs, which is half of its import time and of no use here,
so that step is skipped: it gives up quietly when a class has no source file.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing is sent anywhere; must be set before Blocks exist


def _import_gradio_without_stubs() -> None:
    real = inspect.getfile

    def getfile(thing: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError("no stub wanted")
        return real(thing)

    inspect.getfile = getfile  # type: ignore[assignment]
    try:
        import gradio  # noqa: F401
    finally:
        inspect.getfile = real


_import_gradio_without_stubs()
