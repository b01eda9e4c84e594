"""Reports as HTML: a table of figures, one column a report, how each was measured, and its pictures.  Pure reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aigc.evaluate import PARTS, Figure, Report, picture_of
from aigc.evaluate.report import Origin, file_name
from aigc.evaluate.text import floor_in_words
from aigc.registry import Entry
from aigc.registry.entries import WEIGHTS
from aigc.ui.markup import esc
from aigc.ui.text import evaluate as text
from aigc.ui.text.live import duration
from aigc.words import Lang, Words

ARROWS = {"low": ("↓", text.LOW), "high": ("↑", text.HIGH)}
MOST_DIGITS = 6


@dataclass(frozen=True)
class Column:
    """A report and the model it is about."""

    entry: Entry
    report: Report
    tells_n: bool = False  # where the model has reports on other numbers of samples, too

    @property
    def name(self) -> str:
        n = [f"n = {self.report.n:,}"] if self.tells_n else []
        return " · ".join([self.entry.card.name, *(f"{k} {v}" for k, v in self.report.settings.items()), *n])

    @property
    def stem(self) -> str:
        """What its files are called on disk and in links."""
        return file_name(self.report.data, self.report.settings, self.report.n).removesuffix(".json")

    @property
    def address(self) -> str:
        return f"{self.entry.slug}/{self.stem}"


# numbers
def with_error(value: float, error: float | None) -> str:
    """1.234 ± 0.056: the error with two digits, the value with as many places."""
    if not math.isfinite(value):
        return "–"
    if not error or not math.isfinite(error):
        return four(value)
    places = min(MOST_DIGITS, max(0, 1 - math.floor(math.log10(abs(error)))))
    return f"{value:,.{places}f} ± {error:,.{places}f}".replace("-", "−")


def four(value: float) -> str:
    """Four digits: 12.35, 0.01235, 1,235."""
    if not math.isfinite(value):
        return "–"
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "−")


def _in_unit(said: str, f: Figure, lang: Lang) -> str:
    return f"{said} {f.unit_in_words[lang]}" if f.unit and said != "–" else said


# the table
def table(columns: Sequence[Column], title: Words, lang: Lang) -> str:
    """Every figure of these reports; with one, its floor and its n have columns of their own."""
    alone = len(columns) == 1
    heads = _heads_of_one(lang) if alone else "".join(f'<th scope="col">{esc(c.name)}</th>' for c in columns)
    rows = []
    for part, words in [*PARTS.items(), ("", text.OTHER_PART)]:
        keys = dict.fromkeys((f.key, f.label.en) for c in columns for f in c.report.figures if _part(f) == part)
        if keys:
            when = "".join(f"<small>{esc(said)}</small>" for said in _when(columns, part, lang))
            rows.append(f'<tr class="aigc-part"><th colspan="9" scope="rowgroup">{esc(words[lang])}{when}</th></tr>')
        rows += [_row(columns, key, alone, lang) for key in keys]
    best = "" if alone else f'<p class="aigc-note">{esc(text.BEST[lang])}</p>'
    head = f'<tr><th scope="col">{esc(text.FIGURE[lang])}</th>{heads}</tr>'
    return f"""<div class="aigc-figures" tabindex="0" style="--columns:{3 if alone else len(columns)}"><table class="aigc-table">
