"""Evaluate: what a model's samples are worth, in figures with their errors, beside real data and beside other models.

What has been measured already is shown at once; measuring anew runs in a process of its own (jobs/evaluating.py), which a timer asks after.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from aigc import data, plots, registry
from aigc.data import DataSpec
from aigc.evaluate import PARTS, Series, parts_for, reports
from aigc.evaluate.report import file_name
from aigc.jobs.evaluating import Evaluation, Evaluations
from aigc.registry import Entry
from aigc.techniques import Role
from aigc.ui import model_card, palette
from aigc.ui.forms import in_words
from aigc.ui.markup import esc
from aigc.ui.page import QUIET, Page
from aigc.ui.tabs import evaluate_view as view
from aigc.ui.tabs.evaluate_view import Column
from aigc.ui.text import evaluate as text
from aigc.ui.text.live import duration
from aigc.words import Refusal, Words

LEAST, FIRST, MOST, MOST_PUBLIC = 200, 10_000, 100_000, 10_000  # samples
LOOKED_AT = 1000  # samples that memorisation takes
MOST_BESIDE = 5  # other models
LONG = ("usefulness", "tradeoff")  # parts that take minutes, and begin unticked
PLOTS = 8  # places for series; a place that nothing fills is not seen
# What a line shows, by its name; any other is drawn in ink.
ROLES = {"samples": Role.GENERATED, "model": Role.GENERATED, "real": Role.REAL, "components": Role.NOISE, "floor": Role.NOISE}
# Tells the server that somebody looks, and again when a link names a model, or the page turns light or dark.
OPENER_JS = """
trigger('click');
addEventListener('aigc-told', ({ detail }) => detail.tab === 'evaluate' && trigger('click'));
let dark = window.aigc?.isDark?.();
addEventListener('aigc-theme', () => { if (window.aigc.isDark() !== dark) { dark = window.aigc.isDark(); trigger('input'); } });"""
# The address names what is shown, so that it can be sent to somebody.
LINKED_JS = "(chosen) => aigc.linked({ CHANGED: String(chosen ?? '') })"
OF_THE_DATA = ("components", "real", "others")  # lines that say nothing of the model itself
LOOSE = ("others",)  # points that have nothing between them in a series that else has
Point = tuple[float, float, float | None]

EVALUATIONS = Evaluations()


def draw(page: Page) -> None:
    Evaluate(page)


class Evaluate:
    """Choose a model and what to examine on the left; what was found on the right."""

    def __init__(self, page: Page):
        self.page = page
        with gr.Row(equal_height=False, elem_classes=["aigc-split"]):
            with gr.Column(scale=0, min_width=260, elem_classes=["aigc-left"]):
                self._draw_form()
            with gr.Column(scale=1, min_width=320, elem_classes=["aigc-right"], elem_id="evaluate-report"):
                self._draw_report()
        self.timer = gr.Timer(1.0, active=False)
        self._wire()

    def _draw_form(self) -> None:
        t = self.page.t
        # Only drawn: which models there are is asked when somebody looks.
        self.shown = gr.HTML("", js_on_load=OPENER_JS, elem_classes=["aigc-opener"])
        # Custom values: what may be chosen follows the model, and Gradio would complain of a value that crossed its own list on the way.
        free: dict[str, Any] = {"allow_custom_value": True}
        self.model = gr.Dropdown([], label=t(text.MODEL), elem_id="evaluate-model", **free)
        self.data = gr.Dropdown([], label=t(text.DATA), info=t(text.DATA_HELP), elem_id="evaluate-data", **free)
        self.n = gr.Number(FIRST, label=t(text.SAMPLES), info=t(text.SAMPLES_HELP), precision=0, elem_id="evaluate-n")
        with gr.Column(elem_id="evaluate-parts", elem_classes=["aigc-column-of-boxes"]):
            gr.HTML(f'<span class="aigc-boxes-title">{esc(t(text.PARTS))}</span>')
            self.parts = {part: gr.Checkbox(part not in LONG, label=t(words), visible=False) for part, words in PARTS.items()}
        with gr.Row(elem_classes=["aigc-buttons"]):
            self.go = gr.Button(t(text.GO), variant="primary", elem_id="evaluate-go")
            self.cancel = gr.Button(t(text.CANCEL), visible=False, elem_id="evaluate-cancel")
        self.progress = gr.HTML("", elem_id="evaluate-progress")
        self.beside = gr.Dropdown([], label=t(text.BESIDE), info=t(text.BESIDE_HELP), multiselect=True, elem_id="evaluate-beside", **free)

    def _draw_report(self) -> None:
        self.table = gr.HTML(f'<p class="aigc-waiting">{esc(self.page.t(text.CHOOSE))}</p>', elem_id="evaluate-table")
        self.plots: list[tuple[gr.Column, gr.HTML, gr.Plot]] = []
        with gr.Row(elem_classes=["aigc-report-plots"]):
            for _ in range(PLOTS):
                with gr.Column(visible=False, min_width=300) as place:
                    self.plots.append((place, gr.HTML(""), gr.Plot(show_label=False)))
        self.pictures = gr.HTML("", elem_id="evaluate-pictures")
        gr.HTML(view.reading(self.page.lang))

    def _wire(self) -> None:
        inputs: set[Component] = {self.model, self.data, self.n, *self.parts.values(), self.beside}
        found: set[Any] = {self.table, self.pictures, *(widget for place in self.plots for widget in place)}
        work: set[Any] = {self.progress, self.cancel, self.go, self.timer}
        everything = inputs | found | work
        address = {"data: null, model": self.model, "data": self.data, "with": self.beside}  # another model is compared with its own data
        self.shown.click(self.opened, inputs, everything, **QUIET)
        self.shown.input(self.other_look, inputs, found, trigger_mode="always_last", **QUIET)
        for changed, widget in address.items():
            widget.input(None, widget, None, js=LINKED_JS.replace("CHANGED", changed), **QUIET)
        self.model.input(self.other_model, inputs, everything, trigger_mode="always_last", **QUIET)
        self.data.input(self.other_data, inputs, everything, trigger_mode="always_last", **QUIET)
        self.beside.input(self.other_look, inputs, found, trigger_mode="always_last", **QUIET)
        self.go.click(self.start, inputs, work, **QUIET)
        self.cancel.click(self.cancelled, inputs, work, **QUIET)
        self.timer.tick(self.ticked, inputs, everything, **QUIET)

    # the events
    def opened(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """The first look: at the model that the address names, at the one being evaluated, or at the first that has been."""
        query = request.query_params if request.query_params.get("tab") == "evaluate" else {}
        there = registry.entries()
        slugs = [e.slug for e in there]
        at_work = EVALUATIONS.of(self.page.owner(request))
        measured = (e.slug for e in there if reports(e.slug))
        wanted = (query.get("model"), at_work.slug if at_work else None, given[self.model], next(measured, None), next(iter(slugs), None))
        chosen = next((slug for slug in wanted if slug in slugs), None)
        beside = [slug for slug in str(query.get("with", "")).split(",") if slug in slugs]
        choices = [(self._title(e), e.slug) for e in there]
        update = {self.model: gr.update(choices=choices, value=chosen)}
        return self._of(chosen, {**given, self.data: query.get("data"), self.beside: beside}, request) | update | self._work(request)

    def other_model(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        return self._of(given[self.model], {**given, self.data: None}, request) | {self.model: gr.skip()} | self._work(request)

    def other_data(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        return self._of(given[self.model], given, request) | {self.model: gr.skip()} | self._work(request)

    def other_look(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """Other models beside it, or the same in the dark."""
        entry, spec = self._entry(given[self.model]), data.specs().get(str(given[self.data]))
        return self._found(entry, spec.name if spec else "", self._slugs(given[self.beside]), request)

    def start(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with in_words(self.page.lang):
            entry, spec, n, parts = self._asked(given, request)
            most = self.page.supervisor.limits.seconds
            owner = self.page.owner(request)
            EVALUATIONS.ask(entry.slug, spec.name, owner=owner, lang=self.page.lang, n=n, parts=parts, most_seconds=most)
        return self._work(request)

    def cancelled(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        EVALUATIONS.cancel(self.page.owner(request))
        return self._work(request)

    def ticked(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """Only the sentence, while it works; what was found, once it is over."""
        one, work = EVALUATIONS.of(self.page.owner(request)), self._work(request)
        if one is None or not one.over or one.slug != given[self.model]:
            return work
        return work | self.other_look({**given, self.data: one.data}, request) | self._fields(given, one, request)

    # what they show
    def _fields(self, given: dict[Component, Any], one: Evaluation, request: gr.Request) -> dict[Any, Any]:
        return {self.data: one.data, self.beside: gr.update(choices=self._others(one.slug, one.data))}

    def _of(self, slug: Any, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        """Everything that follows from the choice of a model, and of data if that is one it can be compared with."""
        entry = self._entry(slug)
        fitting = self._fitting(entry, request) if entry else {}
        wanted = (given[self.data], entry.card.data if entry else None, next(iter(fitting), None))
        chosen = next((name for name in wanted if isinstance(name, str) and name in fitting), None)
        parts = parts_for(entry, fitting[chosen]) if entry and chosen else ()
        others = self._others(entry.slug, chosen) if entry and chosen else []
        beside = [s for s in self._slugs(given[self.beside]) if s in [slug for _, slug in others]]
        return {
            self.data: gr.update(choices=[(spec.title[self.page.lang], name) for name, spec in fitting.items()], value=chosen),
            **{box: gr.update(visible=part in parts) for part, box in self.parts.items()},
            self.n: self._samples(fitting.get(chosen or ""), given[self.n]),
            self.beside: gr.update(choices=others, value=beside),
            **self._found(entry, chosen or "", beside, request),
        }

    def _samples(self, spec: DataSpec | None, n: Any) -> Any:
        """As many as can be used, until a hand has asked for another number."""
        few, known, help = _few(), data.specs(), self.page.t(text.SAMPLES_HELP)
        usual = {name: max(held_out, LOOKED_AT) for name, held_out in few.items() if not known[name].classes}
        if spec and spec.name in few:
            help += self.page.t(text.FEW.fill(n=f"{few[spec.name]:,}"))
        now = usual.get(spec.name, FIRST) if spec else FIRST
        return gr.update(info=help, value=now) if n in (FIRST, *usual.values()) else gr.update(info=help)

    def _found(self, entry: Entry | None, name: str, beside: Sequence[str], request: gr.Request) -> dict[Any, Any]:
        """The table, the plots and the pictures of every report on this data."""
        if entry is None:
            return self._empty(text.CHOOSE if registry.entries() else text.NO_MODELS)
        if not name:
            return self._empty(text.NO_DATA.fill(model=entry.card.name))
        of, t = data.specs().get(name), self.page.t
        title = of.title if of else Words(name, name)
        columns = _columns(entry, name)
        if not columns and not beside:
            return self._empty(text.NO_REPORT.fill(model=entry.card.name, data=title))
        lost = [] if columns else [entry]
        for other in filter(None, map(self._entry, beside[:MOST_BESIDE])):
            more = _columns(other, name)[:1]
            columns += more
            lost += [] if more else [other]
        absent = "".join(f'<p class="aigc-note">{esc(t(text.NOT_BESIDE.fill(model=e.card.name, data=title)))}</p>' for e in lost)
        if not columns:
            return self._empty(text.NO_REPORT.fill(model=entry.card.name, data=title))
        lang, head = self.page.lang, f"<h2>{esc(t(text.OF.fill(model=_all(columns), data=title)))}</h2>"
        caption = text.TABLE.fill(model=_all(columns), data=title)
        body = view.table(columns, caption, lang) + view.warnings(columns, lang) + absent + view.origin(columns, lang)
        return {self.table: head + body, self.pictures: view.pictures(columns, lang), **self._drawn(columns, self.page.is_dark(request))}

    def _empty(self, words: Words) -> dict[Any, Any]:
        return {self.table: f'<p class="aigc-waiting">{esc(self.page.t(words))}</p>', self.pictures: "", **self._drawn([], False)}

    def _drawn(self, columns: Sequence[Column], dark: bool) -> dict[Any, Any]:
        """A plot for every series that any of these reports has; one over another axis, as guidance is beside truncation, has its own."""
        alike: dict[tuple[str, str], list[tuple[Column, Series]]] = {}
        for c in columns:
            for name, series in c.report.series.items():
                alike.setdefault((name, series.x.en), []).append((c, series))
        drawn = list(alike.values())
        updates: dict[Any, Any] = {}
        for i, (place, head, plot) in enumerate(self.plots):
            if i >= len(drawn):
                updates |= {place: gr.update(visible=False), head: "", plot: None}
                continue
            title, help = self.page.t(drawn[i][0][1].title), "".join(self._helps(drawn[i]))
            updates |= {
                place: gr.update(visible=True),
                head: f"<h3>{esc(title)}</h3>{help}",
                plot: self._figure(drawn[i], dark, several=len(columns) > 1),
            }
        return updates

    def _figure(self, having: Sequence[tuple[Column, Series]], dark: bool, *, several: bool = False) -> Any:
        """A series of every report that has it, in one plot; what is no model's own is drawn once."""
        t, lines = self.page.t, dict[tuple[str, str], plots.Line]()
        for c, series in having:
            for key, points in series.lines.items():
                shared = key in OF_THE_DATA
                place = (key, "" if shared else c.address)
                label = t(series.labels.get(key, Words(key, key)))
                name = f"{c.name}: {label}" if (several or len(having) > 1) and not shared else label
                colour = palette.colour(ROLES[key], dark) if key in ROLES else ""
                points = _together(lines[place].points, points) if place in lines else points
                lines[place] = plots.Line(name, points, colour, joined=key not in LOOSE and series.joined)
        look = plots.Look(palette.plotly_template(dark), palette.colour(Role.LOSS, dark), palette.colour(Role.NOISE, dark))
        first = having[0][1]
        return plots.measured(list(lines.values()), x_title=t(first.x), y_title=t(first.y), look=look)

    def _helps(self, having: Sequence[tuple[Column, Series]]) -> list[str]:
        """What the reports say of a series: once where they say the same, else each with its model."""
        said = {c.name: self.page.t(series.help) for c, series in having}
        if len(set(said.values())) == 1:
            said = {"": next(iter(said.values()))}
        return [f"<p class='aigc-note'>{esc(f'{name}: {help}' if name else help)}</p>" for name, help in said.items()]

    def _work(self, request: gr.Request) -> dict[Any, Any]:
        """How far this visitor's evaluation is, and whether to ask again."""
        one = EVALUATIONS.of(self.page.owner(request))
        going = one is not None and not one.over
        return {
            self.progress: _progress(one, self.page) if one else "",
            self.cancel: gr.update(visible=going),
            self.go: gr.update(interactive=not going),
            self.timer: gr.Timer(active=going),
        }

    # what was asked
    def _asked(self, given: dict[Component, Any], request: gr.Request) -> tuple[Entry, DataSpec, int, tuple[str, ...]]:
        """Raises Refusal unless this can be evaluated."""
        entry = self._entry(given[self.model])
        if entry is None:
            raise Refusal(text.CHOOSE)
        fitting = self._fitting(entry, request)
        spec = fitting.get(given[self.data]) if isinstance(given[self.data], str) else None
        if spec is None:
            raise Refusal(text.CHOOSE_DATA)
        n, most = given[self.n], MOST_PUBLIC if self.page.public else MOST
        if not isinstance(n, int | float) or isinstance(n, bool) or n != n or not LEAST <= n <= most or n != int(n):
            raise Refusal(text.NUMBER, least=LEAST, most=f"{most:,}")
        possible = parts_for(entry, spec)
        chosen = tuple(part for part in possible if given[self.parts[part]] is True)
        if not chosen:
            raise Refusal(text.NO_PARTS)
        return entry, spec, int(n), () if chosen == possible else chosen

    def _entry(self, slug: Any) -> Entry | None:
        return next((e for e in registry.entries() if e.slug == slug), None)

    def _slugs(self, value: Any) -> list[str]:
        return [slug for slug in value if isinstance(slug, str)] if isinstance(value, list) else []

    def _fitting(self, entry: Entry, request: gr.Request) -> dict[str, DataSpec]:
        """The data that this visitor may compare its samples with, its own first."""
        known = data.specs(self.page.owner(request) or None)
        fits = {name: spec for name, spec in known.items() if parts_for(entry, spec)}
        return dict(sorted(fits.items(), key=lambda pair: pair[0] != entry.card.data))

    def _others(self, slug: str, name: str) -> list[tuple[str, str]]:
        return [(self._title(e), e.slug) for e in registry.entries() if e.slug != slug and _columns(e, name)]

    def _title(self, e: Entry) -> str:
        told = [e.card.name, model_card.data_title(e.card.spec, e.card.data)[self.page.lang]]
        return " · ".join(told + ([self.page.t(text.SHIPPED)] if e.shipped else []))


