"""The registry keeps what it is given, notices what was changed, and refuses what is hostile."""

from __future__ import annotations

import http.server
import io
import json
import os
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest
import safetensors.torch
import torch
from PIL import Image
from tiny import POINTS, SPEC, card, perturbed, tiny  # noqa: F401

from aigc import home, registry
from aigc.data import spec as spec_of
from aigc.registry import cache, exchange, store, weights
from aigc.registry.card import read_card
from aigc.registry.readme import readme
from aigc.registry.sampling import BATCH, draw, label_of, turns
from aigc.words import Refusal, both

pytestmark = pytest.mark.usefixtures("tiny")


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8), 99).save(out, "PNG")
    return out.getvalue()


def saved(slug: str = "one", **changes: Any) -> registry.Entry:
    return registry.save(perturbed(), card(slug, **changes), picture())


# keeping


def test_a_model_comes_back_as_it_was_saved() -> None:
    model = perturbed()
    model.net.weight.data = model.net.weight.data.t().contiguous().t()  # as channels-last training leaves convolutions
    entry = registry.save(model, card(), picture())
    loaded = registry.load("one")
    assert {k: v.tolist() for k, v in loaded.state_dict().items()} == {k: v.tolist() for k, v in model.state_dict().items()}
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert loaded.spec == SPEC and loaded.config.width == 4
    assert entry.samples is not None and entry.samples.read_bytes() == picture()
    assert sorted(p.name for p in entry.folder.iterdir()) == ["README.md", "config.json", "model.safetensors", "samples.png"]
    assert registry.verify("one") == []


def test_the_card_survives_and_is_whole() -> None:
    entry = saved(quality={"log-likelihood": -3.5}, parent="older", title="甲 <b>")
    again = read_card(entry.card.as_bytes())
    assert again == entry.card and again.quality == {"log-likelihood": -3.5}
    assert registry.spec_from_json(again.spec) == SPEC
    assert set(again.hashes) == {"model.safetensors", "samples.png"}


def test_readme_is_front_matter_the_hub_can_read() -> None:
    from huggingface_hub import ModelCard as HubCard

    text = (saved(data="mnist", title="a <script>x</script>").folder / "README.md").read_text()
    front = HubCard(text).data
    assert front.license == "cc-by-4.0" and front.library_name == "aigc-lab" and front.datasets == ["ylecun/mnist"]
    assert front.pipeline_tag == "unconditional-image-generation" and front.language == ["en", "zh"]
    assert "<script>" not in text.replace(r"\<script\>", "") and "python -m aigc train tiny" in text and "许可" in text


def test_a_parent_from_a_stranger_is_only_text() -> None:
    assert "<script>" not in readme(card(parent="x` <script>alert(1)</script>"))


def test_an_unknown_licence_is_named_other() -> None:
    from huggingface_hub import ModelCard as HubCard

    front = HubCard((saved(licence="CelebA Agreement (research)").folder / "README.md").read_text()).data.to_dict()
    assert (front["license"], front["license_name"]) == ("other", "celeba-agreement-research")


def test_listing_is_quick_and_leaves_torch_alone() -> None:
    saved("m0")
    folder = home.models_folder()
    for n in range(1, 200):
        (folder / f"m{n}").mkdir()
        for file in (folder / "m0").iterdir():
            os.link(file, folder / f"m{n}" / file.name)
    code = (
        "import sys, time; from aigc import registry; t = time.process_time(); n = len(registry.entries());"
        "print(n, time.process_time() - t, 'torch' in sys.modules, 'numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=home.PROJECT).stdout
    n, seconds, torch_in, numpy_in = said.split()
    assert n == "200" and torch_in == numpy_in == "False"
    assert float(seconds) < 0.5


def test_many_samples_come_in_the_shares_of_the_training_data() -> None:
    spec = replace(SPEC, classes=SPEC.classes[:3], class_counts=(50, 30, 20))
    made = list(islice(turns(spec), 10_000))
    assert made[:BATCH] == [i % 3 for i in range(BATCH)]
    assert [made.count(k) for k in range(3)] == pytest.approx([5000, 3000, 2000], abs=2)
    even = list(islice(turns(replace(SPEC, class_counts=())), 250))
    assert even == [i % len(SPEC.classes) for i in range(250)]


def test_order_newest_first_then_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved("ship", created="2027-01-01")
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "shipped")
    (tmp_path / "shipped").mkdir()
    (home.models_folder() / "ship").rename(tmp_path / "shipped" / "ship")
    saved("old", created="2024-01-01")
    saved("new", created="2026-01-01")
    assert [(e.slug, e.shipped, e.card.kind) for e in registry.entries()] == [
        ("new", False, "trained"),
        ("old", False, "trained"),
        ("ship", True, "shipped"),
    ]
    assert registry.load("ship").count == 42
    for change in (lambda: registry.delete("ship"), lambda: registry.rename("ship", "mine"), lambda: registry.amend("ship", title="x")):
        with pytest.raises(Refusal, match="came with the project"):
            change()


