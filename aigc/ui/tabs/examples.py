"""Examples that come along: what the button of a view of Image or Text gives, shown where nothing was made yet.

python -m aigc.ui.tabs.examples [NAME ...]    with a fresh AIGC_HOME: makes these or all of them anew, with the models that come along; commit them

Each is a file with what the panel is shown; a picture in it has its label, and so has a text that was generated.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import tempfile
import types
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fastapi import APIRouter
from fastapi.responses import Response

from aigc import home
from aigc.jobs.files import write_whole
from aigc.ui.markup import address as as_address
from aigc.ui.routes import NEVER_KEPT
from aigc.words import LANGS, Lang, Words, both

if TYPE_CHECKING:
    from PIL.Image import Image

NAME = re.compile(r"[a-z]+-[a-z]+\.(en|zh)")
SAYS = both(
    "An example made beforehand, with its settings. Press “{go}” to make your own.",
    "这是事先做好的示例，附所用设置。点“{go}”即可自己做一个。",
)
LEFT_OUT = ("go", "run", "n", "missed", "busy", "progress", "status")  # of what a run tells at its end
INSIDE_STEPS, INSIDE_QUALITY = 8, 80
MARGIN = 4  # pixels that are not repainted
OTHERWISE: dict[tuple[str, str], int] = {  # than the form begins with, so that they are small
    ("edit", "count"): 1, ("inpaint", "count"): 1, ("outpaint", "count"): 1, ("sample", "count"): 9, ("style", "side"): 128,
}  # fmt: skip
PACED = re.compile("a step|每步|a token$|词元 .*毫秒$|tokens/s|每秒|first after|首个在|tokens in|个词元，用时")  # of this machine, then
NOT_HERE = Response(status_code=404, headers=NEVER_KEPT)


def empty(name: str, lang: Lang, press: Words, go: Words) -> str:
    """What a panel that nothing was made for is shown: the example of this name, or where there is none what to press."""
    told: dict[str, Any] = {"kind": "empty", "text": press.fill(go=go)[lang]}
    if _file(f"{name}.{lang}").is_file():
        told["example"] = {"name": f"{name}.{lang}", "says": SAYS.fill(go=go)[lang]}
    return json.dumps(told, ensure_ascii=False)


def router() -> APIRouter:
    api = APIRouter()

    @api.get("/aigc/examples/{name}")
    async def example(name: str) -> Response:
        file = _file(name) if NAME.fullmatch(name) else None
        if file is None or not file.is_file():
            return NOT_HERE
        return Response(file.read_bytes(), media_type="application/json", headers={"Cache-Control": "no-cache"})

    return api


def found(name: str) -> dict[str, Any] | None:
    file = _file(name)
    return json.loads(file.read_bytes()) if file.is_file() else None


def picture(name: str, index: object) -> Image | None:
    """One of the pictures of an example; None where it has none of this number."""
    items = (found(name) or {}).get("items", [])
    if not isinstance(index, int) or not 0 <= index < len(items):
        return None
    return _opened(items[index]["src"])


def _file(name: str) -> Path:
    return home.examples_folder() / f"{name}.json"


def _opened(address: str) -> Image:
    from PIL import Image

    found = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])), formats=["PNG", "WEBP"])
    return found.convert("RGB") if found.mode not in ("L", "RGB") else found.copy()


# how they are made
def make(wanted: Collection[str]) -> Iterator[Path]:
    """These, or all of them, by the views themselves.  -> the files as they are written"""
    home.examples_folder().mkdir(parents=True, exist_ok=True)
    for lang in LANGS:
        for name, run in {**_texts(lang), **_pictures(lang), **_insides(lang)}.items():
            if wanted and name not in wanted:
                continue
            kept = {key: value for key, value in run().items() if key not in LEFT_OUT}
            for told in (kept, *kept.get("columns", [])):
                if "facts" in told:
                    told["facts"] = " · ".join(part for part in told["facts"].split(" · ") if not PACED.search(part))
            write_whole(file := _file(f"{name}.{lang}"), json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode())
            yield file


def _texts(lang: Lang) -> dict[str, Callable[[], dict[str, Any]]]:
    from aigc.ui.tabs.text_continue import ContinueView
    from aigc.ui.tabs.text_perplexity import PerplexityView
    from aigc.ui.tabs.text_summarise import SummariseView

    kinds = {"text-continue": ContinueView, "text-perplexity": PerplexityView, "text-summarise": SummariseView}
    return {name: partial(_text, kind, lang) for name, kind in kinds.items()}


def _text(kind: Any, lang: Lang) -> dict[str, Any]:
    from aigc.outputs import labels
    from aigc.outputs.writings import MARK

    told, kept = _ran(_drawn(kind, lang))
    if kept is None:  # what was read of it stands where an example says that it is one
        told["notes"] = [told["status"], *told["notes"]]
    if told.get("onward"):
        told["asked"] = {"model": kept.model, "given": kept.given, "values": kept.values}
    if told.get("made"):
        whole = "".join(column["before"] + "".join(token[0] for token in column["tokens"]) for column in told["columns"])
        told |= {"AIGC": labels.fields(whole.encode()), "note": MARK}
    return told


def _pictures(lang: Lang) -> dict[str, Callable[[], dict[str, Any]]]:
    from aigc.pretrained.image.asked import Verb

    return {f"image-{verb.value}": partial(_pictured, verb, lang) for verb in Verb}


def _pictured(verb: Any, lang: Lang) -> dict[str, Any]:
    """What works on a picture is given the first of Generate, and all of it but a margin to repaint."""
    import gradio as gr
    from PIL import Image as images

    from aigc.pretrained.image.asked import NEED_IMAGE
    from aigc.ui.studio import easel
    from aigc.ui.tabs.image_view import View

    view = _drawn(lambda page: View(page, verb, gr.State(None)), lang)
    asked: dict[Any, Any] = {widget: OTHERWISE[verb.value, name] for name, widget in view.form.widgets.items() if (verb.value, name) in OTHERWISE}
    with tempfile.TemporaryDirectory() as folder:
        if view.given is not None:
            first = picture(f"image-generate.{lang}", 0)
            assert first is not None
            first.save(Path(folder) / "given.png")
            asked[view.given.picture] = str(Path(folder) / "given.png")
            if view.given.painted is not None:
                mask = images.new("L", first.size)
                mask.paste(255, (MARGIN, MARGIN, first.width - MARGIN, first.height - MARGIN))
                asked[view.given.painted] = easel.address(mask)
        told, _ = _ran(view, asked)
    for item in told["items"]:
        item["src"] = min(item["src"], easel.made(_opened(item["src"]), verb in NEED_IMAGE, exact=0), key=len)
    if told.get("before"):
        told["before"] = min(told["before"], easel.address(_opened(told["before"]), exact=0), key=len)
    return told


def _insides(lang: Lang) -> dict[str, Callable[[], dict[str, Any]]]:
    from aigc.ui.tabs.image_inside import PARTS

    look = cache(partial(_looked, lang))  # one for all parts, once one is wanted
    return {f"inside-{part}": partial(_seen, part, look) for part in PARTS}


def _seen(part: str, looked: Callable[[], Any]) -> dict[str, Any]:
    from aigc.outputs import on_screen
    from aigc.ui.tabs.image_inside import PARTS

    look = looked()
    told: dict[str, Any] = json.loads(look.payloads[PARTS.index(part)])
    for film in told["films"]:
        film["src"] = as_address(on_screen(_opened(film["src"]), "WEBP", quality=INSIDE_QUALITY, use_sharp_yuv=True), "webp")
    return told | ({"curve": look.curve, "facts": look.facts} if part == "words" else {})


def _looked(lang: Lang) -> Any:
    from aigc.ui.tabs.image_inside import Inside

    view, latest = _drawn(Inside, lang), list[Any]()
    _ran(view, {view.latest: latest, view.form.widgets["steps"]: INSIDE_STEPS})
    return latest[0]


def _drawn(view: Any, lang: Lang) -> Any:
    import gradio as gr

    from aigc.ui.page import Page

    with gr.Blocks():
        return view(Page(lang, cast(Any, None), cast(Any, None), ()))


def _ran(view: Any, asked: dict[Any, Any] | None = None) -> tuple[dict[str, Any], Any]:
    """What the panel shows at the end of a press of the button, the form as it is drawn but for what is asked; and what is kept of it."""
    given = {widget: getattr(widget, "value", None) for widget in view.inputs} | (asked or {})
    *_, last = view.run(given, types.SimpleNamespace(session_hash="examples"))
    last, kept = last[:2] if isinstance(last, tuple) else (last, None)
    told = json.loads(last)
    if told["kind"] == "same":
        raise RuntimeError(told["status"])
    return told, kept


if __name__ == "__main__":
    for path in make(sys.argv[1:]):
        print(path, path.stat().st_size)