<caption>{esc(title[lang])}</caption><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>{best}"""


def _part(f: Figure) -> str:
    return f.part if f.part in PARTS else ""


def _when(columns: Sequence[Column], part: str, lang: Lang) -> Iterator[str]:
    """Of reports that hold what earlier evaluations found: whether this part is of one, and when it was measured."""
    for c in columns:
        if c.report.carried and part in c.report.parts:
            words = text.CARRIED if part in c.report.carried else text.NOW
            said = words.fill(when=_time(c.report.origin(part).created))[lang]
            yield f"{c.name}: {said}" if len(columns) > 1 else said


def _heads_of_one(lang: Lang) -> str:
    told = ((text.VALUE, text.VALUE_HELP), (text.FLOOR, text.FLOOR_HELP), (text.COUNT, text.COUNT_HELP))
    return "".join(f'<th scope="col" title="{esc(help[lang])}">{esc(words[lang])}</th>' for words, help in told)


def _row(columns: Sequence[Column], key: tuple[str, str], alone: bool, lang: Lang) -> str:
    found = [next((f for f in c.report.figures if (f.key, f.label.en) == key), None) for c in columns]
    first = next(f for f in found if f)
    differ = len({f.n for f in found if f}) > 1
    best = set() if alone or differ else _best([f for f in found if f])
    mark = f"<small>{esc(text.OTHER_N[lang])}</small>" if differ else ""
    cells = _cells_of_one(first, lang) if alone else "".join(_cell(f, f is not None and id(f) in best, lang) for f in found)
    return f'<tr data-figure="{esc(first.key)}"><th scope="row">{_name(first, lang)}{mark}</th>{cells}</tr>'


def _name(f: Figure, lang: Lang) -> str:
    """What it is called, which way is better, and, on a tap or under the pointer, what it means."""
    arrow, better = ARROWS.get(f.better, ("", Words("", "")))
    mark = f'&nbsp;<abbr title="{esc(better[lang])}" aria-label="{esc(better[lang])}">{arrow}</abbr>' if arrow else ""
    return f'<details><summary title="{esc(f.help[lang])}">{esc(f.label[lang])}{mark}</summary><p>{esc(f.help[lang])}</p></details>'


def _cells_of_one(f: Figure, lang: Lang) -> str:
    floor = floor_in_words(f, _in_unit(four(f.floor), f, lang))[lang] if f.floor is not None else "–"
    why = text.COUNT_OF.fill(n=f"{f.floor_n:,}")[lang] if f.floor_n else ""
    value = _in_unit(with_error(f.value, f.error), f, lang)
    return f'<td><b>{esc(value)}</b></td><td title="{esc(why)}">{esc(floor)}</td><td>{f.n:,}</td>'


def _cell(f: Figure | None, best: bool, lang: Lang) -> str:
    if f is None:
        return "<td>–</td>"
    value = esc(_in_unit(with_error(f.value, f.error), f, lang))
    floor = f"{text.FLOOR_OF.fill(value=floor_in_words(f, _in_unit(four(f.floor), f, lang)))[lang]} · " if f.floor is not None else ""
    count = text.COUNT_OF.fill(n=f"{f.n:,}")[lang]
    return f"<td>{f'<b>{value}</b>' if best else value}<small>{esc(floor)}<span>{esc(count)}</span></small></td>"


def _best(found: Sequence[Figure]) -> set[int]:
    """The best of several, and those that its error does not tell from it; none where neither way is better."""
    if len(found) < 2 or found[0].better not in ARROWS:
        return set()
    sign = 1 if found[0].better == "low" else -1
    first = min(found, key=lambda f: sign * f.value)
    return {id(f) for f in found if abs(f.value - first.value) <= (f.error or 0.0) + (first.error or 0.0)}


# what should be known of it
def warnings(columns: Sequence[Column], lang: Lang) -> str:
    """What would be read wrongly without a word."""
    said = [text.CHANGED.fill(model=c.name) for c in columns if is_stale(c)]
    counts: dict[tuple[str, str], set[int]] = {}
    for f in (f for c in columns for f in c.report.figures):
        counts.setdefault((f.key, f.label.en), set()).add(f.n)
    if any(len(n) > 1 for n in counts.values()):
        said.append(text.DIFFERENT_N)
    if len({c.report.extractor for c in columns if c.report.extractor}) > 1:
        said.append(text.DIFFERENT_NETS)
    said += dict.fromkeys(note for c in columns for note in c.report.notes)
    return "".join(f'<p class="aigc-note">{esc(words[lang])}</p>' for words in said)


def is_stale(c: Column) -> bool:
    now = c.entry.card.hashes.get(WEIGHTS, "")
    return bool(now and c.report.weights and now != c.report.weights)


def origin(columns: Sequence[Column], lang: Lang) -> str:
    """When, where, how and with which code each was measured; the table as files; the command that does it again."""
    lines = "".join(f"<dt>{esc(c.name)}</dt><dd>{esc(_measured(c.report, lang))}</dd>" for c in columns)
    query = urlencode([("of", c.address) for c in columns])
    files = "".join(f'<a href="./aigc/evaluations/{kind}?{esc(query)}" download>{kind.rpartition(".")[2].upper()}</a>' for kind in FILES)
    lines_again = "\n".join(line for c in columns for line in commands(c.report))
    return f"""<p class="aigc-chips"><span>{esc(text.DOWNLOAD[lang])}</span>{files}</p>
