"""A model's card and the list of models, as HTML: pure reads of the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from aigc.data.table import LIMITS
from aigc.evaluate import reports
from aigc.knobs import Choice, knobs
from aigc.options import Options
from aigc.registry import Entry, lineage, shell_commands
from aigc.techniques import techniques
from aigc.ui.document import ADDRESS
from aigc.ui.markup import esc
from aigc.ui.text import models as text
from aigc.ui.text import train as train_text
from aigc.ui.text.live import duration
from aigc.words import Lang, Words

SORTS = {
    "name": lambda e: e.card.name.lower(),
    "technique": lambda e: e.card.technique,
    "data": lambda e: e.card.data,
    "images": lambda e: e.card.images,
    "seconds": lambda e: e.card.seconds,
    "created": lambda e: e.card.created,
}


def table(models: Sequence[Entry], sort: str, falling: bool, chosen: str, picked: Collection[str], lang: Lang) -> str:
    """The list: names open a card, boxes choose what to compare, heads sort."""
    heads = "".join(_head(key, sort, falling, lang) for key in SORTS)
    rows = "".join(_row(e, e.slug == chosen, e.slug in picked, lang) for e in sorted(models, key=SORTS[sort], reverse=falling))
    return f"""<table class="aigc-table"><caption>{esc(text.LIST[lang])}</caption>
<thead><tr><th scope="col">{esc(text.COMPARE[lang])}</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"""


def _head(key: str, sort: str, falling: bool, lang: Lang) -> str:
    name = text.COLUMNS[key]
    order = ("descending" if falling else "ascending") if key == sort else "none"
    title = esc(text.SORT.fill(column=name)[lang])
    return f'<th scope="col" aria-sort="{order}" data-column="{key}"><button data-sort="{key}" title="{title}">{esc(name[lang])}</button></th>'


def _row(e: Entry, chosen: bool, picked: bool, lang: Lang) -> str:
    card, slug = e.card, esc(e.slug)
    whole = ' class="aigc-whole"' if len(card.spec.get("shape") or ()) == 1 else ""  # points mean nothing in part
    picture = f"<i{whole} style=\"background-image:url('{samples(e)}')\"></i>" if e.samples else "<i></i>"
    tag = f' <span class="aigc-tag">{esc(text.SHIPPED[lang])}</span>' if e.shipped else ""
    box = f'<input type="checkbox" data-pick="{slug}" aria-label="{esc(text.PICK.fill(name=card.name)[lang])}"{" checked" * picked}>'
    return f"""<tr{' class="aigc-chosen"' * chosen}><td>{box}</td>
<td data-column="name"><button data-open="{slug}" aria-current="{str(chosen).lower()}">{picture}<span>{esc(card.name)}{tag}</span></button></td>
<td data-column="technique">{esc(technique_title(card.technique)[lang])}</td><td data-column="data">{esc(data_title(card.spec, card.data)[lang])}</td>
<td data-column="images">{card.images:,}</td><td data-column="seconds">{esc(duration(card.seconds)[lang])}</td>
<td data-column="created">{esc(card.created[:10])}</td></tr>"""


def card(e: Entry, lang: Lang) -> str:
    """Everything that is known of a model."""
    c = e.card
    explore = f"{ADDRESS[lang]}?tab={esc(c.technique)}&amp;view=explore&amp;model={esc(e.slug)}"
    run = f'<a href="{ADDRESS[lang]}?tab={esc(c.technique)}&amp;run={esc(c.run)}">{esc(text.CURVES[lang])}</a>' if c.run else ""
    picture = f'<img class="aigc-samples" src="{samples(e)}" alt="{esc(text.SAMPLES.fill(name=c.name)[lang])}">' if e.samples else ""
    files = f"./aigc/models/{esc(e.slug)}"
    links = "".join(
        f'<a href="{files}/{name}?lang={lang}" download>{esc(words[lang])}</a>'
        for name, words in (("model.zip", text.EXPORT), ("model.safetensors", text.WEIGHTS), ("train.py", text.PROGRAM))
    )
    return f"""<h2>{esc(c.name)}</h2><p class="aigc-chips"><a class="aigc-way" href="{explore}">{esc(text.EXPLORE[lang])}</a>{run}{links}</p>