def test_figures_of_other_weights_do_not_come_onto_a_card() -> None:
    slug = registry.save(perturbed(), card("grows")).slug
    mine = registry.entry(slug).card.hashes["model.safetensors"]
    fid = both("fid", "弗雷歇距离")
    assert registry.amend(slug, quality={fid: 1.0}, of=mine).card.quality == {"fid": 1.0}
    with pytest.raises(Refusal, match="trained on since"):
        registry.amend(slug, quality={fid: 2.0}, of="0" * 64)
    assert registry.entry(slug).card.quality == {"fid": 1.0}
    assert "- fid: 1\n" in (words := (home.models_folder() / slug / "README.md").read_text("utf-8")) and "- 弗雷歇距离: 1\n" in words


def test_a_card_says_where_its_weights_come_from() -> None:
    def words(name: str, **more: Any) -> str:
        return (home.models_folder() / registry.save(perturbed(), card(name, credit="Somebody, 2020", **more)).slug / "README.md").read_text("utf-8")

    alone, taught = words("alone"), words("taught", parent="alone")
    assert "trained from scratch" in alone and '"from-scratch"' in alone and "Somebody, 2020. Licence:" in alone and "Somebody, 2020。许可：" in alone
    assert "learnt from `alone`" in taught and "from scratch" not in taught and "from-scratch" not in taught and "从零" not in taught


def test_a_crash_before_the_end_leaves_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = store._write

    def write_until(path: Path, data: bytes) -> None:
        written.append(path.name)
        if path.name == "config.json":
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(store, "_write", write_until)
    with pytest.raises(OSError, match="space"):
        saved()
    assert written[-1] == "config.json"  # the card is last
    assert registry.entries() == [] and [p.name for p in home.models_folder().iterdir()] == [".lock"]


def test_orphans_of_a_crash_are_swept() -> None:
    old, young = home.models_folder() / ".new-aa", home.models_folder() / ".new-bb"
    old.mkdir(parents=True), young.mkdir()
    os.utime(old, (1, 1))
    saved()
    assert not old.exists() and young.exists()


def test_a_name_is_taken_once_and_must_be_a_name() -> None:
    saved()
    with pytest.raises(Refusal, match="already"):
        saved()
    for bad in ("", "../x", "A", "a/b", "-a", "a" * 64, "a\n"):
        with pytest.raises(Refusal):
            saved(bad)
    assert [e.slug for e in registry.entries()] == ["one"]
    assert registry.free_slug("One") == "one-2" and registry.free_slug("模型 !!") == "model"
    assert registry.SLUG.match(registry.free_slug("x" * 200))


def test_a_valid_name_stays_as_it_is() -> None:
    assert [registry.free_slug(name) for name in ("my--vae", "a" * 63)] == ["my--vae", "a" * 63]
    saved("a" * 63)
    assert registry.SLUG.match(registry.free_slug("a" * 63)) and registry.free_slug("a" * 63).endswith("-2")


def test_whoever_comes_second_gets_the_next_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved()
    source, place = registry.export("one", tmp_path / "one.zip"), exchange.place

    def overtaken(*args: Any, **more: Any) -> registry.Entry:
        monkeypatch.setattr(exchange, "place", place)
        assert registry.import_(source).slug == "one-2"
        return place(*args, **more)

    monkeypatch.setattr(exchange, "place", overtaken)
    assert registry.import_(source).slug == "one-3"
    assert [registry.save(perturbed(), card("one"), wanted=name).slug for name in ("one", "Two!")] == ["one-4", "two"]


