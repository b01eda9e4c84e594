"""The articles speak of what there is, say the same in both languages, and every number in them is computed here again."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from aigc.data import spec
from aigc.knobs import knobs
from aigc.options import Options
from aigc.techniques import techniques
from aigc.ui.text import articles
from aigc.ui.text.articles import NAME, SECTIONS, Stale, article, terms_in, written
from aigc.words import LANGS

SLUGS = list(techniques())
BOTH = [(slug, lang) for slug in SLUGS for lang in LANGS]
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)


def whole(slug: str, lang: str) -> str:
    return "\n\n".join(body for _, body in article(slug, lang).values())  # type: ignore[arg-type]


@pytest.mark.parametrize(("slug", "lang"), BOTH)
def test_every_technique_is_explained_in_the_same_sections(slug: str, lang: str) -> None:
    assert tuple(article(slug, lang)) == SECTIONS  # type: ignore[arg-type]
    assert all(body or key == "code" for key, (_, body) in article(slug, lang).items())  # type: ignore[arg-type]


@pytest.mark.parametrize(("slug", "lang"), BOTH)
def test_every_knob_choice_and_curve_that_is_named_exists(slug: str, lang: str) -> None:
    shown = "\n".join(body for _, body in written(techniques()[slug], lang).values())  # type: ignore[arg-type]
    assert "{{" not in shown and r"\term" not in shown
    assert not re.search(r"\\(real|generated|noise|judge|maker|loss|warning)\{", shown)


@pytest.mark.parametrize(("slug", "lang"), BOTH)
def test_the_objective_names_every_curve(slug: str, lang: str) -> None:
    _, objective = article(slug, lang)["objective"]  # type: ignore[arg-type]
    assert set(techniques()[slug].terms) == set(terms_in(objective))


@pytest.mark.parametrize("fault", ["{{knob betta}}", "{{term klee}}", "{{choice loss hing}}", r"$\term{klee}{x}$"])
def test_a_name_that_there_is_not_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    info = replace(techniques()["gan"], slug="faulty")
    monkeypatch.setattr(articles, "article", lambda slug, lang: {"idea": ("Idea", fault)})
    with pytest.raises(Stale):
        written(info, "en")


@pytest.mark.parametrize(("slug", "lang"), BOTH)
def test_formulas_are_whole(slug: str, lang: str) -> None:
    for title, body in written(techniques()[slug], lang).values():  # type: ignore[arg-type]
        assert len(re.findall(r"(?<!\\)\$", body)) % 2 == 0, title
        for match in FORMULA.finditer(body):
            formula = re.sub(r"\\[{}]", "", match[1] or match[2])
            depth = 0
            for c in formula:
                depth += {"{": 1, "}": -1}.get(c, 0)
                assert depth >= 0, formula
            assert depth == 0, formula
            assert formula.count(r"\left") == formula.count(r"\right"), formula
            assert not re.search(r"\\begin|\\end|\\htmlClass", formula)


def equations(body: str) -> list[int]:
    """The equals signs of every displayed formula."""
    return [formula.count("=") for formula in re.findall(r"\$\$(.+?)\$\$", body, re.S)]


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_say_the_same(slug: str) -> None:
    """The same knobs, choices, curves and formulas in every section, as many list items and rows, and the same papers."""
    for key in SECTIONS:
        en, zh = (article(slug, lang)[key][1] for lang in LANGS)
        assert sorted(NAME.findall(en)) == sorted(NAME.findall(zh)), key
        assert len(re.findall(r"^- ", en, re.M)) == len(re.findall(r"^- ", zh, re.M)), key
        assert en.count("\n|") == zh.count("\n|"), key
        if key != "mistakes":  # there a formula may hold words
            assert equations(en) == equations(zh), key
        assert re.findall(r"arXiv:(\S+?\d{5})", en) == re.findall(r"arXiv:(\S+?\d{5})", zh), key


@pytest.mark.parametrize("slug", SLUGS)
def test_chinese_is_typeset_as_chinese(slug: str) -> None:
    text = re.sub(r"\$\$.+?\$\$", "", whole(slug, "zh"), flags=re.S)
    text = text.split("arXiv", 1)[0].rsplit("\n- ", 1)[0] if "arXiv" in text else text  # papers keep their own names
    text = re.sub(r"\$.+?\$", "x", NAME.sub("名", text).replace("*", ""))
    han = r"[\u4e00-\u9fff]"
    assert not re.findall(rf"{han}[A-Za-wyz0-9]|[A-Za-wyz0-9]{han}", text)
    assert not re.findall(rf"{han}[,;:?!()]|[,;:?!(]{han}", text)


def test_the_numbers_are_right() -> None:
    p, q, m = (0.5, 0.5), (0.7, 0.3), (0.6, 0.4)

    def kl(a: tuple[float, ...], b: tuple[float, ...]) -> float:
        return sum(x * math.log(x / y) for x, y in zip(a, b, strict=True))

    figures = {
        "gan": [math.log(4), -math.log(0.2), -math.log(0.9) - math.log(0.8), (kl(p, m) + kl(q, m)) / 2, kl(p, m), kl(q, m)],
        "autoencoder": [-0.4 * math.log(0.4) - 0.6 * math.log(0.6)],
        "vae": [
            0.5 * (0.5**2 + 0.8**2 - 1 - math.log(0.8**2)), kl(p, q), kl(q, p), kl(p, q) / math.log(2),
            -(math.log(0.4) + math.log(0.5) + math.log(0.1)) / 3,
        ],
        "diffusion": [math.sqrt(math.prod(1 - (1e-4 + (0.02 - 1e-4) * i / 99) for i in range(100)))],
    }  # fmt: skip
    told = {
        "gan": ["1.386", "+1.609", "0.3285", "0.0210", "0.0204", "0.0216"],
        "autoencoder": ["0.673"],
        "vae": ["0.168", "0.0872", "0.0823", "0.1258", "1.304"],
        "diffusion": ["0.60"],
    }
    for slug, values in figures.items():
        for value, words in zip(values, told[slug], strict=True):
            assert math.isclose(float(words), value, abs_tol=0.6 * 10.0 ** -len(words.split(".")[1])), (slug, words)
            assert all(words in whole(slug, lang) for lang in LANGS), (slug, words)


CITED = re.compile(r"([A-Z][\w-]+) (?:et al\. |& [\w-]+ )?((?:19|20)\d\d)")


@pytest.mark.parametrize("slug", SLUGS)
def test_every_paper_that_a_knob_names_can_be_read_further(slug: str) -> None:
    """Those of the technique, and the optimiser where it is a trick."""
    info, reading = techniques()[slug], article(slug, "en")["reading"][1].splitlines()
    named = [k for config in (info.Config, info.Sampling) for k in knobs(config).values()]
    named += [knobs(Options)["optimiser"]] * ("Muon" in whole(slug, "en"))
    papers = {paper for k in named for paper in CITED.findall(k.help["en"])}
    assert papers or slug == "autoencoder"
    assert not [paper for paper in papers if not any(all(part in line for part in paper) for line in reading)]


@pytest.mark.parametrize(("slug", "lang"), BOTH)
def test_what_the_first_diagram_shows_is_explained(slug: str, lang: str) -> None:
    """A class label goes into the networks wherever the quick preset tells them the class."""
    config, _ = techniques()[slug].read({}, spec("digits"), "quick")
    assert not getattr(config, "conditional", False) or "{{knob conditional}}" in whole(slug, lang)


def test_known_errors_are_named_only_to_be_corrected() -> None:
    for slug, lang in BOTH:
        rest = "\n".join(body for key, (_, body) in article(slug, lang).items() if key != "mistakes")  # type: ignore[arg-type]
        assert "Jenson" not in rest and "from_logits" not in rest
