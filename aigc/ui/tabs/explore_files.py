"""What can be taken home from Explore; every file is made when it is asked for, by aigc.outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from aigc import outputs
from aigc.techniques import TechniqueInfo
from aigc.ui import forms
from aigc.ui.page import Page
from aigc.ui.studio.subjects import Subject, opened, subject
from aigc.ui.text import explore as text
from aigc.words import Refusal

FRAMES_A_SECOND = 10.0
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 2}
# The browser fetches the finished file as if its link had been clicked.
FETCH = """(file) => {
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name || "";
  document.body.append(link);
  link.click();
  link.remove();
}"""


def button(page: Page, label: str, make: Callable[..., Path], inputs: list[Any], **look: Any) -> gr.Button:
    """A button that makes a file from `inputs` and hands it over; a refusal is the page's own message."""
    made, press = gr.File(visible="hidden", interactive=False), gr.Button(label, size="sm", **look)

    def run(*given: Any) -> str:
        with forms.in_words(page.lang):
            return str(make(*given))

    press.click(run, inputs, made, **QUIET).success(None, made, None, js=FETCH, **QUIET)
    return press


def saves(page: Page, last: gr.State, kinds: tuple[str, ...]) -> None:
    """A row of buttons for the last result."""
    with gr.Row(elem_classes=["aigc-x-saves"]):
        gr.HTML(page.t(text.SAVE), elem_classes=["aigc-x-facts"])
        for kind in kinds:
            button(page, kind.upper(), _of_result(kind, page), [last])


def of_model(page: Page, info: TechniqueInfo, model: gr.Dropdown) -> None:
    """A row of buttons for the model itself."""
    with gr.Row(elem_classes=["aigc-x-saves"]):
        gr.HTML(page.t(text.SAVE), elem_classes=["aigc-x-facts"])
        button(page, page.t(text.WEIGHTS), lambda key: _weights(subject(info, key)), [model])
        button(page, page.t(text.CARD), lambda key: outputs.model(_model(subject(info, key))), [model])
        button(page, page.t(text.SCRIPT), lambda key: _script(subject(info, key), page), [model])


def _of_result(kind: str, page: Page) -> Callable[[Any], Path]:
    def make(made: Any) -> Path:
        if made is None:
            raise Refusal(text.NOTHING_YET)
        if kind == "npz":
            labels = None if made.labels is None else made.labels.cpu().numpy()
            return outputs.arrays(made.film.final(made.layer), labels, made=True, note=made.note, name=f"{made.name}.npz")
        frames = [_frame(state[made.layer], made) for _, state in made.film.states()]
        if kind == "png":
            return outputs.picture(_whole(made), made=True, note=made.note, name=f"{made.name}.png")
        return outputs.animation(frames, "gif" if kind == "gif" else "mp4", made=True, note=made.note, name=made.name, fps=FRAMES_A_SECOND)

    return make


def _frame(samples: Any, made: Any) -> Any:
    return outputs.scatter(samples) if samples.ndim == 2 else outputs.sheet(samples, columns=made.columns, scale=1)


def _whole(made: Any) -> Any:
    """The last state of a path; of a walk every stop, side by side."""
    import numpy as np

    if made.columns != 1 or made.film.spec.is_points:
        return outputs.drawn(made.film.final(made.layer))
    stops = [state[made.layer] for _, state in made.film.states()]  # each (rows, C, H, W)
    return outputs.sheet(np.stack(stops, 1).reshape(-1, *made.film.spec.shape), columns=len(stops))


def _weights(this: Subject) -> Path:
    if not this.is_run:
        return outputs.weights(this.name)
    from aigc.outputs.files import write
    from aigc.registry.weights import as_file

    with opened(this) as model:
        return write(as_file(model), f"{this.card.slug}.safetensors")


def _model(this: Subject) -> str:
    if this.is_run:
        raise Refusal(text.NOT_YET_A_MODEL)
    return this.name


def _script(this: Subject, page: Page) -> Path:
    return outputs.text(outputs.script(this.card, page.lang), f"{this.card.slug}.py")