def test_the_model_of_a_run_is_known_by_its_card() -> None:
    a, b = "a" * 32, "b" * 32
    assert registry.made_by(a, "one") is None
    saved("one", run=a)
    registry.rename("one", "kept")
    saved("one", run=b)
    (home.models_folder() / "broken").mkdir()
    (home.models_folder() / "broken" / "config.json").write_text(a)
    found = {run: made.slug for run in (a, b) if (made := registry.made_by(run, "one"))}
    assert found == {a: "kept", b: "one"} and registry.made_by(a, None) is None
    registry.delete("kept")
    assert registry.made_by(a, "one") is None


def test_a_model_whose_card_cannot_be_read_can_be_deleted() -> None:
    (saved().folder / "config.json").write_text("{")
    assert list(registry.broken()) == ["one"]
    registry.delete("one")
    assert not registry.broken() and not list(home.models_folder().glob("*/*"))
    for wrong in ("one", "../local", ".", ""):
        with pytest.raises(Refusal):
            registry.delete(wrong)


def test_rename_takes_the_children_along_and_lineage_ends_on_a_circle() -> None:
    saved("a"), saved("b", parent="a"), saved("c", parent="b")
    assert registry.lineage("c") == ["b", "a"]
    assert registry.rename("b", "bb").card.slug == "bb"
    assert registry.entry("c").card.parent == "bb" and registry.lineage("c") == ["bb", "a"]
    assert "train tiny" in (registry.entry("bb").folder / "README.md").read_text()
    assert registry.load("bb").count == 42
    registry.delete("a")
    assert registry.lineage("c") == ["bb", "a"]
    saved("a", parent="c")
    assert registry.lineage("c") == ["bb", "a", "c"]
    with pytest.raises(Refusal, match="already"):
        registry.rename("bb", "c")


def test_two_who_take_the_same_name_at_once_get_one_model() -> None:
    results: list[str] = []

    def take() -> None:
        try:
            saved("same")
            results.append("saved")
        except Refusal:
            results.append("refused")

    threads = [threading.Thread(target=take) for _ in range(6)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert sorted(results) == ["refused"] * 5 + ["saved"]
    assert registry.verify("same") == []


# noticing


def test_one_flipped_bit_is_found() -> None:
    path = saved().weights
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Refusal, match="checksum"):
        registry.load("one")
    assert ["checksum" in p.en for p in registry.verify("one")] == [True]


def test_verify_names_what_is_wrong() -> None:
    folder = saved().folder
    (folder / "samples.png").write_bytes(b"other")
    (folder / "model.safetensors").unlink()
    assert sorted(p.en.split()[0] for p in registry.verify("one")) == ["model.safetensors", "samples.png"]
    with pytest.raises(Refusal, match="missing"):
        registry.load("one")


def test_a_broken_card_is_told_and_does_not_hide_the_others() -> None:
    saved("good"), saved("bad")
    (home.models_folder() / "bad" / "config.json").write_text("{")
    assert [e.slug for e in registry.entries()] == ["good"]
    assert list(registry.broken()) == ["bad"]
    with pytest.raises(Refusal, match="not JSON"):
        registry.entry("bad")


CARD_FAULTS: dict[str, Any] = {
    "not an object": b"[]",
    "deep": b"[" * 50_000,
    "huge": b" " * (2 << 20),
    "foreign": b'{"library_name": "diffusers"}',
    "nan": lambda v: v | {"seconds": float("nan")},
    "infinite quality": lambda v: v | {"quality": {"x": float("inf")}},
    "other format": lambda v: v | {"format": 2},
    "missing": lambda v: {k: x for k, x in v.items() if k != "config"},
    "wrong type": lambda v: v | {"images": "many"},
    "boolean for a number": lambda v: v | {"images": True},
    "negative": lambda v: v | {"images": -1},
    "long text": lambda v: v | {"credit": "x" * 3000},
    "a number beyond all bounds": lambda v: v | {"seconds": 10**400},
    "figures beyond all bounds": lambda v: v | {"quality": {"x": -(10**400)}},
    "examples beyond all bounds": lambda v: v | {"spec": v["spec"] | {"count": 10**400}},
    "classes beyond all bounds": lambda v: v | {"spec": v["spec"] | {"class_counts": [10**400] * 10}},
    "half a character": lambda v: v | {"inside": {"slug": "a\ud800"}},
    "half a character in a title": lambda v: v | {"spec": v["spec"] | {"title": {"en": "a\ud800", "zh": "a"}}},
    "data that are a command": lambda v: v | {"data": "'; touch /tmp/pwned; '"},
    "slug with a path": lambda v: v | {"slug": "../x"},
    "list for words": lambda v: v | {"title": ["a"]},
    "shape of nothing": lambda v: v | {"spec": v["spec"] | {"shape": []}},
    "shape of 4 channels": lambda v: v | {"spec": v["spec"] | {"shape": [4, 8, 8]}},
    "shape too large": lambda v: v | {"spec": v["spec"] | {"shape": [1, 8, 10**9]}},
    "shape with booleans": lambda v: v | {"spec": v["spec"] | {"shape": [True, 8, 8]}},
    "class without words": lambda v: v | {"spec": v["spec"] | {"classes": [3]}},
    "too many classes": lambda v: v | {"spec": v["spec"] | {"classes": [{"en": "a", "zh": "a"}] * 2000}},
}


