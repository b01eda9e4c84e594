"""The page's frame: two languages, one document each, links, what is told of the machine and of what is going on."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from aigc import home as files
from aigc.data import spec
from aigc.evaluate.features import extractor
from aigc.home import runs_folder
from aigc.jobs.runs import Request, Run, State
from aigc.jobs.store import Store
from aigc.jobs.supervisor import Supervisor
from aigc.pretrained import lending
from aigc.registry import entry, spec_as_json
from aigc.techniques import techniques
from aigc.ui import drawings, machine, server, shell
from aigc.ui.document import LANG_COOKIE, preferred
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.tabs import home
from aigc.ui.text import home as home_text
from aigc.ui.text import shell as shell_text
from aigc.words import LANGS, Lang, Words

PROJECT = Path(__file__).resolve().parent.parent
HEAVY = {"torch", "sklearn", "diffusers", "transformers", "plotly"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as m:
        m.setenv("AIGC_HOME", str(tmp_path_factory.mktemp("home")))
        m.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        supervisor = Supervisor()
        supervisor.store = Store()  # not started: no worker is needed to look
        demo = shell.build(supervisor)
        yield demo, server.assemble(demo, supervisor)


@pytest.fixture
def page(app: Any) -> Iterator[TestClient]:
    with TestClient(app[1], base_url="http://127.0.0.1:7860", follow_redirects=False) as c:
        yield c


def config(document: str) -> dict[str, Any]:
    found = re.search(r"window\.gradio_config = (\{.*?\});</script>", document, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_every_run_that_may_wait_leaves_a_handler_for_its_stop(app: Any, page: TestClient):
    demo = app[0]
    programs = [fn for fn in demo.fns.values() if fn.api_visibility == "public"]
    assert lending.MOST + sum(fn.concurrency_limit for fn in programs) < demo._queue.max_thread_count == demo.limiter.total_tokens


def test_a_visit_costs_little_and_keeps_its_states(app: Any):
    sessions, demo = app[0].app.state_holder, app[0]
    assert sessions.capacity == shell.SESSIONS
    state = next(block for block in demo.blocks.values() if isinstance(block, gr.State))
    box = next(block for block in demo.blocks.values() if isinstance(block, gr.Textbox))
    for n in range(40):
        session = sessions[f"visit-{n}"]
        session[state._id] = n
        session._update_config(box._id)
        session._update_value_in_config(box._id, "typed")
        assert len(session.config_values) <= 1, "the page is not described for each visit"
    assert [sessions[f"visit-{n}"][state._id] for n in range(40)] == list(range(40))


@pytest.mark.parametrize("public", [True, False])
def test_a_public_page_signs_its_visitors_and_knows_who_is_near(public: bool):
    supervisor = Supervisor()
    assembled: Any = server.assemble(shell.build(supervisor, public=public), supervisor, public=public)
    assert (assembled.policy.key is not None) is public and assembled.policy.room.public is public
    assembled.neighbours.note("a", "8.8.8.8")
    assembled.neighbours.note("b", "8.8.8.8")
    assert supervisor.near("a", "b") is public


# starting light
def test_the_page_is_drawn_without_what_is_heavy(tmp_path: Path):
    code = f"""