<div class="aigc-card-body">{picture}<dl class="aigc-facts-list">{_facts(e, lang)}</dl></div>
<details><summary>{esc(text.SETTINGS[lang])}</summary>{_settings(e, lang)}</details>
<details><summary>{esc(text.FILES[lang])}</summary>{_files(e)}</details>
<details><summary>{esc(text.SCRIPT[lang])}</summary><p>{esc(text.FROM_SHELL[lang])}</p><pre><code>{esc(_command(e))}</code></pre></details>"""


def _facts(e: Entry, lang: Lang) -> str:
    c = e.card
    budget = text.BUDGET_OF.fill(images=f"{c.images:,}", steps=f"{c.steps:,}", seconds=duration(c.seconds), device=c.device or "?")
    parents = " ← ".join(f'<a href="{ADDRESS[lang]}?tab=models&amp;model={esc(slug)}">{esc(slug)}</a>' for slug in lineage(e.slug))
    rows: list[tuple[Words, str]] = [
        (text.TECHNIQUE, esc(technique_title(c.technique)[lang])),
        (text.DATA, esc(data_title(c.spec, c.data)[lang])),
        (text.LICENCE, esc(c.licence)),
        (text.CREDIT, esc(c.credit)),
        (text.LIMITS, esc(LIMITS[c.data][lang] if c.data in LIMITS else "")),
        (text.BUDGET, esc(budget[lang])),
        (text.PRESET, esc(train_text.preset(c.preset)[lang])),
        (text.SEED, esc(c.seed)),
        (text.QUALITY, _quality(e, lang)),
        (text.LINEAGE, parents),
        (text.MADE, esc(c.created[:16].replace("T", " "))),
        (text.VERSION, esc(f"AIGC Lab {c.code_version}")),
        (text.SIZE, esc(size(e.bytes))),
    ]
    return "".join(f"<dt>{esc(name[lang])}</dt><dd>{value}</dd>" for name, value in rows if value)


def _quality(e: Entry, lang: Lang) -> str:
    """What was measured, a line each."""
    if not e.card.quality:
        return esc(text.NOT_MEASURED[lang])
    lines = "".join(f"<li><span>{esc(name)}</span> <b>{value:.4g}</b></li>" for name, value in e.card.figures(lang).items())
    report = f'<a href="{ADDRESS[lang]}?tab=evaluate&amp;model={esc(e.slug)}">{esc(text.REPORT[lang])}</a>' if reports(e.slug) else ""
    return f'<ul class="aigc-quality">{lines}</ul>{report}'


def _settings(e: Entry, lang: Lang) -> str:
    info = techniques().get(e.card.technique)
    known = {**(knobs(info.Config) if info else {}), **knobs(Options)}
    rows = []
    for name, value in {**e.card.config, **e.card.options}.items():
        k = known.get(name)
        shown = _value(k.kind, value)[lang] if k else str(value)
        mark = "" if k is None or k.default != value else ' class="aigc-default"'
        rows.append(f'<tr{mark} title="{esc(k.help[lang] if k else "")}"><td>{esc(k.label[lang] if k else name)}</td><td>{esc(shown)}</td></tr>')
    return f'<table class="aigc-settings"><tbody>{"".join(rows)}</tbody></table>'


def _value(kind: type, value: Any) -> Words:
    if issubclass(kind, Choice):
        found = next((m.words for m in kind if m.value == value), None)
        return found or Words(str(value), str(value))
    if isinstance(value, bool):
        return Words("✓", "✓") if value else Words("–", "–")
    said = f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return Words(said, said)


def _files(e: Entry) -> str:
    hashes: Mapping[str, str] = e.card.hashes
    rows = "".join(
        f"<tr><td>{esc(p.name)}</td><td>{esc(size(p.stat().st_size))}</td><td><code>{esc(hashes.get(p.name, '–'))}</code></td></tr>"
        for p in sorted(e.folder.iterdir())
        if p.is_file() and not p.name.startswith(".")
    )
    return f'<table class="aigc-settings aigc-hashes"><thead><tr><th></th><th></th><th>SHA-256</th></tr></thead><tbody>{rows}</tbody></table>'


def _command(e: Entry) -> str:
    try:
        return "\n".join(shell_commands(e.card))
    except Exception:  # a card from elsewhere may name knobs that are not known here
        return ""


def side_by_side(models: Iterable[Entry], lang: Lang) -> str:
    """Samples of several models in one row."""
    figures = []
    for e in models:
        if e.samples:
            told, name = esc(text.SAMPLES.fill(name=e.card.name)[lang]), esc(e.card.name)
            figures.append(f'<figure><img src="{samples(e)}" alt="{told}"><figcaption>{name}</figcaption></figure>')
    return f'<div class="aigc-side-by-side">{"".join(figures)}</div>'


def matches(e: Entry, words: str, technique: str, data: str) -> bool:
    """Whether the list shows it: every word typed is in its names, in either language."""
    titles = (technique_title(e.card.technique), data_title(e.card.spec, e.card.data))
    said = " ".join([e.slug, e.card.title, *(t.en for t in titles), *(t.zh for t in titles)]).lower()
    return all(w in said for w in words.lower().split()) and technique in ("", e.card.technique) and data in ("", e.card.data)


def technique_title(slug: str) -> Words:
    info = techniques().get(slug)
    return info.title if info else Words(slug, slug)


def data_title(spec: Mapping[str, Any], name: str) -> Words:
    """From the card itself: the dataset may be gone, or somebody else's."""
    title = spec.get("title") or {}
    return Words(str(title.get("en") or name), str(title.get("zh") or name))


def size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def samples(e: Entry) -> str:
    """The picture's address; it changes when the model does."""
    return f"./aigc/models/{esc(e.slug)}/samples.png?v={esc(e.card.hashes.get('samples.png', e.card.created)[:12])}"