@pytest.mark.parametrize("fault", CARD_FAULTS)
def test_a_card_from_a_stranger_is_read_with_care(fault: str) -> None:
    change = CARD_FAULTS[fault]
    raw = change if isinstance(change, bytes) else json.dumps(change(card().as_json())).encode()
    assert read_card(json.dumps(card().as_json()).encode()) == card()
    with pytest.raises(Refusal, match="cannot be read"):
        read_card(raw)


# hostile weights (T20)


def header_only(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def entry_of(shape: list[int], start: int = 0, stop: int = 0) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, stop]}


def good() -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in perturbed().state_dict().items()}


def described(**more: Any) -> bytes:
    """A header of the right names and shapes whose tensors all begin at 0."""
    return json.dumps({k: entry_of(list(v.shape), 0, v.numel() * 4) | more for k, v in good().items()}).encode()


def with_(**tensors: torch.Tensor) -> bytes:
    return safetensors.torch.save(good() | tensors)


def empty_tensors(n: int) -> bytes:
    return b"{" + b",".join(b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(n)) + b"}"


class Canary:
    """Unpickling this leaves a file."""

    def __reduce__(self) -> Any:
        return (open, ("canary", "w"))


def pickled() -> bytes:
    out = io.BytesIO()
    torch.save({"x": Canary()}, out)
    return out.getvalue()


def duplicated() -> bytes:
    """A good file that names one tensor twice, the same way."""
    raw = with_()
    length = struct.unpack("<Q", raw[:8])[0]
    entries = json.loads(raw[8 : 8 + length])
    again = json.dumps({"net.bias": entries["net.bias"]}).encode()[1:-1]
    return header_only(b"{" + again + b"," + json.dumps(entries).encode()[1:], raw[8 + length :])


# what must be said of some of them, so that they are not refused for a reason of less weight
REASONS = {
    "duplicate keys": "header makes no sense", "11,000 empty tensors": "more than 10,000", "500,000 empty tensors": "header is larger",
    "header of 101 MB": "header is larger", "a pickle": "no safetensors file", "NaN": "not finite", "infinity": "not finite",
    "a wrong shape": "64×5 instead of 64×4", "keys with paths": "does not belong", "a missing tensor": "count is missing",
    "truncated": "damaged", "trailing bytes": "damaged", "overlapping tensors": "damaged",
}  # fmt: skip
NAN = torch.full((64, 4), float("nan"))
WEIGHT_FAULTS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "seven bytes": lambda: b"\0" * 7,
    "a pickle": pickled,
    "a bare pickle": lambda: b"\x80\x04\x95" + b"a" * 100,
    "header of 2^64-1 bytes": lambda: struct.pack("<Q", 2**64 - 1) + b"{}",
    "header of 101 MB": lambda: header_only(b"{" + b" " * (101 << 20) + b"}"),
    "500,000 empty tensors": lambda: header_only(empty_tensors(500_000)),
    "11,000 empty tensors": lambda: header_only(empty_tensors(11_000)),
    "duplicate keys": duplicated,
    "deep header": lambda: header_only(b'{"a":' + b"[" * 100_000),
    "keys with paths": lambda: with_(**{"../../etc/x": torch.zeros(1)}),
    "an unknown tensor": lambda: with_(extra=torch.zeros(1)),
    "a missing tensor": lambda: safetensors.torch.save({k: v for k, v in good().items() if k != "count"}),
    "a wrong shape": lambda: with_(**{"net.weight": torch.zeros(64, 5)}),
    "a transposed shape": lambda: with_(**{"net.weight": torch.zeros(4, 64)}),
    "a zero-dimensional giant": lambda: header_only(json.dumps({"net.weight": entry_of([2**62, 0])}).encode()),
    "NaN": lambda: with_(**{"net.weight": NAN}),
    "infinity": lambda: with_(**{"net.bias": torch.full((64,), float("-inf"))}),
    "truncated": lambda: with_()[:-1],
    "trailing bytes": lambda: with_() + b"x",
    "overlapping tensors": lambda: header_only(described(), b"\0" * 1024),
    "unknown dtype": lambda: header_only(described(dtype="X9")),
    "shape of text": lambda: header_only(json.dumps({k: entry_of(["1"]) for k in good()}).encode()),  # type: ignore[list-item]
    "tensors that are no objects": lambda: header_only(b'{"a": 3}'),
}