def _columns(entry: Entry, name: str) -> list[Column]:
    """For each way of sampling the report on the most samples, and the newest; the usual way first, what is out of date last."""
    ways: dict[str, list[Column]] = {}
    for report in reports(entry.slug):
        if report.data == name:
            ways.setdefault(file_name(name, report.settings, 0), []).append(Column(entry, report))
    most = [max(way, key=lambda c: (not view.is_stale(c), c.report.n)) for way in ways.values()]
    shown = {c.stem: c for way, c in zip(ways.values(), most, strict=True) for c in (way[0], c)}.values()
    several = len({c.report.n for c in shown}) > 1
    columns = [dataclasses.replace(c, tells_n=several) for c in shown]
    return sorted(columns, key=lambda c: (view.is_stale(c), bool(c.report.settings), -c.report.n))


def _few() -> dict[str, int]:
    """Data with fewer test pictures than samples were asked for, as reports tell: of so many samples fidelity is measured there."""
    known, found = data.specs(), dict[str, int]()
    for report in (r for e in registry.entries() for r in reports(e.slug) if r.data in known):
        fid = report.figure("fid")
        if fid and fid.n == fid.floor_n < report.n:
            found[report.data] = fid.n
    return found


def _all(columns: Sequence[Column]) -> Words:
    """Their models, as a list in words."""
    names = [c.name for c in columns]
    return Words(", ".join(names), "、".join(names))


def _together(some: Sequence[Point], others: Sequence[Point]) -> list[Point]:
    """The same line measured in two reports, perhaps at other places: one point at each place."""
    at = {point[0]: point for point in (*some, *others)}
    return [at[x] for x in sorted(at)]


def _progress(one: Evaluation, page: Page) -> str:
    try:
        name = registry.entry(one.slug).card.name
    except Refusal:  # renamed or deleted meanwhile
        name = one.slug
    if one.failed:
        why = text.STOPPED.fill(model=name, why=one.failed)
        return f'<p role="status" class="aigc-note">{esc(page.t(why))}</p>'
    if one.over:
        return ""
    known = data.specs()
    title = known[one.data].title if one.data in known else Words(one.data, one.data)
    head, since = text.UNDER_WAY.fill(model=name, data=title), text.SINCE.fill(seconds=duration(one.age))
    return f"""<div class="aigc-under-way"><progress aria-label="{esc(page.t(head))}"></progress><p><b>{esc(page.t(head))}</b></p>
<p role="status">{esc(one.sentence)}</p><p class="aigc-note">{esc(page.t(since))}</p></div>"""
