"""The list of schedulers in a form of the Image tab: only those that the chosen model admits, as soon as its files tell."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components import Component

from aigc.pretrained.catalogue import Task
from aigc.pretrained.image.asked import Scheduler
from aigc.pretrained.image.habits import admitted_by
from aigc.ui.chooser import Chooser
from aigc.ui.forms import Form
from aigc.ui.tabs.explore_room import QUIET


def offered(form: Form, task: Task, model: str, value: Any) -> dict[Component, Any]:
    """The update of a form's list, if it has one; `value` stays where the model admits it."""
    if "scheduler" not in form.widgets:
        return {}
    admitted = admitted_by(task, model)
    choices = [(s.words[form.lang], s.value) for s in admitted]
    kept = next((s for s in admitted if s == value), Scheduler.OWN)
    return {form.widgets["scheduler"]: gr.update(choices=choices, value=kept.value)}


def follow(form: Form, chooser: Chooser, *events: Any) -> None:
    """Drawn for the model that is chosen first; set anew when somebody looks, when a download ends, and at these `events`."""

    def now(model: Any, value: Any) -> Any:
        return offered(form, chooser.task, str(model or ""), value)[widget]

    if (widget := form.widgets.get("scheduler")) is not None:
        widget.choices = now(chooser.model.value, widget.value)["choices"]  # type: ignore[attr-defined]
        for event in (chooser.shown.click, chooser.timer.tick, *events):  # type: ignore[attr-defined]
            event(now, [chooser.model, widget], widget, **QUIET)