@pytest.mark.parametrize("fault", WEIGHT_FAULTS)
def test_hostile_weights_are_refused_at_once_with_a_reason(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    raw = WEIGHT_FAULTS[fault]()
    (folder / "model.safetensors").write_bytes(raw)
    (folder / "config.json").write_bytes(replace(card(), hashes={"model.safetensors": weights.sha256(raw)}).as_bytes())
    begun = time.process_time()
    with pytest.raises(Refusal, match=rf"weights cannot be used: .*{REASONS.get(fault, '')}.*\.") as refused:
        registry.import_(folder)
    assert time.process_time() - begun < 1.0
    assert refused.value.words.zh != refused.value.words.en
    assert registry.entries() == [] and not (tmp_path / "canary").exists()


def test_the_same_folder_with_good_weights_is_taken(tmp_path: Path) -> None:
    """Or else every refusal above could be for another reason."""
    folder = tmp_path / "model"
    folder.mkdir()
    raw = with_()
    (folder / "model.safetensors").write_bytes(raw)
    (folder / "config.json").write_bytes(replace(card(), hashes={"model.safetensors": weights.sha256(raw)}).as_bytes())
    assert registry.import_(folder, owner="me").card.owner == "me"
    assert registry.load("one").count == 42


def test_a_file_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(weights.FILE_BYTES + 1)  # a hole: takes no space
    with pytest.raises(Refusal, match="512 MB"):
        weights.read_file(path)


def test_into_a_model_from_tensors() -> None:
    fresh = registry.build("tiny", {"width": 4}, SPEC)
    registry.into(fresh, good())
    assert fresh.count == 42
    with pytest.raises(Refusal, match=r"net\.weight"):
        registry.into(fresh, good() | {"net.weight": NAN})
    with pytest.raises(Refusal, match="must lie between"):
        registry.build("tiny", {"width": 10**9}, SPEC)


# export and import


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_export_and_import_carry_everything_but_what_is_private(name: str, tmp_path: Path) -> None:
    entry = saved()
    path = registry.export("one", tmp_path / name)
    contents = b"".join(p.read_bytes() for p in path.iterdir()) if path.is_dir() else path.read_bytes()
    assert b"secret-owner" not in contents and b"f" * 32 not in contents and str(tmp_path).encode() not in contents
    assert b"secret-owner" in (entry.folder / "config.json").read_bytes()
    taken = registry.import_(path, owner="other")
    assert taken.slug == "one-2" and taken.card.owner == "other" and registry.verify("one-2") == []
    assert registry.load("one-2").state_dict()["net.weight"].equal(registry.load("one").state_dict()["net.weight"])
    assert taken.samples is not None and taken.samples.read_bytes() == picture()
    with pytest.raises(Refusal, match="already there"):
        registry.export("one", tmp_path / name)


def test_any_name_that_a_file_may_have_will_do(tmp_path: Path) -> None:
    saved()
    assert registry.export("one", tmp_path / f"{'模' * 80}.zip").is_file() and registry.export("one", tmp_path / ("x" * 250)).is_dir()
    with pytest.raises(Refusal, match=f"There is no folder {tmp_path / 'nowhere'}"):
        registry.export("one", tmp_path / "nowhere" / "one.zip")


def test_names_in_an_exported_zip_are_relative_and_ours(tmp_path: Path) -> None:
    saved()
    names = zipfile.ZipFile(registry.export("one", tmp_path / "x.zip")).namelist()
    assert sorted(names) == ["one/README.md", "one/config.json", "one/model.safetensors", "one/samples.png"]


def test_what_the_hub_gives_back_can_be_imported(tmp_path: Path) -> None:
    """A clone has files of its own beside ours; they stay outside."""
    saved()
    folder = registry.export("one", tmp_path / "clone")
    (folder / ".gitattributes").write_text("x")
    (folder / "run.py").write_text("raise SystemExit")
    taken = registry.import_(folder)
    assert sorted(p.name for p in taken.folder.iterdir()) == ["README.md", "config.json", "model.safetensors", "samples.png"]


def zip_with(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def good_members(prefix: str = "m/") -> list[tuple[str | zipfile.ZipInfo, bytes]]:
    raw = with_()
    return [
        (f"{prefix}model.safetensors", raw),
        (f"{prefix}config.json", replace(card(), hashes={"model.safetensors": weights.sha256(raw)}).as_bytes()),
    ]


def symlink(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


ZIP_FAULTS: dict[str, Any] = {
    "traversal": [("../../evil", b"x")],
    "deep traversal": [("m/../../config.json", b"x")],
    "absolute": [("/etc/evil", b"x")],
    "drive": [("C:evil", b"x")],
    "backslashes": [("..\\evil", b"x")],
    "symlink": [(symlink("m/notes.txt"), b"/etc/hostname")],
    "two cards": [("n/config.json", b"{}")],
    "samples that are no picture": [("m/samples.png", b"<svg/>")],
    "samples of the wrong kind": [("m/samples.png", b"GIF89a" + b"\0" * 100)],
}


@pytest.mark.parametrize("fault", ZIP_FAULTS)
def test_hostile_zips_are_refused(fault: str, tmp_path: Path) -> None:
    assert registry.import_(zip_with(tmp_path / "good.zip", *good_members())).slug == "one"
    registry.delete("one")
    begun = time.process_time()
    with pytest.raises(Refusal):
        registry.import_(zip_with(tmp_path / "bad.zip", *good_members(), *ZIP_FAULTS[fault]))
    assert time.process_time() - begun < 1.0
    assert registry.entries() == [] and {p.name for p in tmp_path.iterdir()} <= {"good.zip", "bad.zip", "home", "gradio"}


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "bomb.zip", ("config.json", b"\0" * (60 << 20)), ("model.safetensors", b""))
    assert path.stat().st_size < 100_000
    with pytest.raises(Refusal, match="too large"):
        registry.import_(path)
    # the same archive claiming to be small
    raw = path.read_bytes().replace(struct.pack("<I", 60 << 20), struct.pack("<I", 1000))
    path.write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(Refusal, match="damaged"):
        registry.import_(path)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def test_a_million_names_are_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(20_000):
            archive.writestr(f"f{n}", b"")
    begun = time.process_time()
    with pytest.raises(Refusal, match="too many files"):
        registry.import_(path)
    assert time.process_time() - begun < 0.1


def test_a_list_of_files_that_only_the_64_bit_record_owns_up_to_is_not_parsed(tmp_path: Path) -> None:
    names = (b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 33, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0) + b"m/x") * 20_000
    true = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 20_000, 20_000, len(names), 0)
    told = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 100, 0, 0)
    path = tmp_path / "many.zip"
    path.write_bytes(names + true + b"PK\6\7" + struct.pack("<IQI", 0, len(names), 1) + told)
    assert len(zipfile.ZipFile(path).infolist()) == 20_000
    with pytest.raises(Refusal, match="too many files"):
        registry.import_(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", b"PK\x05\x06" + b"\0" * 10])
def test_what_is_no_zip_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(Refusal):
        registry.import_(tmp_path / "x.zip")


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    saved()
    folder = registry.export("one", tmp_path / "m")
    (folder / "samples.png").unlink()
    (folder / "samples.png").symlink_to("/etc/hostname")
    with pytest.raises(Refusal, match=r"samples\.png"):
        registry.import_(folder)


def test_a_giant_picture_is_not_decoded(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(out, "PNG")
    begun = time.process_time()
    with pytest.raises(Refusal):
        registry.import_(zip_with(tmp_path / "x.zip", *good_members(), ("m/samples.png", out.getvalue())))
    assert time.process_time() - begun < 1.0


def test_a_card_for_other_weights_is_refused(tmp_path: Path) -> None:
    members = good_members()
    members[0] = ("m/model.safetensors", safetensors.torch.save(good() | {"count": torch.tensor(1)}))
    with pytest.raises(Refusal, match="not the one"):
        registry.import_(zip_with(tmp_path / "x.zip", *members))


def test_a_model_of_an_unknown_technique_is_refused(tmp_path: Path) -> None:
    raw = with_()
    strange = replace(card(), technique="os.system", hashes={"model.safetensors": weights.sha256(raw)})
    with pytest.raises(Refusal, match="no technique"):
        registry.import_(zip_with(tmp_path / "x.zip", ("model.safetensors", raw), ("config.json", strange.as_bytes())))


# the Hub


class FakeHub(http.server.BaseHTTPRequestHandler):
    """Just enough of the Hub's API to create a repository and commit files to it."""

    status = 200
    seen: list[tuple[str, str, bytes]]

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not body and self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        type(self).seen.append((self.path, self.headers.get("Authorization", ""), body))
        if type(self).status != 200:
            self._answer(type(self).status, {"error": "no"})
        elif self.path.endswith("/repos/create"):
            self._answer(200, {"url": f"http://{self.headers['Host']}/me/thing", "name": "me/thing"})
        elif "/preupload/" in self.path:
            files = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]]
            self._answer(200, {"files": files})
        else:
            self._answer(200, {"success": True, "commitOid": "a" * 40, "commitUrl": f"http://{self.headers['Host']}/me/thing/commit/{'a' * 40}"})

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, type[FakeHub]]]:
    from huggingface_hub import HfApi, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Handler", (FakeHub,), {"seen": [], "status": 200})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield HfApi(endpoint=f"http://127.0.0.1:{server.server_port}"), handler
    server.shutdown()