import sys
import aigc.ui.start
from aigc.ui import server, shell
from aigc.jobs.supervisor import Supervisor
supervisor = Supervisor()
server.assemble(shell.build(supervisor), supervisor)
print(*(set(sys.modules) & {HEAVY!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, env={"AIGC_HOME": str(tmp_path), "PATH": "/usr/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


# one document a language
@pytest.mark.parametrize(("path", "tag", "lang"), [("/", "en", "en"), ("/zh", "zh-Hans", "zh")])
def test_each_language_has_a_document_of_its_own(page: TestClient, path: str, tag: str, lang: str):
    answer = page.get(path)
    assert answer.status_code == 200 and f'lang="{tag}"' in answer.text
    assert f"<title>{shell_text.NAME[lang]}</title>" in answer.text and "page.css" in answer.text and "page.js" in answer.text
    labels = [c["props"]["label"] for c in config(answer.text)["components"] if c["type"] == "tabitem"]
    for words in (*shell_text.TABS.values(), *(info.title for info in techniques().values())):
        assert words[lang] in labels


def test_every_tab_can_be_linked_to(page: TestClient):
    components = config(page.get("/").text)["components"]
    outer = next(c for c in components if c["type"] == "tabs" and c["props"].get("elem_id") == "tabs")
    ids = {c["props"]["id"] for c in components if c["type"] == "tabitem"}
    assert {"home", "data", "models", *techniques()} <= ids and outer["props"]["selected"] == "home"


def test_the_document_is_made_once_and_is_the_same_again(page: TestClient):
    first = page.get("/").text
    start = time.process_time()
    assert page.get("/").text == first and page.get("/zh").text != first
    assert time.process_time() - start < 2


def test_the_document_is_made_anew_for_another_address(page: TestClient):
    assert "http://localhost:7860" in page.get("/", headers={"host": "localhost:7860"}).text
    assert "http://localhost:7860" not in page.get("/").text


def test_made_up_addresses_do_not_push_out_the_one_that_is_used(page: TestClient, monkeypatch: pytest.MonkeyPatch):
    page.get("/?tab=vae")
    monkeypatch.setattr("aigc.ui.document.MOST_KEPT", 2)
    made = []
    monkeypatch.setattr("aigc.ui.document.Document._ours", lambda self, text, lang: made.append(lang) or text)
    for port in (1, 2, 3):
        page.get("/", headers={"host": f"localhost:{port}"})
        page.get("/")
    assert len(made) == 3


def test_what_describes_components_to_programs_is_left_out(page: TestClient):
    assert not [c for c in config(page.get("/").text)["components"] if "api_info" in c or "example_inputs" in c]


def test_the_configuration_cannot_end_its_script(page: TestClient):
    found = re.search(r"window\.gradio_config = (.*?);</script>", page.get("/").text, re.DOTALL)
    assert found and "<" not in found[1]


def test_only_the_endpoints_made_for_them_are_for_programs(app: Any):
    demo = app[0]
    public = [fn.api_name for fn in demo.fns.values() if fn.api_visibility != "private"]
    assert public and all(str(name).startswith(("text_", "image_")) for name in public), public[:10]


# who reads which
FIRST = [
    ("", "/", None), ("en-US,en;q=0.9", "/", None), ("zh-CN,zh;q=0.9,en;q=0.8", "/", "./zh"), ("zh", "/", "./zh"),
    ("en;q=0.3,zh-TW;q=0.7", "/", "./zh"), ("fr,de;q=0.5", "/", None), ("zh;q=0,en;q=0.1", "/", None), ("nonsense;q=x,;;", "/", None),
    ("zh", "/zh", None), ("en", "/zh", None),
]  # fmt: skip


@pytest.mark.parametrize(("accept", "path", "leads"), FIRST)
def test_a_first_visit_follows_the_browser(page: TestClient, accept: str, path: str, leads: str | None):
    answer = page.get(path, headers={"accept-language": accept})
    assert answer.headers.get("location") == leads and answer.status_code == (307 if leads else 200)


def test_a_link_keeps_what_it_names_when_it_changes_language(page: TestClient):
    answer = page.get("/?tab=vae&view=explore&run=abc", headers={"accept-language": "zh"})
    assert answer.headers["location"] == "./zh?tab=vae&view=explore&run=abc"


def test_the_switch_is_remembered_against_the_browser(page: TestClient):
    answer = page.get("/?lang=en&tab=vae", headers={"accept-language": "zh"})
    assert answer.headers["location"] == "./?tab=vae" and f"{LANG_COOKIE}=en" in answer.headers["set-cookie"]
    cookie = {"cookie": f"{LANG_COOKIE}=en", "accept-language": "zh"}
    assert page.get("/", headers=cookie).status_code == 200
    assert page.get("/", headers=cookie | {"cookie": f"{LANG_COOKIE}=zh"}).headers["location"] == "./zh"
    assert page.get("/", headers=cookie | {"cookie": f"{LANG_COOKIE}=evil"}).headers["location"] == "./zh"


def test_the_starter_may_choose_for_first_visits(app: Any):
    supervisor = Supervisor()
    for lang, leads in (("zh", "./zh"), ("en", None)):
        with TestClient(server.assemble(app[0], supervisor, lang=lang), base_url="http://127.0.0.1", follow_redirects=False) as c:
            assert c.get("/", headers={"accept-language": "zh" if lang == "en" else "en"}).headers.get("location") == leads


def test_preference_of_equals_is_the_first_named():
    assert preferred("en,zh") == "en" and preferred("zh,en") == "zh" and preferred("ja,zh;q=0.1") == "zh"


# the words
def _words_in(module: Any) -> Iterator[tuple[str, Words]]:
    for name, value in vars(module).items():
        for words in value.values() if isinstance(value, dict) else [value]:
            for one in words if isinstance(words, tuple) else (words,):
                if isinstance(one, Words):
                    yield name, one


def test_everything_is_said_in_both_languages_with_the_same_places():
    from aigc.ui.text import data as data_text
    from aigc.ui.text import models as models_text

    seen = 0
    for module in (home_text, shell_text, data_text, models_text):
        for name, words in _words_in(module):
            seen += 1
            assert words.en.strip() and words.zh.strip(), name
            assert sorted(re.findall(r"\{(\w+)", words.en)) == sorted(re.findall(r"\{(\w+)", words.zh)), name
            assert not re.search(r"[一-鿿][,;:?!()]|[,;:?!(][一-鿿]", words.zh), f"half-width punctuation in {name}: {words.zh}"
            assert not re.search(r"[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]", words.zh), f"no space between Chinese and Latin in {name}: {words.zh}"
    assert seen > 100


def test_no_word_of_the_tabs_stands_in_code():
    """Sentences belong into ui/text: nothing that is shown may exist in one language only."""
    for file in ("home", "data", "models", "compare", "own_images"):
        tree = ast.parse((PROJECT / "aigc/ui/tabs" / f"{file}.py").read_text("utf-8"))
        docs = {
            id(n.body[0].value)
            for n in ast.walk(tree)
            if isinstance(n, ast.Module | ast.FunctionDef | ast.ClassDef) and isinstance(n.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                plain = re.sub(r"<[^>]*>|[\w-]+=\"[^\"]*\"", "", node.value)
                assert not re.search(r"[A-Z][a-z]+ [a-z]+ [a-z]+", plain), f"{file}.py: {node.value[:60]}"


# what is going on
def _run(state: State, **request: Any) -> Run:
    run = Run.create(Request("vae", "digits", preset="quick", **request), spec_as_json(spec("digits")))
    run.update(state=state.value)
    return run


def test_home_tells_what_is_going_on(page: TestClient, aigc_home: Path):
    running, failed, _ = _run(State.RUNNING), _run(State.FAILED), _run(State.QUEUED)
    told = page.get("/aigc/now", params={"lang": "en"}).json()
    assert running.id in told["runs"] and failed.id in told["runs"] and 'data-state="running"' in told["runs"]
    assert "1 training, 1 waiting" in told["brief"]
    in_chinese = page.get("/aigc/now", params={"lang": "zh"}).json()
    assert State.RUNNING.words.zh in in_chinese["runs"] and "./zh?tab=vae" in in_chinese["runs"]
    assert "1 个在训练，1 个在排队" in in_chinese["brief"]
    assert set(told) == {"brief", "machine", "runs", "models"}


@pytest.mark.parametrize("lang", LANGS)
def test_home_opens_with_what_the_models_that_come_along_drew(lang: Lang, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "SHIPPED", PROJECT / "checkpoints" / "shipped")
    out = home._opening(Page(lang, Supervisor(), machine.Watch(), ("home", *techniques())))
    strip = out[: out.index("aigc-lead")]
    assert strip.count("<img") == len(home.SHOWCASE) and home_text.SHOWCASE[lang] in strip
    shown = [entry(slug) for slug in home.SHOWCASE]
    assert {e.card.technique for e in shown} == set(techniques()) and all(e.shipped for e in shown)
    for e, columns in zip(shown, home.SHOWCASE.values(), strict=True):
        link = f"?tab={e.card.technique}&amp;view=explore&amp;model={e.slug}"
        assert link in strip and f"./aigc/models/{e.slug}/samples.png" in strip
        with Image.open(e.folder / "samples.png") as sheet:  # so many pictures, and a line between two
            assert (sheet.width - 1) % columns == 0 and ((sheet.width - 1) // columns - 1) % e.card.spec["shape"][-1] == 0


def test_every_digit_that_opens_the_page_can_be_read(monkeypatch: pytest.MonkeyPatch):
    """The corner of a sheet is the first that anybody sees; a classifier names each digit there."""
    monkeypatch.setattr(files, "SHIPPED", PROJECT / "checkpoints" / "shipped")
    reader = extractor(spec("mnist"))
    for e, columns in ((entry(slug), columns) for slug, columns in home.SHOWCASE.items()):
        if e.card.data != "mnist":
            continue
        with Image.open(e.folder / "samples.png") as sheet:  # every pixel twice as wide, and a line between two pictures
            pixels = torch.frombuffer(bytearray(sheet.convert("L").tobytes()), dtype=torch.uint8).view(sheet.height, sheet.width)
        corner = [pixels[1 + 57 * row : 57 + 57 * row : 2, 1 + 57 * column : 57 + 57 * column : 2] for row in range(3) for column in range(3)]
        sure, read = reader.read(torch.stack(corner)[:, None])[1].softmax(1).max(1)
        assert sure.min() > 0.95, (e.slug, sure)
        assert columns < 10 or read.tolist() == [0, 1, 2] * 3, (e.slug, read)


def test_without_models_that_come_along_home_opens_with_words():
    assert "<img" not in home._opening(Page("en", Supervisor(), machine.Watch(), ("home",)))


def test_an_odd_language_is_english(page: TestClient):
    told = page.get("/aigc/now", params={"lang": "<script>"}).json()
    assert home_text.CPU.en in told["machine"] and home_text.CPU.zh not in told["machine"]


def test_nothing_a_person_typed_becomes_markup():
    evil = "<img src=x onerror=alert(1)>{{7*7}}${1}`\"'"
    line = {"id": evil, "title": evil, "says": evil, "state": evil, "live": True, "mine": True, "trained": evil, "technique": evil, "model": None}
    out = home.run_list([line], "en")
    assert "<img" not in out and "{{" not in out and "${" not in out and "`" not in out
    assert esc(evil) == "&lt;img src=x onerror=alert(1)&gt;&#123;&#123;7*7&#125;&#125;&#36;&#123;1&#125;&#96;&quot;&#x27;"


def test_no_runs_and_no_models_are_said_in_words():
    for lang in LANGS:
        assert home_text.NO_RUNS[lang] in home.run_list([], lang) and home_text.NO_MODELS[lang] in home.newest(lang, [])
    assert not runs_folder().exists()


# links
def test_links_are_relative_and_quoted():
    here = Page("zh", Supervisor(), machine.Watch(), ("home",))
    assert here.link("vae", view="explore", run="a&b=c") == "./zh?tab=vae&view=explore&run=a%26b%3Dc"


# drawings
@pytest.mark.parametrize("slug", [*techniques(), "one-that-is-new"])
def test_every_technique_is_drawn_in_the_colours_of_the_palette(slug: str):
    out = drawings.technique(slug)
    assert out.count("<svg") == out.count("</svg>") == 1 and not re.search(r"#[0-9a-f]{6}", out)
    assert ("--aigc-generated" in out and "--aigc-maker" in out) or slug == "diffusion"


# the machine
def test_the_first_look_is_quick_and_says_what_there_is():
    start = time.perf_counter()
    found = machine.first_look()
    assert time.perf_counter() - start < 0.2 and found.cores >= 1 and found.memory > 2**28
    for lang in LANGS:
        assert str(found.cores) in found.brief[lang] and len(found.outlook) == 3
    assert all(0 <= share <= 1 for share in machine.load_now().values()) and machine.free_disk() > 0


def test_a_container_counts_what_it_was_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **k: {"cpu.max": "150000 100000", "memory.max": "1073741824"}[self.name])
    assert machine._cores() <= 2 and machine._memory_limit() == 2**30


def test_without_a_quota_all_cores_count(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **k: "max 100000")
    assert machine._cores() == len(os.sched_getaffinity(0))


@pytest.mark.slow
def test_measuring_finds_a_speed():
    found = machine.measured(machine.first_look())
    assert found.warm and 0.1 < found.gflops < 1e6
