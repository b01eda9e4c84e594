"""The Evaluate tab without a browser: reports side by side, what is asked of the command, its progress, its end, and whose it is."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from tiny import card, perturbed, tiny  # noqa: F401

from aigc import data, home, plots, registry
from aigc.cli import evaluate as shell
from aigc.evaluate import PARTS, Figure, Report, Series
from aigc.evaluate.report import Origin, file_name, folder_of
from aigc.jobs import evaluating
from aigc.jobs.evaluating import Evaluation, Evaluations
from aigc.jobs.store import PUBLIC
from aigc.jobs.supervisor import Supervisor
from aigc.ui.document import STATIC
from aigc.ui.machine import Watch
from aigc.ui.page import Page
from aigc.ui.tabs import evaluate as tab
from aigc.ui.tabs import evaluate_routes, evaluate_view
from aigc.ui.text import evaluate as text
from aigc.ui.visitors import OWNER_COOKIE
from aigc.words import LANGS, Lang, Refusal, both

pytestmark = pytest.mark.usefixtures("tiny")
ANN, BOB = "a" * 32, "b" * 32
NOTHING = both("nothing", "无")


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "shipped")


def saved(slug: str, **changes: Any) -> registry.Entry:
    out = io.BytesIO()
    Image.new("L", (8, 8), 99).save(out, "PNG")
    return registry.save(perturbed(), card(slug, **changes), out.getvalue())


def figure(key: str = "fid", value: float = 3.0, error: float | None = 0.5, better: str = "low", **more: Any) -> Figure:
    label = both(f"{key}, Digits CNN", f"{key}，Digits CNN")
    return Figure(
        key, label, value, error, more.pop("floor", 0.25), 1000, both("Read it <b>so</b>.", "这样读。"), better=better, part="fidelity", **more
    )


def measured(slug: str, *figures: Figure, settings: dict[str, Any] | None = None, **more: Any) -> Report:
    """A report on disk, as an evaluation leaves it."""
    line = {"samples": [(0.0, 1.0, 0.1), (1.0, 2.0, None)], "real": [(0.0, 1.5, None), (1.0, 1.5, None)]}
    series = {"shares": Series(both("Shares", "占比"), NOTHING, NOTHING, line, {"real": both("real", "真实")}, NOTHING, "fidelity")}
    values = {"data": "digits", "split": "train", "n": 1000, "seed": 0, "created": "2026-01-02T03:04:05+00:00", "seconds": 12.0, "device": "cpu"}
    values |= {"code_version": "0.1", "extractor": "Digits CNN, 99 %", "figures": figures or (figure(),), "series": series}
    report = Report(slug=slug, settings=settings or {}, **(values | more))
    folder_of(slug).mkdir(parents=True, exist_ok=True)
    (folder_of(slug) / file_name(report.data, report.settings, report.n)).write_text(json.dumps(report.as_json()))
    return report


def page(lang: Lang = "en", **how: Any) -> tab.Evaluate:
    supervisor = Supervisor()
    with gr.Blocks():
        return tab.Evaluate(Page(lang, supervisor, Watch(), ("evaluate",), **how))


def given(e: tab.Evaluate, model: Any = None, data: Any = None, beside: Any = None, n: Any = 1000, **parts: Any) -> dict[Any, Any]:
    boxes = {box: parts.get(part, True) for part, box in e.parts.items()}
    return {e.model: model, e.data: data, e.n: n, e.beside: beside or [], **boxes}


def asked(owner: str = ANN, **query: str) -> Any:
    return SimpleNamespace(cookies={OWNER_COOKIE: owner}, query_params=query)


# what is shown
def test_what_was_measured_is_shown_at_once() -> None:
    saved("one")
    saved("two")
    measured("two")
    e = page()
    out = e.opened(given(e), asked())
    assert out[e.model]["value"] == "two" and out[e.data]["value"] == "digits"
    assert "3.00 ± 0.50" in out[e.table] and "0.25" in out[e.table] and "--n 1000" in out[e.table]
    assert "AIGC Lab 0.1" in out[e.table] and "Digits CNN, 99 %" in out[e.table]


def test_the_address_names_the_model_and_those_beside_it() -> None:
    for slug in ("one", "two"):
        saved(slug)
        measured(slug)
    e = page()
    out = e.opened(given(e), asked(tab="evaluate", model="two", **{"with": "one,gone"}))
    assert out[e.model]["value"] == "two" and out[e.beside]["value"] == ["one"] and out[e.table].count("<td>") == 2
    assert e.opened(given(e), asked(tab="vae", model="two"))[e.model]["value"] != "gone"


@pytest.mark.parametrize("lang", LANGS)
def test_without_models_or_reports_the_page_says_what_to_do(lang: Lang) -> None:
    e = page(lang)
    assert text.NO_MODELS[lang] in e.opened(given(e), asked())[e.table]
    saved("one")
    out = e.opened(given(e), asked())
    assert text.NO_REPORT.fill(model="one", data=both("Digits 8×8", "手写数字 8×8"))[lang] in out[e.table]
    assert not any(out[place]["visible"] for place, _, _ in e.plots)


def test_only_data_of_the_same_shape_and_parts_that_make_sense_are_offered() -> None:
    saved("one")
    e = page()
    out = e.other_model(given(e, "one"), asked())
    assert [name for _, name in out[e.data]["choices"]] == ["digits"]
    assert {part for part, box in e.parts.items() if out[box]["visible"]} >= {"memorisation"} and not out[e.parts["points"]]["visible"]


def test_the_best_is_bold_and_so_is_what_its_error_reaches() -> None:
    for slug, value in (("one", 3.0), ("two", 3.4), ("three", 9.0)):
        saved(slug)
        measured(slug, figure(value=value), figure("recall", value=value / 10, error=0.001, better="high"), figure("neither", better=""))
    e = page()
    table = e.other_look(given(e, "one", "digits", ["two", "three"]), asked())[e.table]
    row = {key: re.search(rf'data-figure="{key}".*?</tr>', table, re.DOTALL)[0] for key in ("fid", "recall", "neither")}
    assert re.findall(r"<td><b>([\d.]+)", row["fid"]) == ["3.00", "3.40"]
    assert re.findall(r"<td><b>([\d.]+)", row["recall"]) == ["0.9000"] and "<td><b>" not in row["neither"]
    assert text.HIGH.en in row["recall"] and text.LOW.en in row["fid"] and text.HIGH.en not in row["neither"]


def test_what_cannot_be_compared_is_said() -> None:
    saved("one")
    saved("two")
    measured("one", weights="0" * 64, notes=(both("Left out.", "略去。"),))
    measured("two", dataclasses.replace(figure(), n=500), n=500, extractor="Digits CNN, 12 %")
    e = page()
    out = e.other_look(given(e, "one", "digits", ["two"]), asked())[e.table]
    for words in (text.DIFFERENT_N, text.DIFFERENT_NETS, text.CHANGED.fill(model="one"), both("Left out.", "略去。")):
        assert words.en in out
    alone = e.other_look(given(e, "two", "digits"), asked())[e.table]
    assert text.DIFFERENT_N.en not in alone and text.CHANGED.fill(model="two").en not in alone


def test_another_number_of_samples_is_a_column_of_its_own_and_hides_nothing(client: TestClient) -> None:
    saved("one")
    measured("one", dataclasses.replace(figure(), n=10_000), created="2026-01-01T00:00:00+00:00", n=10_000)
    measured("one", dataclasses.replace(figure(value=40.0), n=200), n=200)
    e = page()
    out = e.other_look(given(e, "one", "digits"), asked())[e.table]
    assert out.index("one · n = 10,000") < out.index("one · n = 200") and "3.00 ± 0.50" in out and "40.00 ± 0.50" in out
    assert "--n 10000 --parts fidelity" in out and "--n 200 --parts fidelity" in out
    for n, value in ((10_000, 3.0), (200, 40.0)):
        (row,) = csv.DictReader(io.StringIO(client.get(f"/aigc/evaluations/table.csv?of=one/digits-n{n}").text))
        assert float(row["value"]) == value


def test_of_many_numbers_of_samples_the_most_and_the_newest_are_shown() -> None:
    entry = saved("one")
    now = entry.card.hashes["model.safetensors"]
    for day, n, weights in ((1, 20_000, "0" * 64), (2, 10_000, now), (3, 500, now), (4, 300, now)):
        measured("one", n=n, created=f"2026-01-0{day}T00:00:00+00:00", weights=weights)
    assert [c.report.n for c in tab._columns(entry, "digits")] == [10_000, 300]


def test_only_rows_whose_numbers_of_samples_differ_are_marked() -> None:
    for slug, n in (("one", 10_000), ("two", 1000)):
        saved(slug)
        measured(slug, dataclasses.replace(figure(), n=n), figure("recall", better="high"), n=n)
    e = page()
    out = e.other_look(given(e, "one", "digits", ["two"]), asked())[e.table]
    row = {key: re.search(rf'data-figure="{key}".*?</tr>', out, re.DOTALL)[0] for key in ("fid", "recall")}
    assert text.OTHER_N.en in row["fid"] and "<td><b>" not in row["fid"] and text.DIFFERENT_N.en in out
    assert text.OTHER_N.en not in row["recall"] and "<td><b>" in row["recall"]


@pytest.mark.parametrize("lang", LANGS)
def test_what_was_carried_over_says_from_when_and_keeps_its_origin(client: TestClient, lang: Lang) -> None:
    saved("one")
    old = Origin(7, "2025-05-06T07:08:09+00:00", 424.0, "cuda", "0.0.9", "Digits CNN, 98 %")
    measured("one", figure(), dataclasses.replace(figure("copies"), part="memorisation"), carried={"memorisation": old}, seed=1)
    e = page(lang)
    out = e.other_look(given(e, "one", "digits"), asked())[e.table]
    head = dict(zip(("fidelity", "memorisation"), re.findall(r'<tr class="aigc-part">.*?</tr>', out), strict=True))
    assert text.NOW.fill(when="2026-01-02 03:04 UTC")[lang] in head["fidelity"]
    assert text.CARRIED.fill(when="2025-05-06 07:08 UTC")[lang] in head["memorisation"]
    assert "cuda" in out and "AIGC Lab 0.0.9" in out and text.GAVE.fill(parts=PARTS["memorisation"])[lang] in out
    assert "--n 1000 --seed 1 --parts fidelity\n" in out and "--n 1000 --seed 7 --parts memorisation" in out
    rows = {r["key"]: r for r in csv.DictReader(io.StringIO(client.get("/aigc/evaluations/table.csv?of=one/digits-n1000").text))}
    assert [rows[k]["created"][:4] + rows[k]["seed"] + rows[k]["device"] for k in ("fid", "copies")] == ["20261cpu", "20257cuda"]


def test_the_command_asks_for_as_many_samples_as_an_old_part_had() -> None:
    saved("one")
    report = measured("one", dataclasses.replace(figure("taught_on_samples"), part="usefulness", n=60_000), figure(), n=1000)
    assert [c.partition("--n ")[2] for c in evaluate_view.commands(report)] == ["1000 --parts fidelity", "60000 --parts usefulness"]


def test_reports_that_come_along_are_read_and_their_commands_name_their_parts() -> None:
    for file in (home.PROJECT / "checkpoints" / "shipped").glob("*/evaluation.json"):
        report = Report.from_json(json.loads(file.read_bytes()))
        lines = list(evaluate_view.commands(report))
        assert report.parts and ",".join(report.parts).count(",") == sum(line.count(",") for line in lines) + len(lines) - 1
        assert all(f"--data {report.data} --n " in line for line in lines)


def test_a_report_of_before_is_read_under_the_name_it_has() -> None:
    saved("one")
    report = measured("one")
    values = {k: v for k, v in report.as_json().items() if k != "carried"}
    file = folder_of("one") / file_name("digits", {}, 1000)
    file.unlink()
    (folder_of("one") / "digits.json").write_text(json.dumps(values))
    assert tab.reports("one") == [report] and not report.carried
    e = page()
    assert "3.00 ± 0.50" in e.other_look(given(e, "one", "digits"), asked())[e.table]


@pytest.mark.parametrize("lang", LANGS)
def test_a_floor_of_fewer_pictures_than_samples_says_so(lang: Lang) -> None:
    for slug in ("one", "two"):
        saved(slug)
        measured(slug, figure(floor=0.585, floor_n=960), figure("recall", floor=0.75, floor_n=1000))
    e = page(lang)
    said = {"en": "0.585 (n = 960)", "zh": "0.585（n = 960）"}[lang]
    for beside in ([], ["two"]):
        row = re.findall(r"<tr data-figure.*?</tr>", e.other_look(given(e, "one", "digits", beside), asked())[e.table], re.DOTALL)
        assert said in row[0] and "0.75" in row[1] and "0.75 (n" not in row[1] and "0.75（n" not in row[1]
    assert said in "\n".join(shell.table(tab.reports("one")[0], lang))


def test_another_way_of_sampling_is_a_column_of_its_own() -> None:
    saved("one")
    measured("one")
    measured("one", figure(value=1.5), settings={"steps": 9})
    e = page()
    out = e.other_look(given(e, "one", "digits"), asked())[e.table]
    assert out.index("3.00") < out.index("1.50") and "one · steps 9" in out and "--set steps=9" in out


def test_a_model_without_a_report_beside_others_is_named() -> None:
    saved("one")
    saved("two")
    measured("two")
    e = page()
    out = e.other_look(given(e, "one", "digits", ["two"]), asked())[e.table]
    assert text.NOT_BESIDE.fill(model="one", data=both("Digits 8×8", "")).en in out and "3.00" in out


def test_nothing_in_a_report_becomes_markup() -> None:
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    saved("one", title=evil)
    report = measured("one", figure(unit=evil), extractor=evil, device=evil, code_version=evil, notes=(both(evil, evil),))
    report = dataclasses.replace(report, figures=(dataclasses.replace(report.figures[0], label=both(evil, evil)),))
    columns = [evaluate_view.Column(registry.entry("one"), report)] * 2
    for part in (evaluate_view.table, lambda c, *a: evaluate_view.warnings(c, a[-1]), lambda c, *a: evaluate_view.origin(c, a[-1])):
        for some in (columns, columns[:1]):
            out = part(some, both(evil, evil), "en")
            assert "<img src=x" not in out and "{{" not in out


def test_the_plots_follow_the_page_into_the_dark_and_tell_models_apart() -> None:
    for slug in ("one", "two"):
        saved(slug)
        measured(slug)
    e = page()
    column = [evaluate_view.Column(registry.entry(s), tab.reports(s)[0]) for s in ("one", "two")]
    having = [(c, c.report.series["shares"]) for c in column]
    light, dark = (e._figure(having, d) for d in (False, True))
    assert light.layout.template.layout.font.color != dark.layout.template.layout.font.color
    assert [t.name for t in light.data] == ["one: samples", "real", "two: samples"]
    assert light.data[0].line.dash != light.data[2].line.dash and light.data[0].line.color == light.data[2].line.color
    assert {t.mode for t in light.data} == {"lines+markers"}
    of_classes = [(c, dataclasses.replace(s, joined=False)) for c, s in having]
    assert {t.mode for t in e._figure(of_classes, False).data} == {"markers"}, "nothing lies between two classes"


def test_the_arrow_stays_beside_the_last_word() -> None:
    assert re.search(r"\S&nbsp;<abbr[^>]*>↓</abbr></summary>", evaluate_view._name(figure(), "en"))


def test_no_more_samples_are_asked_for_than_the_data_can_use(monkeypatch: pytest.MonkeyPatch) -> None:
    saved("one")
    e = page("zh")
    number = lambda n: e.other_model(given(e, "one", n=n), asked())[e.n]  # noqa: E731
    assert number(tab.FIRST)["value"] == tab.FIRST and "测试图像" not in number(tab.FIRST)["info"]
    measured("one", dataclasses.replace(figure(), n=297, floor_n=297), n=10_000)
    assert number(tab.FIRST)["value"] == tab.FIRST and "297" in number(tab.FIRST)["info"], "shares of classes and a classifier use all"
    faces = dataclasses.replace(data.spec("digits"), classes=(), class_counts=())
    monkeypatch.setattr(data, "specs", lambda *owner: {"digits": faces})
    assert number(tab.FIRST)["value"] == 1000, "as many as memorisation takes"
    assert "value" not in number(5000) and "297" in number(5000)["info"], "what a hand has asked for stays"


def test_a_count_is_never_broken_over_two_lines() -> None:
    assert re.search(r"real: [^<]+ · <span>n = [\d,]+</span></small>", evaluate_view._cell(figure(), False, "en"))
    assert re.search(r"\.aigc-figures small span \{[^}]*nowrap", (STATIC / "evaluate.css").read_text())


def test_units_are_in_the_language_of_the_page() -> None:
    f = figure(unit="bits/dim", floor=None)
    assert "bits/dim" in evaluate_view._cell(f, False, "en") and "bit/维" in evaluate_view._cell(f, False, "zh")


def test_what_lies_over_another_axis_has_a_plot_of_its_own() -> None:
    for slug in ("one", "two"):
        saved(slug)
        measured(slug)
    e = page()
    one, two = (evaluate_view.Column(registry.entry(s), tab.reports(s)[0]) for s in ("one", "two"))
    shares = two.report.series["shares"]
    other = dataclasses.replace(shares, x=both("Truncation", "截断"), help=both("Other numbers.", "别的数。"))
    two = dataclasses.replace(two, report=dataclasses.replace(two.report, series={"shares": other}))
    drawn = e._drawn([one, two], False)
    heads = [drawn[head] for _, head, plot in e.plots if drawn[plot] is not None]
    assert len(heads) == 2 and "Other numbers." in heads[1] and "Other numbers." not in heads[0]
    assert drawn[e.plots[1][2]].data[0].name.startswith("two: "), "whose it is, beside others"
    same = dataclasses.replace(two, report=dataclasses.replace(two.report, series={"shares": dataclasses.replace(other, x=shares.x)}))
    head = e._drawn([one, same], False)[e.plots[0][1]]
    assert "one: " in head and "two: Other numbers." in head


def test_numbers_are_written_with_their_errors() -> None:
    cases = [
        (-11.9759, None, "−11.98"),
        (-11.9759, 1.5, "−12.0 ± 1.5"),
        (3.14159, 0.0432, "3.142 ± 0.043"),
        (1234.5, 67.0, "1,234 ± 67"),
        (0.5, None, "0.5"),
        (12345.6, 0.0, "12,346"),
        (0.0, 0.0, "0"),
    ]
    for value, error, said in cases:
        assert evaluate_view.with_error(value, error) == said
    assert evaluate_view.with_error(float("nan"), 1.0) == "–" and evaluate_view.with_error(1.0, float("inf")) == "1"


def test_an_axis_over_decades_is_logarithmic() -> None:
    draw: Callable[[list[float]], Any] = lambda xs: plots.measured(  # noqa: E731
        [plots.Line("a", [(x, 1.0, None) for x in xs])], x_title="", y_title="", look=plots.Look()
    )
    assert draw([1, 10, 100]).layout.xaxis.type == "log" and list(draw([1, 10, 100]).layout.xaxis.tickvals) == [1, 10, 100]
    sizes = draw([1, 2, 4, 8, 16, 32, 40, 64, 128, 256]).layout.xaxis
    assert list(sizes.tickvals)[6] == 40 and list(sizes.ticktext) == ["1", "2", "4", "8", "16", "32", "", "64", "128", "256"], "40 would overlap 32"
    assert draw([0.03, 0.9]).layout.xaxis.type == "linear", "shares"
    assert draw([0, 10, 100]).layout.xaxis.type == "linear" and draw([1, 2]).layout.xaxis.type == "linear"


# files
@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.include_router(evaluate_routes.router())
    return TestClient(app)


def test_tables_leave_as_csv_and_json(client: TestClient) -> None:
    saved("one")
    measured("one")
    rows = list(csv.DictReader(io.StringIO(client.get("/aigc/evaluations/table.csv?of=one/digits-n1000").text)))
    assert (rows[0]["model"], rows[0]["key"], float(rows[0]["value"]), float(rows[0]["floor"])) == ("one", "fid", 3.0, 0.25)
    assert rows[0]["figure"] == "fid, Digits CNN" and rows[0]["extractor"] == "Digits CNN, 99 %"
    assert client.get("/aigc/evaluations/reports.json?of=one/digits-n1000").json()[0]["slug"] == "one"


def test_pictures_are_those_of_the_report(client: TestClient) -> None:
    saved("one")
    measured("one", pictures={"neighbours": "digits-neighbours.png", "evil": "../../../etc/passwd", "gone": "gone.png"})
    Image.new("L", (8, 8)).save(folder_of("one") / "digits-neighbours.png")
    assert client.get("/aigc/evaluations/one/digits-n1000/neighbours.png").headers["content-type"] == "image/png"
    for name in ("evil", "gone", "..%2fconfig", "nothing"):
        assert client.get(f"/aigc/evaluations/one/digits-n1000/{name}.png").status_code == 404
    shown = evaluate_view.pictures([evaluate_view.Column(registry.entry("one"), tab.reports("one")[0])], "en")
    assert shown.count("<img") == 1 and text.PICTURES["neighbours"].en in shown


@pytest.mark.parametrize(
    "of",
    ["", "one", "one/", "/digits", "../x/digits", "one/../digits", "gone/digits-n1000", "one/mnist-n1000", "one/digits-n999", "../x/digits-n1000"],
)
def test_a_report_of_nobody_is_not_there(client: TestClient, of: str) -> None:
    saved("one")
    measured("one")
    assert client.get("/aigc/evaluations/table.csv", params={"of": of}).status_code == 404


# asking for one
SAYS = "import sys, json; print('One thing', file=sys.stderr); print('  detail of a library', file=sys.stderr); "
HANGS = SAYS + "import time; sys.stderr.flush(); time.sleep(60)"


def python(code: str) -> Evaluations:
    return Evaluations((sys.executable, "-c", code))


def ended(one: Evaluation, seconds: float = 60.0) -> Evaluation:
    until = time.monotonic() + seconds
    while not one.over and time.monotonic() < until:
        time.sleep(0.02)
    assert one.over
    return one


def ask(works: Evaluations, owner: str = ANN, slug: str = "one", lang: Lang = "en", **more: Any) -> Evaluation:
    return works.ask(slug, "digits", owner=owner, lang=lang, n=1000, **more)


def test_the_command_is_given_what_was_asked_and_its_answer_is_kept() -> None:
    works = python(SAYS + "import os; print(json.dumps({'argv': sys.argv[1:], 'lang': os.environ['LANG']}))")
    one = ended(ask(works, lang="zh", parts=("fidelity", "likelihood")))
    assert one.report and not one.failed and one.sentence == "One thing"
    assert one.report["argv"] == ["evaluate", "one", "--data", "digits", "--n", "1000", "--parts", "fidelity,likelihood", "--json"]
    assert one.report["lang"].startswith("zh")


def test_tokens_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    one = ended(ask(python("import os, json; print(json.dumps({'names': sorted(os.environ)}))")))
    assert one.report and "HF_TOKEN" not in one.report["names"] and "AIGC_HOME" in one.report["names"]


def test_a_refusal_is_shown_in_its_own_words() -> None:
    assert ended(ask(python(SAYS + "print(json.dumps({'error': 'There is no model.'})); sys.exit(2)"))).failed == "There is no model."


@pytest.mark.parametrize("code", ["import sys; sys.exit(1)", "print('not json')", "print([])", "import os; os._exit(7)"])
def test_a_crash_is_a_sentence(code: str) -> None:
    one = ended(ask(python(code)))
    assert one.failed.startswith("The evaluation ended unexpectedly") and one.report is None


def test_a_command_that_is_not_there_is_a_sentence() -> None:
    assert ended(ask(Evaluations(("/nowhere/python",)))).failed.startswith("The evaluation ended unexpectedly")


def test_one_at_a_time_and_only_its_visitor_cancels() -> None:
    works = python(HANGS)
    one = ask(works)
    assert ask(works) is one
    for owner, slug in ((BOB, "one"), (ANN, "two")):
        with pytest.raises(Refusal, match="one at a time"):
            ask(works, owner, slug)
    works.cancel(BOB)
    time.sleep(0.1)
    assert not one.over and works.of(BOB) is None
    started = time.monotonic()
    works.cancel(ANN)
    assert ended(one).failed == evaluating.CANCELLED.en and time.monotonic() - started < 20
    assert ask(works, BOB, "two").owner == BOB
    works.cancel(BOB)


def test_it_ends_when_its_time_is_up() -> None:
    assert "minutes" in ended(ask(python(HANGS), most_seconds=0.5)).failed


@pytest.mark.slow
def test_the_command_itself_works_on_its_leash_and_ends_with_the_server(aigc_home: Path) -> None:
    import subprocess

    one = ended(ask(Evaluations(), slug="nothing"), 120)
    assert "nothing" in one.failed and one.report is None
    code = "import runpy, sys, time; runpy.run_module = lambda *a, **k: time.sleep(60); from aigc.jobs.evaluating import leash; leash()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, cwd=evaluating.PROJECT)
    assert process.stdin
    process.stdin.close()
    assert process.wait(60) == 143


# asking for one on the page
@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is asked of the evaluations, which do not run."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(tab, "EVALUATIONS", SimpleNamespace(ask=lambda *a, **k: found.append({"what": a, **k}), of=lambda owner: None))
    return found


def test_the_button_asks_for_what_is_on_the_form(works: list[dict[str, Any]]) -> None:
    saved("one")
    e = page(single_user=False)
    e.start(given(e, "one", "digits", n=500.0), asked())
    e.start(given(e, "one", "digits", memorisation=False), asked(BOB))
    assert works[0] == {"what": ("one", "digits"), "owner": ANN, "lang": "en", "n": 500, "parts": (), "most_seconds": None}
    assert works[1]["owner"] == BOB and works[1]["parts"] and "memorisation" not in works[1]["parts"]


BAD = [
    {"model": None}, {"model": "gone"}, {"model": ["one"]}, {"model": "../one"}, {"data": None}, {"data": "mnist"}, {"data": ["digits"]},
    {"n": None}, {"n": "1000"}, {"n": 10}, {"n": 1e9}, {"n": float("nan")}, {"n": 500.5}, {"n": True}, {"n": [1000]},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_nonsense_evaluates_nothing(works: list[dict[str, Any]], bad: dict[str, Any]) -> None:
    saved("one")
    e = page()
    with pytest.raises(gr.Error) as caught:
        e.start(given(e, **({"model": "one", "data": "digits"} | bad)), asked())
    assert not caught.value.print_exception and not works
    with pytest.raises(gr.Error):
        e.start(given(e, "one", "digits", **dict.fromkeys(e.parts, "yes")), asked())


@pytest.mark.parametrize("beside", [None, "one", [None, 7], [["one"]], {"a": 1}])
def test_nonsense_beside_a_model_shows_the_model(beside: Any) -> None:
    saved("one")
    measured("one")
    e = page()
    values = given(e, "one", "digits") | {e.beside: beside}
    assert "3.00" in e.other_look(values, asked())[e.table]
    for model, name in ((["one"], "digits"), ("one", ["digits"]), ({}, {})):
        e.other_look(given(e, model, name), asked())
        e.other_model(given(e, model, name), asked())
        e.other_data(given(e, model, name), asked())


def test_strangers_ask_for_fewer_samples(works: list[dict[str, Any]]) -> None:
    saved("one")
    e = page(public=True, single_user=False)
    with pytest.raises(gr.Error, match="10,000"):
        e.start(given(e, "one", "digits", n=20_000), asked())


def test_strangers_evaluate_as_long_as_they_may_train(works: list[dict[str, Any]]) -> None:
    saved("one")
    with gr.Blocks():
        e = tab.Evaluate(Page("en", Supervisor(limits=PUBLIC), Watch(), ("evaluate",), public=True, single_user=False))
    e.start(given(e, "one", "digits"), asked())
    assert works[0]["most_seconds"] == PUBLIC.seconds


def test_anothers_pictures_are_not_compared_with(works: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    saved("one")
    digits = tab.data.specs()["digits"]
    anns = {"own-1": dataclasses.replace(digits, name="own-1")}
    monkeypatch.setattr(tab.data, "specs", lambda owner=None: {"digits": digits} | (anns if owner in (None, ANN) else {}))
    e = page(public=True, single_user=False)
    with pytest.raises(gr.Error):
        e.start(given(e, "one", "own-1"), asked(BOB))
    assert not works
    e.start(given(e, "one", "own-1"), asked(ANN))
    assert works[0]["what"] == ("one", "own-1")


def test_progress_is_a_sentence_and_what_was_found_comes_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    saved("one")
    one = Evaluation("one", "digits", ANN, "en", "300 of 1,000 <samples>")
    monkeypatch.setattr(tab, "EVALUATIONS", SimpleNamespace(of=lambda owner: one if owner == ANN else None))
    e = page(single_user=False)
    out = e.ticked(given(e, "one", "digits"), asked())
    assert "300 of 1,000 &lt;samples&gt;" in out[e.progress] and e.table not in out
    assert out[e.cancel]["visible"] and not out[e.go]["interactive"] and out[e.timer].active
    assert e.ticked(given(e, "one", "digits"), asked(BOB))[e.progress] == ""
    one.over = True
    measured("one")
    out = e.ticked(given(e, "one", "digits"), asked())
    assert "3.00" in out[e.table] and out[e.progress] == "" and not out[e.timer].active
    one.failed = "The disk <is> full."
    assert "The disk &lt;is&gt; full." in e.ticked(given(e, "one", "digits"), asked())[e.progress]
    registry.delete("one")
    assert "one" in e.ticked(given(e, None), asked())[e.progress]


def test_everything_is_said_in_both_languages() -> None:
    from aigc.ui.text import arena as arena_text

    for module in (text, arena_text):
        values = [v for value in vars(module).values() for v in (value.values() if isinstance(value, dict) else [value])]
        words = [w for v in values for w in (v if isinstance(v, tuple) else (v,)) if hasattr(w, "zh")]
        assert len(words) > 25
        for w in words:
            assert sorted(re.findall(r"\{(\w+)", w.en)) == sorted(re.findall(r"\{(\w+)", w.zh)), w.en
            assert not re.search(r"[一-鿿][,;:?!()]|[,;:?!(][一-鿿]", w.zh), f"half-width punctuation: {w.zh}"
            assert not re.search(r"[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]", w.zh), f"no space between Chinese and Latin: {w.zh}"