TOKEN = "hf_ThisIsACanaryTokenThatNobodyMayRepeat"


def test_push_sends_our_files_with_the_token_and_keeps_neither(hub: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    import base64

    api, handler = hub
    saved()
    address = registry.push_to_hub("one", "me/thing", TOKEN, api=api)
    assert address.endswith("/me/thing")
    assert all(auth == f"Bearer {TOKEN}" for _, auth, _ in handler.seen)
    asked = json.loads(handler.seen[0][2])
    assert asked.get("private") is True or asked.get("visibility") == "private"  # newer versions of the library say it this way
    commit = [json.loads(line) for line in handler.seen[-1][2].splitlines()]
    files = {c["value"]["path"]: base64.b64decode(c["value"]["content"]) for c in commit if c["key"] == "file"}
    assert set(files) == {"README.md", "config.json", "model.safetensors", "samples.png"}
    assert files["model.safetensors"] == registry.entry("one").weights.read_bytes()
    assert b"secret-owner" not in files["config.json"]
    assert TOKEN not in caplog.text
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]


ANSWERS = [(401, "does not know this token"), (403, "write access"), (404, "no place"), (500, "refused"), (429, "wait")]


@pytest.mark.parametrize(("status", "said"), ANSWERS)
def test_what_the_hub_answers_is_said_in_words_without_the_token(status: int, said: str, hub: Any) -> None:
    import traceback

    api, handler = hub
    handler.status = status
    saved()
    with pytest.raises(Refusal, match=said) as refused:
        registry.push_to_hub("one", "me/thing", TOKEN, api=api)
    assert handler.seen and TOKEN not in "".join(traceback.format_exception(refused.value))


