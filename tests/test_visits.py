"""What a visit made is given back when its page is loaded again, to nobody else, and no longer than somebody keeps it."""

from __future__ import annotations

import gc

import pytest

from aigc.ui import visits
from aigc.ui.visits import Made, given_back

NAME = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "HELD", type(visits.HELD)())
    visits.KEPT.clear()


def key(owner: str = "ann", visit: str = NAME, lang: str = "en", view: str = "image-edit") -> tuple[str, ...]:
    return owner, visit, lang, view


def test_a_page_that_is_loaded_again_has_what_it_made() -> None:
    first, second = Made(), Made()
    assert given_back(key(), first) is first
    first.insert(0, "one")
    assert given_back(key(), second) is first
    first.insert(0, "of a run that was under way")
    third = Made(["pressed before the page had asked"])
    assert given_back(key(), third) == ["pressed before the page had asked", "of a run that was under way", "one"]


@pytest.mark.parametrize("other", [{"owner": "bob"}, {"visit": NAME[::-1]}, {"lang": "zh"}, {"view": "image-style"}])
def test_what_a_visit_made_is_nobody_elses(other: dict[str, str]) -> None:
    first, second = Made(["one"]), Made()
    given_back(key(), first)
    assert given_back(key(**other), second) is second and not second


@pytest.mark.parametrize("visit", ["", "None", "../x", NAME[:-1], NAME.upper()])
def test_a_visit_without_a_name_keeps_nothing(visit: str) -> None:
    first = Made(["one"])
    given_back(key(visit=visit), first)
    assert not visits.KEPT and not given_back(key(visit=visit), Made())


def test_what_no_page_keeps_any_more_is_forgotten() -> None:
    given_back(key(), Made(["one"]))
    gc.collect()
    assert not visits.KEPT


def test_whoever_is_alone_finds_it_again_though_the_page_was_closed() -> None:
    for i in range(visits.MOST_ALONE + 1):
        given_back(key(view=str(i)), Made([i]), held=True)
    gc.collect()
    assert given_back(key(view="1"), Made(), held=True) == [1] and len(visits.HELD) == visits.MOST_ALONE
    assert not given_back(key(view="0"), Made())
