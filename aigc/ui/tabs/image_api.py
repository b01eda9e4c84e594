"""The Image tab for programs: named, typed endpoints that gradio_client can call.

    client.predict("a red seven on blue", api_name="/image_generate")  ->  (path of a PNG, how it was made)

An endpoint streams: `client.submit(...)` gives (None, {"step": 3, "of": 20}) on the way, and can be cancelled.  `settings` are those
of the form, by name; `python -m aigc image generate --json` writes them out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio import FileData
from gradio.utils import get_upload_folder

from aigc import outputs
from aigc.knobs import read
from aigc.pretrained import Stopped, catalogue
from aigc.pretrained.image.asked import NEED_IMAGE, SETTINGS, TASKS, Asked, Verb
from aigc.pretrained.image.habits import check_heeded, habits
from aigc.ui.endpoints import typed
from aigc.ui.forms import an_object, in_words
from aigc.ui.page import Page
from aigc.ui.tabs.image_view import PICTURES
from aigc.ui.text import picture as text
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from PIL.Image import Image

AT_ONCE = 4  # calls of an endpoint; of the others in its line Gradio tells a program the rank
TELL_EVERY = 0.5  # seconds
Facts = dict[str, Any]
NOT_SENT = both("The file has to be sent with handle_file(...).", "文件须用 handle_file(...) 发送。")


class Endpoints:
    """`draw()` once, on the page in English; errors speak English, too."""

    def __init__(self, page: Page):
        self.page = page

    def draw(self) -> None:
        for endpoint in (self.image_generate, self.image_edit, self.image_inpaint, self.image_outpaint, self.image_upscale, self.image_style,
                         self.image_sample):  # fmt: skip
            gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=AT_ONCE)

    @typed
    def image_generate(
        self, prompt: str, negative_prompt: str = "", model: str = "", seed: int = 0, settings: Facts | None = None
    ) -> Iterator[tuple[FileData | None, Facts]]:
        """A picture from a prompt."""
        yield from self._run(Verb.GENERATE, model, seed, settings, prompt=prompt, negative=negative_prompt)

    @typed
    def image_edit(
        self, image: FileData, prompt: str, negative_prompt: str = "", model: str = "", seed: int = 0, settings: Facts | None = None
    ) -> Iterator[tuple[FileData | None, Facts]]:
        """A picture painted anew towards a prompt."""
        yield from self._run(Verb.EDIT, model, seed, settings, prompt=prompt, negative=negative_prompt, image=image)

    @typed
    def image_inpaint(
        self, image: FileData, mask: FileData, prompt: str, negative_prompt: str = "", model: str = "", seed: int = 0, settings: Facts | None = None
    ) -> Iterator[tuple[FileData | None, Facts]]:
        """What is white in the mask, filled in anew."""
        yield from self._run(Verb.INPAINT, model, seed, settings, prompt=prompt, negative=negative_prompt, image=image, mask=mask)

    @typed
    def image_outpaint(
        self, image: FileData, prompt: str, negative_prompt: str = "", model: str = "", seed: int = 0, settings: Facts | None = None
    ) -> Iterator[tuple[FileData | None, Facts]]:
        """A picture on a larger canvas: settings left, right, top and bottom are pixels."""
        yield from self._run(Verb.OUTPAINT, model, seed, settings, prompt=prompt, negative=negative_prompt, image=image)

    @typed
    def image_upscale(
        self, image: FileData, model: str = "", settings: Facts | None = None, prompt: str = "", negative_prompt: str = ""
    ) -> Iterator[tuple[FileData | None, Facts]]:
        """A larger picture with sharper edges; only a diffusion model reads a prompt."""
        yield from self._run(Verb.UPSCALE, model, None, settings, prompt=prompt, negative=negative_prompt, image=image)

    @typed
    def image_style(
        self, image: FileData, style: FileData, model: str = "", settings: Facts | None = None
    ) -> Iterator[tuple[FileData | None, Facts]]:
        """A picture in the style of another."""
        yield from self._run(Verb.STYLE, model, None, settings, image=image, style=style)

    @typed
    def image_sample(self, model: str = "", seed: int = 0, settings: Facts | None = None) -> Iterator[tuple[FileData | None, Facts]]:
        """A sheet of pictures without a prompt."""
        yield from self._run(Verb.SAMPLE, model, seed, settings)

    def _run(self, verb: Verb, model: str, seed: int | None, settings: Facts | None, **given: Any) -> Iterator[tuple[FileData | None, Facts]]:
        from aigc.pretrained.image.make import Shot, note

        stop, told_at, shot = threading.Event(), 0.0, None
        with in_words("en"):
            entry = catalogue.find(TASKS[verb], str(model or ""), self.page.public)
            check_heeded(verb, entry.slug, an_object(settings))
            seeded = {} if seed is None else {"seed": seed}
            values = {**habits(verb, entry.slug), **({"count": 1} if verb is not Verb.SAMPLE else {}), **seeded, **an_object(settings)}
            asked = Asked(verb, read(SETTINGS[verb], _known(verb, values)), **{name: _opened(name, v) for name, v in given.items()})
            try:
                for told in PICTURES(asked, entry, stop=stop):
                    if isinstance(told, Shot):
                        shot = told
                    if not getattr(told, "is_final", False) and time.monotonic() - told_at >= TELL_EVERY:
                        told_at = time.monotonic()
                        yield None, {"step": getattr(told, "index", 0), "of": getattr(told, "count", 0)}
            except Stopped:
                raise Refusal(text.STOPPED) from None
            finally:
                stop.set()
            if shot is not None:
                how = note(asked, entry.slug, shot)
                name = f"{verb.value}-{how['seed'] or 0}.png"
                path = outputs.picture(_whole(shot.images), made=True, note=how, name=name, partly=verb in NEED_IMAGE)
                yield _file(path), {**how, "seeds": list(shot.seeds), "notes": [w.en for w in shot.notes]}


def _known(verb: Verb, values: Facts) -> Facts:
    from aigc.knobs import knobs

    known = knobs(SETTINGS[verb])
    return {k: v for k, v in values.items() if k != "count" or "count" in known}


def _opened(name: str, value: Any) -> Any:
    """Words as they are; a file that was sent as a picture.  Only what lies where uploads do is read.  Raises Refusal."""
    from aigc.pretrained.image import given

    if name in ("prompt", "negative"):
        return str(value or "")
    path = value.get("path") if isinstance(value, dict) else getattr(value, "path", None)
    if not isinstance(path, str) or not Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve()):
        raise Refusal(NOT_SENT)
    return given.mask(path) if name == "mask" else given.picture(path)


def _whole(images: list[Image]) -> Image:
    """Several pictures on one sheet."""
    import numpy as np

    if len(images) == 1:
        return images[0]
    return outputs.sheet(np.stack([np.asarray(i.convert("RGB")) for i in images]).transpose(0, 3, 1, 2), scale=1)


def _file(path: Path) -> Any:
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
