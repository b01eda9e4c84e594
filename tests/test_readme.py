"""What the READMEs say of files and commands is so: the tree has every module by its own first line, and both languages tell the same commands."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from aigc.cli.parser import parser
from aigc.home import PROJECT

ENGLISH, CHINESE = (PROJECT / name for name in ("README.md", "README.zh-CN.md"))
PAGES = [ENGLISH, CHINESE, PROJECT / "docs" / "figures.md", PROJECT / "docs" / "figures.zh-CN.md"]


def tree() -> dict[str, str]:
    """Path -> what stands beside it."""
    found, above = {}, list[str]()
    block = ENGLISH.read_text("utf-8").split("<summary>One line a file</summary>")[1].split("```")[1]
    for line in block.strip("\n").splitlines():
        indent, name, told = re.fullmatch(r"( *)(\S+) *(.*)", line).groups()  # type: ignore[union-attr]
        above = [*above[: len(indent) // 2], name]
        found["".join(above)] = told
    return found


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]


def test_the_tree_has_every_module_by_its_own_first_line() -> None:
    modules = {p.relative_to(PROJECT).as_posix(): first_line(p) for p in sorted((PROJECT / "aigc").rglob("*.py"))}
    files = {path: told for path, told in modules.items() if not path.endswith("__init__.py")}
    told = tree()
    assert {path: words for path, words in told.items() if path.startswith("aigc/") and path.endswith(".py")} == files
    folders = {path.removesuffix("__init__.py"): words for path, words in modules.items() if path.endswith("__init__.py") and words}
    assert {path: told.get(path) for path in folders} == folders


def commands(page: Path) -> list[list[str]]:
    """What a shell would be given after `python -m aigc`, without what a language adds: prompts."""
    lines = re.findall(r"^python -m aigc (.*)$", page.read_text("utf-8"), re.M)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=lambda page: page.name)
def test_every_command_of_the_readme_can_be_typed(page: Path) -> None:
    assert len(commands(page)) >= 14
    for words in commands(page):
        parser("en").parse_args(words)


def test_both_languages_tell_the_same_commands() -> None:
    verbs = [sorted(" ".join(words[:2]) for words in commands(page)) for page in (ENGLISH, CHINESE)]
    assert verbs[0] == verbs[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_linked_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize(("english", "chinese"), [(ENGLISH, CHINESE), (PAGES[2], PAGES[3])], ids=["readme", "figures"])
def test_both_languages_have_the_same_tables(english: Path, chinese: Path) -> None:
    """Row by row the same figures: numbers with a point or with thousands."""

    def rows(page: Path) -> list[list[str]]:
        lines = [re.sub(r"[\d.]+ (million|万)", "", line) for line in page.read_text("utf-8").splitlines() if line.startswith("|")]
        return [found for line in lines if (found := sorted(re.findall(r"\d+\.\d+|\d{1,3}(?:,\d{3})+", line)))]

    assert rows(english) == rows(chinese)
