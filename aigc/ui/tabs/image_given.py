"""The pictures that a verb works on: a file, the last one made here, what is painted over it, and a style."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc.pretrained.image.asked import SETTINGS, TASKS, Asked, Verb
from aigc.pretrained.lending import Waiting
from aigc.ui import forms, stops
from aigc.ui.page import Page
from aigc.ui.studio import easel
from aigc.ui.tabs.explore_room import MODULE, QUIET
from aigc.ui.telling import complaint, guarded, in_line, is_over, newest, said
from aigc.ui.text import picture as text
from aigc.words import Refusal

if TYPE_CHECKING:
    from PIL.Image import Image

    from aigc.pretrained.image.make import Shot

EXAMPLE_SEED = 7
FILES = ("picture", "style")
TELL_EVERY = 0.5  # seconds
SHOWN = 512  # pixels of what is painted over, along its longer side
PAINT_JS = f"""
{MODULE.format(file="paint.js")}.then(({{ Paint }}) => {{
  const place = element.querySelector(".aigc-paint");
  const paint = new Paint(place, JSON.parse(place.dataset.words), (png) => trigger('painted', {{ png }}));
  const show = () => paint.show(props.value ? JSON.parse(props.value) : null);
  watch("value", show);
  show();
}});
"""


class Given:
    def __init__(self, page: Page, verb: Verb):
        self.page, self.verb = page, verb
        self.picture = upload(page, page.t(text.PICTURE), f"image-{verb.value}-picture-{page.lang}")
        self.mine = gr.Button(page.t(text.LAST), size="sm")
        self.paint: gr.HTML | None = None
        self.painted: gr.Textbox | None = None
        self.style: gr.Image | None = None
        self.texture: gr.Dropdown | None = None
        if verb is Verb.INPAINT:
            self._draw_paint()
        if verb is Verb.STYLE:
            self._draw_style()

    def _draw_paint(self) -> None:
        from aigc.ui.tabs.image_view import template

        self.paint = gr.HTML(
            "", html_template=template("aigc-paint", text.PAINT, self.page.lang), js_on_load=PAINT_JS, padding=False, apply_default_css=False
        )
        self.painted = gr.Textbox("", visible="hidden")

    def _draw_style(self) -> None:
        from aigc.pretrained.textures import TEXTURES

        t = self.page.t
        choices = [(t(words), name) for name, (words, _) in TEXTURES.items()]
        self.texture = gr.Dropdown([*choices, (t(text.NO_TEXTURE), "")], value=choices[0][1], label=t(text.STYLE_PICTURE), filterable=False)
        self.style = upload(self.page, t(text.STYLE_PICTURE), f"image-style-source-{self.page.lang}", visible=False)

    @property
    def inputs(self) -> set[Component]:
        return set(self._named().values())

    @property
    def outputs(self) -> set[Component]:
        return self.inputs | ({self.paint} if self.paint is not None else set())

    def wire(self, newest: gr.State, on: gr.HTML) -> None:
        """`on`: the easel, which says how far an example is."""
        for file in (self.picture, self.style):
            if file is not None:
                file.upload(self.looked_at, file, file, **QUIET)
        self.mine.click(self.last_or_example, newest, [self.picture, on], **QUIET)
        if self.paint is not None:
            self.picture.change(self.repainted, self.picture, self.paint, **QUIET)
            self.paint.painted(_painted, None, self.painted, **QUIET)
        if self.texture is not None:
            self.texture.input(lambda name: gr.update(visible=not name), self.texture, self.style, **QUIET)

    def pictures(self, given: Mapping[Component, Any]) -> dict[str, Image | None]:
        """What `Asked` wants of them.  Raises Refusal."""
        found: dict[str, Image | None] = {"image": opened(given[self.picture])}
        if self.painted is not None:
            found["mask"] = easel.mask(given[self.painted])
        if self.style is not None and self.texture is not None:
            found["style"] = styled(given[self.texture], given[self.style])
        return found

    def textured(self, given: Mapping[Component, Any]) -> str:
        """The name of the texture whose style is taken; "" where a picture is, or where none is needed."""
        from aigc.pretrained.textures import TEXTURES

        name = given[self.texture] if self.texture is not None else ""
        return name if name in TEXTURES else ""

    def kept(self, given: Mapping[Component, Any]) -> dict[str, Any]:
        """What was handed in, to be kept with a result: files by their place, which Gradio sweeps after a day."""
        return {name: given[widget] for name, widget in self._named().items()}

    def back(self, kept: Mapping[str, Any]) -> dict[Any, Any]:
        """The updates that hand it in again; a file that was swept is left out."""
        there = {name: None if name in FILES and not (value and Path(value).is_file()) else value for name, value in kept.items()}
        updates: dict[Any, Any] = {widget: gr.update(value=there[name]) for name, widget in self._named().items() if name in there}
        if self.style is not None and "texture" in there:
            updates[self.style]["visible"] = not there["texture"]
        if self.paint is not None and there.get("picture"):
            shown = json.loads(self.to_paint(there["picture"]))
            updates[self.paint] = json.dumps({**shown, "mask": there.get("painted"), "go": secrets.token_hex(4)})
        return updates

    def _named(self) -> dict[str, Component]:
        widgets = {"picture": self.picture, "painted": self.painted, "style": self.style, "texture": self.texture}
        return {name: widget for name, widget in widgets.items() if widget is not None}

    def last_or_example(self, kept: Any, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        """The newest picture of this visit, or one that the model that comes along makes now: a run of this view, which can be stopped."""
        from aigc.ui.tabs.image_view import picked

        if kept is not None:
            yield picked(kept), gr.skip()
            return
        stop, lang = stops.begun(self.verb.value, request), self.page.lang
        yield gr.skip(), said(text.STARTING, lang, busy=True)
        for picture, line in guarded(lambda: self._example(stop), lambda words: (gr.skip(), complaint(words, lang))):
            yield picture, gr.skip() if stop.unwanted else line

    def _example(self, stop: threading.Event) -> Iterator[tuple[Any, Any]]:
        from aigc.ui.tabs.image_view import status_of

        lang = self.page.lang
        for told in newest(example(self.page, stop), TELL_EVERY, lambda told: is_over(told) or getattr(told, "index", 0) == 1):
            if isinstance(told, Waiting):
                yield gr.skip(), said(in_line(told) or text.OPENING, lang, busy=True)
            else:
                share = told.index / max(1, told.count)
                line = said(status_of(told), lang, busy=not told.is_final, progress=share)
                yield told.images[0] if told.is_final else gr.skip(), line

    def sent(self, image: Image) -> dict[Any, Any]:
        """The updates that hand in a picture made here; nothing is painted over it yet."""
        updates: dict[Any, Any] = {self.picture: image}
        return updates if self.paint is None else updates | {self.paint: _small(image), self.painted: ""}

    def repainted(self, path: Any) -> Iterator[str]:
        """What is painted over follows the file; one that cannot be read takes the picture before it away, and is refused."""
        try:
            shown = self.to_paint(path)
        except gr.Error:
            yield ""
            raise
        yield shown

    def looked_at(self, path: Any) -> Iterator[Any]:
        """A file that is no picture is refused as soon as it is given, and taken away; where it is painted over, `repainted` refuses it."""
        try:
            with forms.in_words(self.page.lang):
                opened(path)
        except gr.Error:
            yield None
            if self.paint is None:
                raise
        else:
            yield gr.skip()

    def to_paint(self, path: Any) -> str:
        with forms.in_words(self.page.lang):
            image = opened(path)
        return "" if image is None else _small(image)


def upload(page: Page, label: str, elem_id: str, **look: Any) -> gr.Image:
    """Hands over the file as it is: what cannot be opened is refused by `opened`, in words, and not by Gradio, without any."""
    image = gr.Image(
        type="filepath", image_mode=None, format="png", sources=["upload", "clipboard"], label=label, height=150, buttons=[], elem_id=elem_id,
        elem_classes=["aigc-given"], **look,
    )  # fmt: skip
    image.preprocess = lambda payload: payload.path if payload is not None else None  # type: ignore[method-assign]
    return image


def opened(path: Any) -> Image | None:
    """Raises Refusal for a file that is no picture, or one too large or too small."""
    from aigc.pretrained.image.given import picture

    return picture(path) if isinstance(path, str) and path else None


def _small(image: Image) -> str:
    """What is shown to be painted over."""
    small = image.copy()
    small.thumbnail((SHOWN, SHOWN))
    return json.dumps({"src": easel.address(small), "width": small.width, "height": small.height})


def styled(name: Any, path: Any) -> Image | None:
    from aigc.pretrained.textures import TEXTURES, texture

    return texture(name) if name in TEXTURES else opened(path)


def example(page: Page, stop: threading.Event) -> Iterator[Waiting | Shot]:
    """A picture made now by the first model that comes along.  Raises Refusal where there is none, and Stopped."""
    from aigc.pretrained import catalogue
    from aigc.pretrained.image.habits import habits
    from aigc.ui.tabs.image_view import PICTURES

    here = next((e for e in catalogue.rows(TASKS[Verb.GENERATE]) if e.shipped), None)
    if here is None:
        raise Refusal(text.NOTHING_YET)
    values = habits(Verb.GENERATE, here.slug) | {"count": 1, "seed": EXAMPLE_SEED}
    asked = Asked(Verb.GENERATE, SETTINGS[Verb.GENERATE](**values), page.t(text.EXAMPLES["generate"]))
    yield from PICTURES(asked, here, stop=stop)


def _painted(evt: gr.EventData) -> str:
    png = evt._data.get("png") if isinstance(evt._data, dict) else ""
    return png if isinstance(png, str) and len(png) <= easel.MOST_MASK else ""