def test_no_network_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi, constants

    saved()
    with pytest.raises(Refusal, match="cannot be reached"):  # HF_HUB_OFFLINE
        registry.push_to_hub("one", "me/thing", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(Refusal, match="cannot be reached"):  # nobody listens there
        registry.push_to_hub("one", "me/thing", TOKEN, api=HfApi(endpoint="http://127.0.0.1:9"))


MISTYPED = [("thing", TOKEN), ("a/b/c", TOKEN), ("../x", TOKEN), ("me/thing", ""), ("me/thing", "a b c d e f g h\r\nX: y")]


@pytest.mark.parametrize(("repo", "token"), MISTYPED)
def test_bad_names_and_tokens_never_reach_the_network(repo: str, token: str) -> None:
    saved()
    with pytest.raises(Refusal):
        registry.push_to_hub("one", repo, token, api=None)


# loaded models


def test_loaded_models_are_kept_dropped_by_age_and_used_by_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.forget()
    for slug in ("a", "b", "c"):
        saved(slug)
    with registry.loaded("a") as first:
        pass
    with registry.loaded("a") as again:
        assert again is first
    size = sum(t.nbytes for t in first.state_dict().values())
    monkeypatch.setattr(cache, "MEMORY_BYTES", 2 * size)
    for slug in ("b", "a", "c"):  # b was used longest ago
        with registry.loaded(slug):
            pass
    assert [key[0] for key in cache._held] == ["a", "c"]
    with registry.loaded("a") as again:
        assert again is first

    busy, order = threading.Event(), []

    def other() -> None:
        busy.wait()
        with registry.loaded("a"):
            order.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    with registry.loaded("a"):
        busy.set()
        with registry.loaded("c"):  # another model is free meanwhile
            time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_a_model_that_cannot_be_loaded_leaves_nothing_behind() -> None:
    cache.forget()
    saved().weights.write_bytes(b"x")
    with pytest.raises(Refusal), registry.loaded("one"):
        pass
    assert not cache._held


def test_a_new_model_under_an_old_name_is_not_mistaken_for_it() -> None:
    saved()
    with registry.loaded("one") as old:
        pass
    registry.delete("one")
    registry.save(perturbed(seed=9), card())
    with registry.loaded("one") as new:
        assert new is not old and new.count == 50


# drawing


def test_samples_depend_on_the_seed_alone() -> None:
    model = perturbed()
    a, labels = draw(model, 230, seed=5)
    b, _ = draw(model, 230, seed=5)
    c, _ = draw(model, 230, seed=6)
    assert a.equal(b) and not a.equal(c)
    assert labels is not None and labels.tolist() == [i % 10 for i in range(230)]
    assert draw(model, 100, seed=5)[0].equal(a[:100])


def test_a_class_is_asked_for_by_number_or_name_in_either_language() -> None:
    model = perturbed()
    assert label_of(model, "7") == label_of(model, "数字7") == label_of(model, 7) == 7
    x, labels = draw(model, 3, label=7)
    assert labels is not None and labels.tolist() == [7, 7, 7]
    assert torch.allclose(x, torch.full_like(x, 0.7), atol=0.03)
    with pytest.raises(Refusal, match="choose from 0, 1"):
        label_of(model, "11")
    with pytest.raises(Refusal, match="not trained with labels"):
        label_of(perturbed(POINTS), "1")


def test_what_comes_along_is_whole_and_known_by_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", home.PROJECT / "checkpoints" / "shipped")
    shipped = [e for e in registry.entries() if e.shipped]
    assert {"mnist-gan", "mnist-autoencoder", "mnist-vae", "mnist-diffusion"} <= {e.slug for e in shipped}
    assert sum(e.bytes for e in shipped) < 60e6
    for e in shipped:
        assert registry.verify(e.slug) == [] and e.card.quality and e.card.licence and e.samples
        assert not e.card.owner and not e.card.run


def test_what_was_measured_follows_a_model_and_goes_with_it() -> None:
    saved("a")
    folder = home.evaluations_folder()
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    (folder / "a" / "digits.json").write_text('{"slug": "a", "n": 3}')
    (folder / "a" / "torn.json").write_text("{")
    (folder / "b" / "old.json").write_text('{"slug": "b"}')  # of a model that is long gone
    registry.rename("a", "b")
    assert json.loads((folder / "b" / "digits.json").read_text()) == {"slug": "b", "n": 3}
    assert sorted(p.name for p in folder.rglob("*.json")) == ["digits.json", "torn.json"] and not (folder / "a").exists()
    registry.delete("b")
    assert not (folder / "b").exists()


def test_a_network_of_billions_of_weights_is_refused_before_there_is_room_for_it() -> None:
    spec = spec_of("mnist")
    config = {"width": 1024, "depth": 12, "attention": True}  # each within its bounds
    before = psutil.Process().memory_info().rss
    with pytest.raises(Refusal, match="million weights"):
        registry.build("diffusion", config, spec)
    assert psutil.Process().memory_info().rss - before < 2 * 10**9
    assert registry.build("diffusion", {"width": 64}, spec).denoiser is not None