<details><summary>{esc(text.ORIGIN[lang])}</summary><dl class="aigc-facts-list">{lines}</dl></details>
<details><summary>{esc(text.SAME_AGAIN[lang])}</summary><pre><code>{esc(lines_again)}</code></pre></details>"""


FILES = ("table.csv", "reports.json")


def _measured(r: Report, lang: Lang) -> str:
    origins: dict[Origin, list[str]] = {}
    for part in r.parts:
        origins.setdefault(r.origin(part), []).append(part)
    said = []
    for o, parts in sorted(origins.items(), key=lambda pair: pair[0].created, reverse=True):
        values = {"when": _time(o.created), "device": o.device, "seconds": duration(o.seconds), "n": f"{r.n:,}", "seed": o.seed}
        said += [text.MEASURED.fill(**values, version=o.code_version)]
        said += [text.GAVE.fill(parts=Words("; ".join(PARTS[p].en for p in parts), "；".join(PARTS[p].zh for p in parts)))] if r.carried else []
    said += [text.EXTRACTOR.fill(net=r.extractor)] if r.extractor else []
    said += [text.SAMPLING.fill(how=", ".join(f"{k} = {v}" for k, v in r.settings.items()))] if r.settings else []
    return ("" if lang == "zh" else " ").join(words[lang] for words in said)


def _time(iso: str) -> str:
    return iso[:16].replace("T", " ") + (" UTC" if iso.endswith(("Z", "+00:00")) else "")


def commands(r: Report) -> Iterator[str]:
    """What measures it again: a line for the parts that were measured with the same number of samples and seed."""
    together: dict[tuple[int, int], list[str]] = {}
    for part in r.parts:
        together.setdefault((r.n_of(part), r.origin(part).seed), []).append(part)
    more = "".join(f" --set {k}={v}" for k, v in r.settings.items())
    for (n, seed), parts in together.items():
        again = f" --seed {seed}" if seed else ""
        yield f"python -m aigc evaluate {r.slug} --data {r.data} --n {n}{again} --parts {','.join(parts)}{more}"


def reading(lang: Lang) -> str:
    body = "".join(f"<p>{esc(words[lang])}</p>" for words in text.READING)
    return f'<section class="aigc-reading"><h3>{esc(text.HOW_TO_READ[lang])}</h3>{body}</section>'


def pictures(columns: Sequence[Column], lang: Lang) -> str:
    """The pictures of these reports, large and crisp."""
    figures = []
    for c in columns:
        for name in c.report.pictures:
            if picture_of(c.report, name) is None:
                continue
            title = text.PICTURES.get(name, Words(name, name))[lang]
            query = urlencode({"v": c.report.created})
            source = f"./aigc/evaluations/{c.address}/{name}.png?{query}"
            caption = f"{title} · {c.name}" if len(columns) > 1 else title
            figures.append(f'<figure><figcaption>{esc(caption)}</figcaption><img src="{esc(source)}" alt="{esc(caption)}" loading="lazy"></figure>')
    return f'<div class="aigc-report-pictures" style="--columns:{min(2, len(figures))}">{"".join(figures)}</div>' if figures else ""
