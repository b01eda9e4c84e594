"""Data: what there is to learn from, as a model will see it; and one's own images."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc import data
from aigc.data import DataSpec, own
from aigc.jobs.request import check_download
from aigc.jobs.store import PUBLIC
from aigc.knobs import GROUPS, knobs, read
from aigc.options import Options
from aigc.techniques import techniques
from aigc.ui import forms, gallery
from aigc.ui.markup import esc
from aigc.ui.page import QUIET, Page
from aigc.ui.preparing import Preparing, Work
from aigc.ui.tabs import own_images
from aigc.ui.text import data as text

AUGMENTING = {name for name, k in knobs(Options).items() if k.group == "augmentation"} | {"seed"}
PATIENCE = 1.5  # seconds that an event waits for a dataset that is nearly there
MEGABYTE = 1e6

PREPARING = Preparing()


def draw(page: Page) -> None:
    with gr.Tabs(elem_id="view-data", selected="look"):
        with gr.Tab(page.t(text.VIEWS["look"]), id="look") as look:
            choice = Look(page)
        with gr.Tab(page.t(text.VIEWS["own"]), id="own") as mine:
            added = own_images.draw(page, choice.data, choice.refreshed)
    shown = added.success(choice.turned_to, choice.inputs, choice.everything, **QUIET)
    shown.then(None, js="() => aigc.open('data', 'look')", **QUIET)
    for tab, name in ((look, "look"), (mine, "own")):
        tab.select(None, js=f"() => aigc.viewed('data', '{name}')", **QUIET)


class Look:
    """Choose a dataset on the left; its facts and its examples, plain and augmented, on the right."""

    def __init__(self, page: Page):
        self.page, t = page, page.t
        first = next(iter(data.specs()))
        with gr.Row(equal_height=False, elem_classes=["aigc-split"]):
            with gr.Column(scale=0, min_width=260, elem_classes=["aigc-left"]):
                self.data = gr.Radio(self.choices("nobody"), value=first, label=t(text.CHOOSE), elem_classes=["aigc-list"])
                self.label = gr.Dropdown([(t(text.ALL_CLASSES), -1)], value=-1, label=t(text.CLASS), filterable=False)
            with gr.Column(scale=1, min_width=320, elem_classes=["aigc-right"]):
                # Tells the server that somebody looks: a hidden tab costs nothing.
                self.shown = gr.HTML("", js_on_load="trigger('click')", elem_classes=["aigc-opener"])
                self.title = gr.HTML(elem_classes=["aigc-about-data"])
                with gr.Row(elem_classes=["aigc-buttons"]):
                    self.get = gr.Button(visible=False, variant="primary", elem_id="data-download")
                    self.cancel = gr.Button(t(text.CANCEL), visible=False, elem_id="data-cancel")
                self.panel = gr.HTML(f'<div class="aigc-waiting">{esc(t(text.LOADING.fill(title="…")))}</div>', elem_id="data-gallery")
                self.about = gr.HTML("")
                with gr.Row(elem_classes=["aigc-buttons"]):
                    self.delete = gr.Button(t(text.DELETE), visible=False, variant="stop", size="sm")
                    self.sure = gr.Button(t(text.YES_DELETE), visible=False, variant="stop", size="sm")
                    self.keep = gr.Button(t(text.KEEP), visible=False, size="sm")
            with gr.Column(scale=0, min_width=260, elem_classes=["aigc-left", "aigc-more"]) as self.augmenting:
                gr.HTML(f'<h3>{esc(GROUPS["augmentation"][page.lang])}</h3><p class="aigc-note">{esc(t(text.AUGMENT_HELP))}</p>')
                self.form = forms.draw(page.lang, Options, fold=False, skip=set(knobs(Options)) - AUGMENTING)
                self.others = gr.Button(t(text.OTHERS), size="sm")
        self.timer = gr.Timer(0.6, active=False)
        self._wire()

    def _wire(self) -> None:
        inputs = self.inputs = self.form.inputs | {self.data, self.label}
        buttons = {self.get, self.cancel, self.delete, self.sure, self.keep}
        everything: set[Any] = {self.augmenting, self.data, self.title, self.about, self.label, self.panel, self.timer, *buttons}
        self.everything = everything
        self.shown.click(self.opened, inputs, everything, **QUIET)
        place = sorted(widget._id for widget in inputs).index(self.data._id)  # a set of inputs comes in this order
        js = f"(...given) => {{ aigc.linked({{data: given[{place}]}}); return given; }}"
        self.data.input(self.turned_to, inputs, everything, js=js, trigger_mode="always_last", **QUIET)
        self.timer.tick(self.turned_to, inputs, everything, **QUIET)
        self.label.input(self.changed, inputs, {self.panel}, **QUIET)
        for widget in self.form.inputs:
            widget.input(self.changed, inputs, {self.panel}, trigger_mode="always_last", **QUIET)  # type: ignore[attr-defined]
        self.others.click(self.reseeded, inputs, {self.form.widgets["seed"], self.panel}, **QUIET)
        self.get.click(self.fetched, inputs, everything, **QUIET)
        self.cancel.click(self.cancelled, inputs, everything, **QUIET)
        self.delete.click(lambda: [gr.update(visible=v) for v in (False, True, True)], None, [self.delete, self.sure, self.keep], **QUIET)
        self.keep.click(lambda: [gr.update(visible=v) for v in (True, False, False)], None, [self.delete, self.sure, self.keep], **QUIET)
        self.sure.click(self.deleted, inputs, everything, **QUIET)

    # the events
    def opened(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """The first look: the visitor's own sets are added, and the dataset that the address names is chosen."""
        owner = self._owner(request)
        known = data.specs(owner)
        asked = request.query_params.get("data", "") if request.query_params.get("tab") == "data" else ""
        name = next((n for n in (asked, str(given[self.data])) if n in known), next(iter(known)))
        return self._everything(known[name], given, owner) | {self.data: gr.update(choices=self.choices(owner), value=name)}

    def turned_to(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with forms.in_words(self.page.lang):
            owner = self._owner(request)
            return self._everything(self._spec(given, owner), given, owner)

    def changed(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """Only what is seen of it: a class, or a knob of the augmentation."""
        with forms.in_words(self.page.lang):
            spec = self._spec(given, self._owner(request))
            work = PREPARING.ask(spec.name)
            return {self.panel: self._drawn(work, spec, given)} if work.sample else {self.panel: gr.skip()}

    def reseeded(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        seed = self.form.widgets["seed"]
        with forms.in_words(self.page.lang):
            given[seed] = (forms.values(self.form, given)["seed"] + 1) % 2**31
        return {seed: given[seed], **self.changed(given, request)}

    def fetched(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with forms.in_words(self.page.lang):
            spec = self._spec(given, self._owner(request))
            self._check_download(spec)
            PREPARING.ask(spec.name, download=True, by=self.page.owner(request))
        return self.turned_to(given, request)

    def cancelled(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with forms.in_words(self.page.lang):
            PREPARING.cancel(self._spec(given, self._owner(request)).name, by=self.page.owner(request))
        return self.turned_to(given, request)

    def deleted(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with forms.in_words(self.page.lang):
            spec = self._spec(given, self._owner(request))
            own.remove(spec.name, self.page.owner(request))
        PREPARING.forget(spec.name)
        gr.Info(esc(self.page.t(text.DELETED.fill(title=spec.title))))
        owner = self._owner(request)
        first = next(iter(data.specs().values()))
        return self._everything(first, given, owner) | {self.data: gr.update(choices=self.choices(owner), value=first.name)}

    def refreshed(self, name: str, request: gr.Request) -> dict[str, Any]:
        """What makes the list show the set called `name` just added."""
        return gr.update(choices=self.choices(self._owner(request)), value=name)

    # what they show
    def choices(self, owner: str | None) -> list[tuple[str, str]]:
        """Titles, and where a dataset is if it is not here."""
        found = []
        for name, spec in data.specs(owner).items():
            there = data.availability(name)
            size = f" · {there.download_bytes / MEGABYTE:,.0f} MB" if there.download_bytes else ""
            found.append((spec.title[self.page.lang] + size, name))
        return found

    def _everything(self, spec: DataSpec, given: dict[Component, Any], owner: str | None) -> dict[Any, Any]:
        there, work = data.availability(spec.name), PREPARING.under_way(spec.name)
        if there.here and work is None:
            work = PREPARING.ask(spec.name)
        _wait(work)
        waits = work is not None and not work.over
        mine = own.is_own(spec.name)
        given = {**given, self.label: given[self.label] if given[self.label] in range(len(spec.classes)) else -1}
        megabytes = f"{there.download_bytes / MEGABYTE:,.0f}"
        classes = [(self.page.t(text.ALL_CLASSES), -1), *((c[self.page.lang], i) for i, c in enumerate(spec.classes))]
        return {
            self.data: gr.skip(),
            self.augmenting: gr.update(visible=not spec.is_points),
            self.title: self._title(spec),
            self.about: self._about(spec),
            self.label: gr.update(choices=classes, value=given[self.label], visible=len(classes) > 2),
            self.panel: self._drawn(work, spec, given) if work else self._absent(spec),
            self.get: gr.update(value=self.page.t(text.DOWNLOAD.fill(mb=megabytes)), visible=work is None and there.download_bytes > 0),
            self.cancel: gr.update(visible=waits and not there.here),
            self.delete: gr.update(visible=mine),
            self.sure: gr.update(visible=False),
            self.keep: gr.update(visible=False),
            self.timer: gr.Timer(active=waits),
        }

    def _drawn(self, work: Work, spec: DataSpec, given: dict[Component, Any]) -> str:
        t = self.page.t
        if work.failed:
            return f'<p class="aigc-waiting aigc-bad">{esc(t(work.failed))}</p>'
        if work.sample is None:
            done, total = work.done / MEGABYTE, work.total / MEGABYTE
            far = {"title": spec.title, "done": f"{done:,.0f}", "total": f"{total:,.0f}"}
            words = (text.FETCHING if work.total else text.LOADING).fill(**far)
            return f'<div class="aigc-waiting"><p>{esc(t(words))}</p><progress max="{work.total or 1}" value="{work.done}"></progress></div>'
        options = read(Options, forms.values(self.form, given))
        label = given[self.label] if given[self.label] in range(len(work.sample.spec.classes)) else None
        if work.sample.spec.is_points:
            return gallery.scatter(work.sample, label, self.page.lang)
        which = gallery.chosen(work.sample, label, options.seed)
        return gallery.before_and_after(work.sample, which, options, self.page.lang)

    def _absent(self, spec: DataSpec) -> str:
        lines = [text.NOT_HERE.fill(title=spec.title), data.availability(spec.name).words]
        return f'<div class="aigc-waiting">{"".join(f"<p>{esc(self.page.t(w))}</p>" for w in lines)}</div>'

    def _about(self, spec: DataSpec) -> str:
        t, kind = self.page.t, (text.POINTS if spec.is_points else text.PICTURES)
        colour = text.GREY if spec.shape[0] == 1 else text.COLOUR
        size = text.PLANE if spec.is_points else text.PIXELS.fill(w=spec.shape[-1], h=spec.shape[-2], colour=colour)
        pairs = [
            (kind, f"{spec.count:,}"),
            (text.SIZE, t(size)),
            (text.CLASSES, str(len(spec.classes) or "")),
            (text.LICENCE, t(text.UNKNOWN) if spec.licence == "unknown" else spec.licence),
            (text.CREDIT, spec.credit),
            (text.WHERE, t(data.availability(spec.name).words)),
        ]
        return gallery.facts(pairs, self.page.lang)

    def _title(self, spec: DataSpec) -> str:
        t = self.page.t
        ways = "".join(
            f'<a class="aigc-chip" href="{esc(self.page.link(info.slug, data=spec.name))}">{esc(t(info.title))}</a>' for info in techniques().values()
        )
        return f'<h2>{esc(t(spec.title))}</h2><p class="aigc-chips"><span>{esc(t(text.TRAIN_ON))}</span>{ways}</p>'

    # who and what
    def _owner(self, request: gr.Request) -> str | None:
        return self.page.owner(request) or None

    def _spec(self, given: dict[Component, Any], owner: str | None) -> DataSpec:
        """Raises Refusal."""
        known, name = data.specs(owner), str(given[self.data])
        return known[name] if name in known else data.spec(name)

    def _check_download(self, spec: DataSpec) -> None:
        """Raises Refusal."""
        check_download(spec, PUBLIC.download if self.page.public else None)


def _wait(work: Work | None) -> None:
    """A dataset that is on the disk is mostly here within a moment: then the page need not ask twice."""
    until = time.monotonic() + PATIENCE
    while work is not None and not work.over and time.monotonic() < until:
        time.sleep(0.02)
