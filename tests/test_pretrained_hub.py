"""Pretrained models fetched from a small Hub that misbehaves, and loaded by transformers and diffusers themselves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_hub import COMMIT, FakeHub
from PIL import Image
from tiny_pretrained import BUILDERS, repository, written

from aigc.data import fetch
from aigc.data.sources import downloads_folder
from aigc.knobs import Switch
from aigc.pretrained import Stopped, architecture, hub, layout, shelf
from aigc.pretrained.catalogue import COMPLETE, Entry, Task, entries, find
from aigc.pretrained.fit import fit, free_memory, needed, stays_on_cpu
from aigc.words import Refusal, Words, both

BY_SLUG = {e.slug: e for e in entries() if not e.shipped}
GPT2, PAINTER = BY_SLUG["gpt2"], BY_SLUG["sd-1.5"]
GO = threading.Event()  # never set


@pytest.fixture(autouse=True)
def empty_shelf() -> Iterator[None]:
    yield
    shelf.unload()


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr("aigc.data.remote._mirror", "")
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(fetch, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(hub, "SPARE", 0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub({e.repo: repository(e) for e in (GPT2, PAINTER)}) as running:
        running.faults.chunk = 4096
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def fetched(entry: Entry, stop: threading.Event = GO) -> list[hub.Progress]:
    return list(hub.download(entry, stop))


def there(entry: Entry) -> Path:
    folder = hub.here(entry)
    assert folder is not None
    return folder


def refused(entry: Entry) -> str:
    """What a person is told, in both languages; it names the model."""
    with pytest.raises(Refusal) as refusal:
        fetched(entry)
    words = refusal.value.words
    assert entry.title.en in words.en and entry.title.zh in words.zh
    assert "Traceback" not in words.en and hub.here(entry) is None
    return words.en


def weights(server: FakeHub) -> list[str]:
    """The safetensors that were asked for."""
    return [path for method, path, *_ in server.requests if "/resolve/" in path and path.endswith(".safetensors")]


def partials() -> list[Path]:
    return list(downloads_folder().rglob("*.partial"))


# every architecture of the catalogue
def writes(folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    ids = words("你好, hello", return_tensors="pt").input_ids
    assert model.generate(ids, max_new_tokens=2, min_new_tokens=2, do_sample=False).shape[1] == ids.shape[1] + 2


def rewrites(folder: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    assert model.generate(words("hello", return_tensors="pt").input_ids, max_new_tokens=3).shape[1] >= 2


def enlarges(folder: Path) -> None:
    from transformers import Swin2SRForImageSuperResolution

    model = Swin2SRForImageSuperResolution.from_pretrained(folder, local_files_only=True)
    with torch.inference_mode():
        assert model(torch.rand(1, 3, 16, 16)).reconstruction.shape == (1, 3, 32, 32)


def paints(folder: Path) -> None:
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, variant=layout.variant(folder))
    pipe.set_progress_bar_config(disable=True)
    picture = Image.fromarray(np.full((64, 64, 3), 128, np.uint8))
    name = type(pipe).__name__
    how: dict[str, Any] = {"prompt": "a red seven", "num_inference_steps": 2, "height": 64, "width": 64}
    if name == "DDPMPipeline":
        how = {"num_inference_steps": 2}
    elif name == "StableDiffusionInpaintPipeline":
        how |= {"image": picture, "mask_image": picture.convert("L")}
    elif name == "StableDiffusionUpscalePipeline":
        how = {"prompt": "a red seven", "num_inference_steps": 2, "image": picture.resize((16, 16))}
    image = pipe(generator=torch.Generator().manual_seed(0), **how).images[0]
    assert image.size == ((64, 64) if name != "DDPMPipeline" else (16, 16))


RUNS: dict[str, Callable[[Path], None]] = {"causal": writes, "seq2seq": rewrites, "swin2sr": enlarges, "diffusers": paints}


def test_every_model_of_the_catalogue_has_a_tiny_likeness():
    assert set(BUILDERS) == set(BY_SLUG)


@pytest.mark.parametrize("slug", list(BY_SLUG))
def test_a_model_of_each_architecture_is_fetched_loaded_and_runs(slug: str, monkeypatch: pytest.MonkeyPatch):
    entry = BY_SLUG[slug]
    files = repository(entry)
    with FakeHub({entry.repo: files}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        fetched(entry)
    folder = there(entry)
    assert layout.family(folder) == entry.family
    assert not any(name.endswith((".bin", ".lock", ".partial", ".md")) for name in layout.files(folder))
    kinds = {layout.WEIGHTS.fullmatch(Path(n).name)["variant"] or "" for n in layout.files(folder) if n.endswith("safetensors")}  # type: ignore[index]
    assert kinds == {entry.variant}, "the other half of the bytes is not fetched"
    as_it_is = shelf.Setup(offload=Switch.OFF, slicing=Switch.OFF, compile=Switch.OFF)  # a folder cannot be told to be sliced
    with shelf.lent(entry, lambda folder, device, dtype: folder, GO, setup=as_it_is) as lent:  # every check on the way to the shelf
        RUNS[entry.family](lent)


# the download itself
def test_the_first_download_tells_its_progress_and_the_second_asks_nothing(server: FakeHub):
    told = [p for p in fetched(GPT2) if p.total]
    assert {p.total for p in told} == {
        sum(len(server.repos["models/openai-community/gpt2"][n]) for n in layout.files(there(GPT2)) if n != hub.COMPLETE)
    }
    assert [p.done for p in told] == sorted(p.done for p in told) and told[-1].done == told[-1].total
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= {p.file for p in told}
    server.requests.clear()
    assert fetched(GPT2) == [] and not server.requests


def test_only_what_the_pipeline_needs_is_fetched(server: FakeHub):
    fetched(GPT2)
    asked = [path.split("/resolve/")[1].split("/", 1)[1] for _, path, *_ in server.requests if "/resolve/" in path]
    assert "pytorch_model.bin" not in asked and "onnx/config.json" not in asked and "README.md" not in asked


@pytest.mark.parametrize(("revision", "commit"), [(GPT2.revision, GPT2.revision), ("main", COMMIT)])
def test_every_file_is_of_one_commit(server: FakeHub, revision: str, commit: str):
    entry = replace(GPT2, revision=revision)
    fetched(entry)
    assert {path.split("/resolve/")[1].split("/")[0] for _, path, *_ in server.requests if "/resolve/" in path} == {commit}
    assert there(entry).name == commit and (hub.here(replace(GPT2, revision="f" * 40)) is None)


def test_a_cut_connection_is_resumed_where_it_broke(server: FakeHub):
    fetched(replace(GPT2))
    hub.remove(GPT2)
    whole = len(server.fetched())
    server.requests.clear()
    server.faults.cut_after = [10**9] * (whole - 1) + [20_000]  # the weights come last
    fetched(GPT2)
    assert server.fetched()[-2:] == ["bytes=0-", "bytes=20000-"]
    assert there(GPT2)


def test_a_download_that_was_stopped_goes_on_where_it_was(server: FakeHub):
    stop = threading.Event()
    with pytest.raises(Stopped):
        for progress in hub.download(GPT2, stop):
            if progress.file == "tokenizer.json":
                stop.set()
    assert hub.here(GPT2) is None
    server.requests.clear()
    fetched(GPT2)
    assert "generation_config.json" not in {path.rpartition("/")[2] for _, path, *_ in server.requests}, "what is here is not fetched again"
    assert there(GPT2) and not partials()


def test_cancelling_takes_effect_within_a_chunk(server: FakeHub):
    server.faults.chunk, server.faults.seconds_a_chunk = 1024, 0.05
    stop = threading.Event()
    began = 0.0
    with pytest.raises(Stopped):
        for progress in hub.download(GPT2, stop):
            if progress.file == "model.safetensors" and progress.done and not stop.is_set():
                stop.set()
                began = time.monotonic()
    assert time.monotonic() - began < 0.5
    (partial,) = partials()
    had = partial.stat().st_size
    server.faults.seconds_a_chunk = 0.0
    server.requests.clear()
    last = fetched(GPT2)[-1]
    assert server.fetched()[-1] == f"bytes={had}-"
    before = sum(file.stat().st_size for file in there(GPT2).iterdir() if file.name not in ("model.safetensors", COMPLETE))
    assert last.done == last.total and last.had == before + had, "the pace of a download is that of what it brought"


def test_cancelling_works_while_nothing_arrives(server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "STALL_SECONDS", 30.0)
    server.faults.silent_after = 0
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        fetched(GPT2, stop)
    assert time.monotonic() - began < 3


def test_nobody_listening_ends_the_download(server: FakeHub):
    server.faults.chunk, server.faults.seconds_a_chunk = 1024, 0.02
    progress = hub.download(GPT2, threading.Event())
    next(progress)
    progress.close()
    assert not any(t.name.startswith("fetch") for t in threading.enumerate())


def test_two_users_at_once_fetch_every_byte_once(server: FakeHub):
    server.faults.chunk, server.faults.seconds_a_chunk = 8192, 0.02
    failures: list[BaseException] = []

    def one() -> None:
        try:
            fetched(GPT2)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(weights(server)) == 1 and there(GPT2)


def test_a_wrong_checksum_deletes_the_file_and_says_so(server: FakeHub):
    server.faults.wrong_sums = True
    assert "wrong checksum" in refused(GPT2)
    assert not partials()
    server.faults.wrong_sums = False
    fetched(GPT2)
    assert there(GPT2)


def test_offline_says_so_in_one_sentence_and_asks_nothing(server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    words = refused(GPT2)
    assert "HF_HUB_OFFLINE" in words and words.count(". ") == 0
    assert not server.requests


def test_no_network_ends_soon_and_names_the_way_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    began = time.monotonic()
    assert "mirror" in refused(GPT2)
    assert time.monotonic() - began < 5


def test_a_gated_repository_says_how_to_be_let_in(server: FakeHub):
    server.faults.gated = True
    words = refused(GPT2)
    assert "401" in words and "HF_TOKEN" in words and GPT2.repo in words


def test_a_repository_that_is_not_there(server: FakeHub):
    words = refused(find(Task.CHAT, "nobody/nothing"))
    assert "no such repository" in words


def test_a_file_that_is_listed_and_not_there(server: FakeHub):
    server.faults.lost = "model.safetensors"
    assert "404" in refused(GPT2)


def test_a_hotels_login_page_is_not_a_hub(server: FakeHub):
    server.faults.login_page = True
    assert "does not answer" in refused(GPT2)


def test_a_listing_in_pages_is_read_to_its_end(server: FakeHub):
    server.faults.a_page = 2
    fetched(PAINTER)
    assert layout.is_complete(there(PAINTER), "fp16")


def test_a_full_disk_is_noticed_before_it_is_filled(server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.data.remote.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    assert "make room" in refused(GPT2)
    assert not weights(server)


def test_a_folder_that_cannot_be_written(server: FakeHub, aigc_home: Path):
    (aigc_home / "cache").write_text("a file where a folder should be")
    assert "cannot be stored" in refused(GPT2)


def test_a_file_that_was_damaged_afterwards_is_not_taken_for_the_model(server: FakeHub):
    fetched(GPT2)
    (there(GPT2) / "model.safetensors").write_bytes(b"short")
    assert hub.here(GPT2) is None
    fetched(GPT2)
    assert there(GPT2)


def spoilt(good: bytes) -> dict[str, bytes]:
    """A file of weights in every way that it can be broken."""
    return {
        "empty": b"",
        "cut in its header": good[:300],
        "cut in its numbers": good[:-100],
        "too long": good + b"x",
        "garbage": b"\xff" * len(good),
        "no settings": (20).to_bytes(8, "little") + b"x" * (len(good) - 8),
        "a pointer": b"version https://git-lfs.github.com/spec/v1",
    }


@pytest.mark.parametrize("how", spoilt(b""))
def test_a_damaged_file_of_weights_is_told_and_the_next_download_mends_it(server: FakeHub, how: str):
    fetched(GPT2)
    path = there(GPT2) / "model.safetensors"
    good = path.read_bytes()
    path.write_bytes(spoilt(good)[how])
    assert fit(GPT2).words.en and hub.here(GPT2) is None
    with pytest.raises(Refusal, match=r"file model\.safetensors of GPT-2 is damaged"), shelf.lent(GPT2, lambda folder, *_: folder, GO):
        pass
    server.requests.clear()
    fetched(GPT2)
    assert len(weights(server)) == 1 and len(server.fetched()) <= 3, "nothing else but the settings is asked for"
    assert path.read_bytes() == good and there(GPT2)


def test_a_damaged_model_that_comes_along_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.home.SHIPPED", tmp_path)
    folder = written(GPT2, tmp_path / "pretrained" / "verse")
    (folder / "card.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"short")
    verse = find(Task.CONTINUE, "verse")
    assert fit(verse).fits
    with pytest.raises(Refusal, match="comes along"), shelf.lent(verse, lambda folder, *_: folder, GO):
        pass


def test_a_damaged_snapshot_is_fetched(server: FakeHub, tmp_path: Path):
    snapshot = in_cache(GPT2, tmp_path / "hf")
    (snapshot / "model.safetensors").write_bytes(b"short")
    assert hub.here(GPT2) is None
    fetched(GPT2)
    assert there(GPT2) != snapshot and (snapshot / "model.safetensors").read_bytes() == b"short", "what is not ours stays"


def test_removing_a_model_frees_its_bytes(server: FakeHub):
    fetched(GPT2)
    assert hub.remove(GPT2) > 10_000
    assert hub.here(GPT2) is None


def test_the_mirror_is_asked_instead_and_gets_no_token(server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    hub.set_mirror(f"{server.url}/")
    fetched(GPT2)
    assert there(GPT2) and {token for *_, token in server.requests} == {""}
    hub.set_mirror("")
    for bad in ("file:///etc", "hf-mirror.com", "https://user:pass@host", "https://host/?q=1"):
        with pytest.raises(Refusal):
            hub.set_mirror(bad)


def test_the_token_goes_to_the_hub_and_is_never_shown(server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    server.faults.gated = True
    assert "hf_canary" not in refused(GPT2)
    assert server.requests[0][3] == "Bearer hf_canary"


# looked at before it is fetched
def test_a_repository_is_looked_at_before_it_is_fetched(server: FakeHub):
    entry = own(Task.TEXT_TO_IMAGE, repository(PAINTER), server)
    found = hub.look(entry)
    assert (found.licence, found.family, found.slug) == ("apache-2.0", "diffusers", entry.slug) and not weights(server)
    fetched(entry)
    assert found.download_bytes == sum((there(entry) / name).stat().st_size for name in layout.files(there(entry)) if name != hub.COMPLETE)
    with pytest.raises(Refusal, match="TheirForCausalLM"):
        hub.look(own(Task.CHAT, {"config.json": b'{"architectures": ["TheirForCausalLM"]}', "model.safetensors": b""}, server))


@pytest.mark.parametrize("told", [0, 50_000])
def test_whether_a_repository_of_ones_own_fits_is_said_before_it_is_fetched(server: FakeHub, monkeypatch: pytest.MonkeyPatch, told: int):
    server.parameters = told
    entry = hub.look(own(Task.CHAT, repository(BY_SLUG["qwen3-0.6b"]), server))
    setup = shelf.Setup(device=shelf.Device.CPU, dtype=shelf.Number.FLOAT32)
    before = fit(entry, setup, spare=lambda device: 10**11)
    assert before.fits and "Fits: about" in before.words.en
    if told:
        assert (before.need, entry.gpu_bytes) == (int(4 * told * 1.15), int(2 * told * 1.15))
    monkeypatch.setattr("aigc.pretrained.fit.free_memory", lambda device: 1000)
    assert not fit(entry, setup).fits
    fetched(entry)
    after = needed(entry, "cpu", "float32", there(entry))
    assert told or 0.9 * after < before.need < 1.2 * after, "by the bytes of its files much the same"


def test_the_licence_of_a_fetched_repository_of_ones_own_is_kept(server: FakeHub):
    entry = own(Task.CONTINUE, repository(GPT2), server)
    assert entry.licence == "unknown"
    fetched(entry)
    server.requests.clear()
    assert find(Task.CONTINUE, entry.repo).licence == "apache-2.0" and not server.requests


# what may be loaded
def own(task: Task, files: dict[str, bytes], server: FakeHub) -> Entry:
    server.repos["models/someone/thing"] = files
    return find(task, "someone/thing")


def test_a_repository_of_ones_own_is_fetched_and_lent(server: FakeHub):
    entry = own(Task.CONTINUE, repository(GPT2), server)
    fetched(entry)
    with shelf.lent(entry, lambda folder, device, dtype: folder, GO) as folder:
        writes(folder)


@pytest.mark.parametrize(
    ("task", "config", "named"),
    [
        (Task.CHAT, {"architectures": ["BertForMaskedLM"], "model_type": "bert"}, "BertForMaskedLM"),
        (
            Task.CHAT,
            {"architectures": ["TheirForCausalLM"], "model_type": "theirs", "auto_map": {"AutoModelForCausalLM": "code.Theirs"}},
            "TheirForCausalLM",
        ),
        (Task.SUMMARISE, {"architectures": ["ViTForImageClassification"]}, "ViTForImageClassification"),
        (Task.UPSCALE, {"architectures": ["GPT2LMHeadModel"]}, "GPT2LMHeadModel"),
        (Task.CONTINUE, {"architectures": ["LlamaForCausalLM"], "quantization_config": {"quant_method": "gptq"}}, "gptq"),
        (Task.CONTINUE, {"architectures": []}, "?"),
        (Task.CONTINUE, {"architectures": ["LlamaForCausalLM"], "model_type": "llama-of-tomorrow"}, "llama-of-tomorrow"),
        (Task.CHAT, {"architectures": ["LlamaForCausalLM"]}, "LlamaForCausalLM"),
        (Task.SUMMARISE, {"architectures": ["BartForConditionalGeneration"], "model_type": ["bart"], "is_encoder_decoder": True}, "bart"),
    ],
)
def test_an_architecture_that_nobody_here_can_load_is_refused_before_its_weights_come(server: FakeHub, task: Task, config: Any, named: str):
    entry = own(task, {"config.json": json.dumps(config).encode(), "model.safetensors": b"x" * 50_000}, server)
    assert named in refused(entry)
    assert not weights(server)


@pytest.mark.parametrize(
    ("task", "change", "named"),
    [
        (Task.TEXT_TO_IMAGE, {"_class_name": "TheirPipeline"}, "TheirPipeline"),
        (Task.TEXT_TO_IMAGE, {"_class_name": "DDPMPipeline"}, "DDPMPipeline"),
        (Task.UNCONDITIONAL, {}, "StableDiffusionPipeline"),
        (Task.TEXT_TO_IMAGE, {"_class_name": "StableDiffusionInpaintPipeline"}, "StableDiffusionInpaintPipeline"),
        (Task.TEXT_TO_IMAGE, {"unet": ["their_code", "UNet"]}, "their_code"),
        (Task.TEXT_TO_IMAGE, {"unet": ["diffusers", "NoSuchNetwork"]}, "NoSuchNetwork"),
    ],
)
def test_a_pipeline_that_nobody_here_can_load_is_refused(server: FakeHub, task: Task, change: Any, named: str):
    files = repository(PAINTER)
    files["model_index.json"] = json.dumps({**json.loads(files["model_index.json"]), **change}).encode()
    assert named in refused(own(task, files, server))
    assert not weights(server)


def test_a_pipeline_that_still_says_feature_extractor_is_loaded(server: FakeHub):
    files = repository(PAINTER)
    files["model_index.json"] = files["model_index.json"].replace(b"CLIPImageProcessor", b"CLIPFeatureExtractor")
    entry = own(Task.TEXT_TO_IMAGE, files, server)
    fetched(entry)
    paints(there(entry))


def test_pickled_weights_are_refused(server: FakeHub):
    files = {name: content for name, content in repository(GPT2).items() if not name.endswith(".safetensors")}
    assert "pytorch_model.bin" in refused(own(Task.CONTINUE, files, server))
    files = repository(PAINTER)
    for name in [n for n in files if n.startswith("unet/diffusion")]:
        del files[name]
    files["unet/diffusion_pytorch_model.bin"] = b"pickle"
    assert "safetensors" in refused(own(Task.TEXT_TO_IMAGE, files, server))


def test_missing_parts_are_named(server: FakeHub):
    files = {name: content for name, content in repository(PAINTER).items() if not name.startswith("vae/")}
    assert "vae" in refused(own(Task.TEXT_TO_IMAGE, files, server))
    shards = repository(BY_SLUG["qwen3-4b"])
    del shards["model-00002-of-00003.safetensors"]
    assert "missing" in refused(own(Task.CHAT, shards, server))
    assert "neither" in refused(own(Task.CHAT, {"README.md": b"nothing"}, server))
    assert "neither" in refused(own(Task.CHAT, {"config.json": b"[not json"}, server))


def without_words(slug: str) -> dict[str, bytes]:
    return {name: content for name, content in repository(BY_SLUG[slug]).items() if not name.startswith(("tokenizer", "vocab", "merges"))}


@pytest.mark.parametrize(("slug", "task"), [("qwen3-0.6b", Task.CHAT), ("bart-large-cnn", Task.SUMMARISE)])
def test_a_language_model_without_a_tokenizer_is_refused_before_its_weights_come(server: FakeHub, slug: str, task: Task):
    files = without_words(slug)
    entry = own(task, files, server)
    assert "no tokenizer" in refused(entry)
    files[layout.WORDS] = b'{"tokenizer_class": "PreTrainedTokenizerFast"}'
    assert "no tokenizer" in refused(entry)
    with pytest.raises(Refusal, match="no tokenizer"):
        hub.look(entry)
    assert not weights(server)


def test_a_pipeline_without_its_vocabulary_is_refused_too(server: FakeHub):
    files = {n: content for n, content in repository(PAINTER).items() if n not in ("tokenizer/vocab.json", "tokenizer/tokenizer.json")}
    assert "no tokenizer" in refused(own(Task.TEXT_TO_IMAGE, files, server))
    assert not weights(server)


def test_a_model_that_reads_bytes_needs_no_vocabulary(server: FakeHub):
    entry = own(Task.CONTINUE, {**without_words("gpt2"), layout.WORDS: b'{"tokenizer_class": "ByT5Tokenizer"}'}, server)
    fetched(entry)
    assert layout.is_complete(there(entry))


def test_nothing_is_written_outside_the_models_folder(server: FakeHub, aigc_home: Path):
    files = repository(PAINTER)
    files["model_index.json"] = json.dumps({**json.loads(files["model_index.json"]), "..": ["diffusers", "UNet2DConditionModel"]}).encode()
    files["../config.json"] = b"{}"
    files["../diffusion_pytorch_model.safetensors"] = b"evil"
    refused(own(Task.TEXT_TO_IMAGE, files, server))
    assert not list(aigc_home.rglob("evil")) and b"evil" not in [p.read_bytes() for p in aigc_home.rglob("*.safetensors")]


# the user's own cache
def in_cache(entry: Entry, cache: Path) -> Path:
    base = cache / f"models--{entry.repo.replace('/', '--')}"
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text(entry.revision)
    written(entry, base / "snapshots" / entry.revision)
    return base / "snapshots" / entry.revision


def test_a_snapshot_in_the_hugging_face_cache_is_used_where_it_is(server: FakeHub, tmp_path: Path):
    snapshot = in_cache(PAINTER, tmp_path / "hf")
    assert hub.here(PAINTER) == hub.here(replace(PAINTER, revision="main")) == snapshot
    assert fetched(PAINTER) == [] and not server.requests
    (snapshot / "unet" / "config.json").with_name("diffusion_pytorch_model.fp16.safetensors").unlink()
    assert hub.here(PAINTER) == snapshot, "the plain weights are there too"
    (snapshot / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    assert hub.here(PAINTER) is None, "half a model is no model"


def test_a_snapshot_without_its_vocabulary_is_fetched(server: FakeHub, tmp_path: Path):
    snapshot = in_cache(GPT2, tmp_path / "hf")
    assert hub.here(GPT2) == snapshot
    for path in [*snapshot.glob("tokenizer.*"), *snapshot.glob("vocab.*")]:
        path.unlink()
    assert hub.here(GPT2) is None, "who only read its weights has not its words"


def test_an_empty_file_is_a_file(server: FakeHub):
    server.repos[f"models/{GPT2.repo}"]["added_tokens.txt"] = b""
    fetched(GPT2)
    assert (there(GPT2) / "added_tokens.txt").read_bytes() == b""


def test_what_lies_in_the_cache_is_checked_before_it_is_loaded(tmp_path: Path):
    entry = find(Task.CHAT, "someone/thing")
    base = tmp_path / "hf" / "models--someone--thing"
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text(COMMIT)
    folder = base / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"architectures": ["TheirForCausalLM"]}')
    (folder / "model.safetensors").write_bytes(repository(GPT2)["model.safetensors"])
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(Refusal, match="TheirForCausalLM"), shelf.lent(entry, lambda *_: 1, GO):
        pass


# the table
def test_a_public_page_runs_only_what_is_listed():
    assert find(Task.CONTINUE, "someone/thing").own
    with pytest.raises(Refusal, match="someone/thing"):
        find(Task.CONTINUE, "someone/thing", public=True)
    assert find(Task.CONTINUE, GPT2.repo, public=True) == find(Task.CONTINUE, "gpt2", public=True) == GPT2
    for bad in ("no such", "../etc/passwd", "a/b/c", "https://host/x", "a/..", "-/-"):
        with pytest.raises(Refusal):
            find(Task.CONTINUE, bad)


def test_every_task_has_a_choice_for_a_cpu_and_one_for_a_gpu():
    for task in Task:
        listed = [e for e in entries() if task in e.tasks]
        if task is not Task.STYLE:  # it comes along
            assert any(e.cpu_bytes for e in listed) and any(e.gpu_bytes for e in listed)
    for e in entries():
        assert e.licence and e.expect.zh and e.download_bytes > 10**6 and e.family and e.gpu_bytes


def test_shipped_models_appear_with_their_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.home.SHIPPED", tmp_path)
    folder = tmp_path / "pretrained" / "verse"
    folder.mkdir(parents=True)
    assert "verse" not in [e.slug for e in entries()]
    (folder / "card.json").write_text('{"title": {"en": "Poet", "zh": "诗人"}, "licence": "CC0"}')
    first = find(Task.CONTINUE)
    assert (first.slug, first.title.zh, first.licence, first.shipped) == ("verse", "诗人", "CC0", True) and hub.here(first) == folder
    assert first.licensed == Words("CC0", "CC0")
    (folder / "card.json").write_text("{}")
    assert find(Task.CONTINUE).licensed == Words("as AIGC Lab", "与 AIGC 实验室相同")
    faces = tmp_path / "pretrained" / "faces-diffusion-pipeline"
    faces.mkdir()
    (faces / "model_index.json").write_text('{"_class_name": "DDPMPipeline"}')
    assert find(Task.UNCONDITIONAL).slug == "ddpm-cifar10"
    (faces / "card.json").write_text("{}")
    assert find(Task.UNCONDITIONAL).slug == "faces-diffusion-pipeline"


def test_what_fits_is_said(server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.pretrained.fit.free_memory", lambda device: 6 * 10**9)
    small, large = fit(GPT2), fit(BY_SLUG["qwen3-4b"])
    assert small.fits and "Fits" in small.words.en and not large.fits and "6.0 GB" in large.words.en
    assert small.device in ("cpu", "cuda", "mps") and small.dtype in ("float32", "bfloat16", "float16")
    assert fit(GPT2, shelf.Setup(device=shelf.Device.CPU, dtype=shelf.Number.FLOAT32)).dtype == "float32"
    on_a_cpu = fit(BY_SLUG["sd-x4-upscaler"], shelf.Setup(device=shelf.Device.CPU), spare=lambda device: 10**11).words
    assert "on the CPU" in on_a_cpu.en and "none here" not in on_a_cpu.en, "there may be a GPU, and the CPU was asked for"
    half, whole = (needed(GPT2, "cuda", dtype, None) for dtype in ("bfloat16", "float32"))
    assert whole > 1.5 * half == 1.5 * GPT2.gpu_bytes, "a GPU needs more for 32 bits, before the files are here too"
    monkeypatch.setattr("aigc.pretrained.fit.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**6}))
    assert "disk" in fit(GPT2).words.en
    whole, part = fit(GPT2).disk_need, hub._folder(GPT2) / GPT2.revision / "model.safetensors.partial"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(5000))
    assert fit(GPT2).disk_need == whole - 5000, "what has arrived needs no more room"
    fetched(GPT2)
    assert fit(GPT2).disk_need == 0 and fit(GPT2).fits


@pytest.mark.parametrize("fast", [False, True])
def test_a_kind_of_number_that_this_cpu_is_slow_at_is_told(fast: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.train.devices.FAST_BFLOAT16", fast)
    monkeypatch.setattr("aigc.pretrained.fit.free_memory", lambda device: 6 * 10**9)

    def told(number: shelf.Number) -> str:
        return fit(GPT2, shelf.Setup(device=shelf.Device.CPU, dtype=number)).words.en

    assert "many times longer" in told(shelf.Number.FLOAT16)
    assert ("many times longer" in told(shelf.Number.BFLOAT16)) is not fast
    assert "many times longer" not in told(shelf.Number.AUTO) + told(shelf.Number.FLOAT32)


def test_shards_are_found_however_they_are_numbered() -> None:
    for stem in ("model", "model.safetensors"):
        shards = [f"{stem}-0000{i}-of-00002.safetensors" for i in (1, 2)]
        names = ["config.json", "model.safetensors.index.json", "tokenizer.json", *shards]
        assert set(layout.wanted(names, None)) == set(names)


@pytest.mark.parametrize(("names", "told", "family"), [
    (["Qwen3ForCausalLM"], {}, "causal"),
    (["Qwen3_5ForConditionalGeneration"], {}, "causal"),
    (["Gemma3ForConditionalGeneration"], {}, "causal"),
    (["T5ForConditionalGeneration"], {"is_encoder_decoder": True}, "seq2seq"),
    (["Swin2SRForImageSuperResolution"], {}, "swin2sr"),
    ([], {}, ""),
])  # fmt: skip
def test_what_a_model_is_by_what_it_says(names: list[str], told: dict[str, Any], family: str) -> None:
    assert layout.family_of({"architectures": names, **told}, pipeline=False) == family


def test_a_model_that_sees_too_may_write_but_not_any_class_of_that_name() -> None:
    entry = Entry("mine/one", both("one", "one"), (Task.CHAT,), "", both("", ""))
    architecture.check(entry, {"architectures": ["Qwen3_5ForConditionalGeneration"], "model_type": "qwen3_5"}, pipeline=False)
    for kind, of in (("EvilForConditionalGeneration", "qwen3_5"), ("Qwen3_5ForConditionalGeneration", "evil"), ("Qwen3_5Model", "qwen3_5")):
        with pytest.raises(Refusal, match="cannot load"):
            architecture.check(entry, {"architectures": [kind], "model_type": of}, pipeline=False)


def test_what_the_kernel_gives_back_when_asked_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, said in (("memory.max", "16000"), ("memory.current", "15000"), ("memory.stat", "anon 2000\ninactive_file 9000\nactive_file 3000\n")):
        (tmp_path / name).write_text(said)
    monkeypatch.setattr("aigc.pretrained.fit.CGROUP", tmp_path)
    assert free_memory("cpu") == 13000
    (tmp_path / "memory.max").write_text("max")
    assert free_memory("cpu") > 10**6


def test_what_stays_on_the_cpu_is_known_without_asking_the_machine() -> None:
    verse = Entry("verse", both("verse", "诗句"), (Task.CONTINUE,), "causal", both("", ""))
    assert stays_on_cpu(verse) and not stays_on_cpu(GPT2) and not stays_on_cpu(PAINTER)
    assert not stays_on_cpu(verse, shelf.Setup(device=shelf.Device.CUDA)) and stays_on_cpu(PAINTER, shelf.Setup(device=shelf.Device.CPU))
    assert fit(verse).device == "cpu"
