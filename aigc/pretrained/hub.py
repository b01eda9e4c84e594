"""Brings a pretrained model here: from the Hub or a mirror, continued where it was cut, checked before it is used; and knows what is here.

Models land in `cache/downloads/models/<owner>/<name>/<commit>`; COMPLETE is written last.  What the user's Hugging Face cache
holds already is used from there and never fetched twice.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from aigc.data.fetch import Stalled, client, fetch, patiently, still_to_come
from aigc.data.remote import RemoteFile, Sentences, check_room, endpoint, headers, in_words, set_mirror, tree
from aigc.data.sources import downloads_are_off, downloads_folder
from aigc.home import bytes_in
from aigc.pretrained import Stopped, architecture, layout
from aigc.pretrained.catalogue import COMPLETE, Entry, shipped_at
from aigc.words import Refusal, both

__all__ = ["Progress", "arrived", "download", "family", "here", "is_off", "look", "remove", "set_mirror", "to_come"]

COMMIT = re.compile(r"[0-9a-f]{40}")
LISTEN_SECONDS = 0.1  # between two looks at the stop event
SPARE = 2 * 10**9  # bytes of disk that a download leaves free
MOST_SETTINGS = 10**6  # bytes of a config.json that is one

OFFLINE = both(
    "{title} is not on this machine, and downloads are switched off (HF_HUB_OFFLINE): unset it, or choose a model that comes along.",
    "本机没有 {title}，而且已关闭下载（HF_HUB_OFFLINE）：请取消该设置，或选用随附的模型。",
)
SENTENCES = Sentences(
    no_answer=both(
        "{host} does not answer, so {title} cannot be fetched: check the network, or name a mirror, and start again. What has arrived is kept.",
        "{host} 没有响应，无法获取 {title}：请检查网络，或填写镜像地址，然后重新开始。已下载的部分会保留。",
    ),
    busy=both(
        "{host} cannot serve {title} just now (HTTP {status}): start again in a few minutes. What has arrived is kept.",
        "{host} 暂时无法提供 {title}（HTTP {status}）：请过几分钟再开始。已下载的部分会保留。",
    ),
    not_allowed=both(
        "{host} does not let us download {title} (HTTP {status}): there is no such repository, or it is gated; accept its terms at {page} "
        "and set HF_TOKEN to your token, or choose another model.",
        "{host} 不允许下载 {title}（HTTP {status}）：仓库不存在，或需要授权；请到 {page} 接受其条款并把 HF_TOKEN 设为你的令牌，或改用其他模型。",
    ),
    not_there=both(
        "{title} is not where it should be ({page}, HTTP {status}): check its name, or choose another model.",
        "{title} 不在应在的位置（{page}，HTTP {status}）：请核对名称，或改用其他模型。",
    ),
)
UNUSABLE = {
    "nothing": both(
        "{title} is no model of transformers or diffusers: it has neither model_index.json nor config.json.",
        "{title} 不是 transformers 或 diffusers 的模型：既没有 model_index.json，也没有 config.json。",
    ),
    "missing": both("{title} is incomplete at {page}: the weights of {what} are missing.", "{page} 上的 {title} 不完整：缺少 {what} 的权重。"),
    "wordless": both(
        "{title} has no tokenizer at {page}, and without one no model can read words: choose a repository that has tokenizer.json or a vocabulary.",
        "{page} 上的 {title} 没有分词器，模型没有它便读不了文字：请选择带有 tokenizer.json 或词表的仓库。",
    ),
    "pickled": both(
        "{title} keeps its weights as {what}, a format that can run code when it is opened; only safetensors are loaded here. "
        "Choose a repository that has them.",
        "{title} 的权重是 {what}，这种格式打开时可能运行代码；这里只加载 safetensors。请选择提供该格式的仓库。",
    ),
}


@dataclass(frozen=True)
class Progress:
    done: int  # bytes, of all files
    total: int
    file: str
    had: int = 0  # bytes of them that were here before


def is_off() -> bool:
    """Whether the user has switched downloads off."""
    return downloads_are_off()


def here(entry: Entry) -> Path | None:
    """The folder of the complete model on this disk: one that comes along, one fetched, or one in the user's Hugging Face cache."""
    if entry.shipped:
        return shipped_at(entry.slug)
    for folder in _fetched(entry):
        if _is_whole(folder):
            return folder
    return next((folder for folder in _cached(entry) if layout.is_complete(folder, entry.variant)), None)


def damaged(entry: Entry) -> str:
    """A file of a fetched model that cannot be opened any more, or ""; the next download fetches it again."""
    return next((name for folder in _fetched(entry) for name in layout.damaged(folder)), "")


def family(entry: Entry) -> str:
    """Which loader it needs; of a model of the user's own choice that is known once its files are here, and "" before."""
    folder = None if entry.family else here(entry)
    return layout.family(folder) if folder else entry.family


def _fetched(entry: Entry) -> list[Path]:
    """The folders of what was fetched of this model, the newest first."""
    commit = entry.revision if COMMIT.fullmatch(entry.revision) else "*"  # a branch is whatever was fetched of it last
    return sorted((sealed.parent for sealed in _folder(entry).glob(f"{commit}/{COMPLETE}")), key=lambda f: f.stat().st_mtime, reverse=True)


def _folder(entry: Entry) -> Path:
    return downloads_folder() / "models" / entry.repo


def _is_whole(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / COMPLETE).read_text("utf-8"))["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items()) and not layout.damaged(folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _cached(entry: Entry) -> Iterator[Path]:
    from huggingface_hub.constants import HF_HUB_CACHE

    base = Path(HF_HUB_CACHE, f"models--{entry.repo.replace('/', '--')}")
    try:
        commit = (base / "refs" / entry.revision).read_text("ascii").strip()
    except (OSError, ValueError):
        commit = entry.revision
    if commit and "/" not in commit and (base / "snapshots" / commit).is_dir():
        yield base / "snapshots" / commit


def remove(entry: Entry) -> int:
    """Deletes what was fetched of a model, half a download too; -> bytes.  What comes along and the user's Hugging Face cache stay."""
    if entry.shipped:
        return 0
    size = arrived(entry)
    shutil.rmtree(_folder(entry), ignore_errors=True)
    return size


def arrived(entry: Entry) -> int:
    """Bytes of what was fetched of a model, half a download too."""
    return bytes_in(_folder(entry))


def to_come(entry: Entry) -> int:
    """Bytes that a download would still fetch, about: what lies here of another commit is no part of it."""
    commit = entry.revision if COMMIT.fullmatch(entry.revision) else ""
    return 0 if here(entry) else max(0, entry.download_bytes - bytes_in(_folder(entry) / commit))


def download(entry: Entry, stop: threading.Event) -> Iterator[Progress]:
    """Brings the model's files here; ends when they are complete.  What arrived is kept, however this ends, and continued next time.

    Raises Refusal for whatever goes wrong, in bounded time, and Stopped within a moment of `stop`, even while nothing arrives.
    """
    if here(entry):
        return
    if is_off():
        raise Refusal(OFFLINE, title=entry.title)
    news: queue.SimpleQueue[Progress | BaseException | None] = queue.SimpleQueue()
    gone = threading.Event()  # nobody listens any more

    def tell(progress: Progress) -> None:
        if stop.is_set() or gone.is_set():
            raise Stopped
        news.put(progress)

    def work() -> None:
        try:
            _download(entry, tell)
            news.put(None)
        except BaseException as error:  # raised again where somebody listens
            news.put(error)

    thread = threading.Thread(target=work, name=f"fetch {entry.slug}", daemon=True)
    thread.start()
    try:
        while True:
            if stop.is_set():
                raise Stopped
            try:
                told = news.get(timeout=LISTEN_SECONDS)
            except queue.Empty:
                continue
            if told is None:
                return
            if isinstance(told, BaseException):
                raise told
            yield told
    finally:
        gone.set()
        thread.join(timeout=1.0)  # it lets go at the next chunk; where nothing arrives, when its patience ends


def look(entry: Entry) -> Entry:
    """The entry with what the Hub says of it: bytes to fetch, licence, kind.  Raises Refusal as `download` would, before anything is fetched."""
    if is_off():
        raise Refusal(OFFLINE, title=entry.title)
    found = _survey(entry)
    size = sum(file.size for file in found.files)
    known = replace(entry, download_bytes=size, licence=found.licence or entry.licence, family=found.family or entry.family)
    if entry.cpu_bytes or entry.gpu_bytes or not found.numbers:
        return known
    return replace(known, cpu_bytes=int(4 * found.numbers * layout.HEADROOM), gpu_bytes=int(2 * found.numbers * layout.HEADROOM))


@dataclass(frozen=True)
class _Found:
    """What a repository holds of use."""

    commit: str
    files: list[RemoteFile]
    licence: str
    family: str
    numbers: int  # its parameters, as far as can be told


def _survey(entry: Entry) -> _Found:
    """What would be fetched, once it is known that it could be loaded.  Raises Refusal."""
    page = f"{endpoint()}/{entry.repo}"
    try:
        with in_words(SENTENCES, title=entry.title, page=page), client(headers()) as hub:
            commit, licence, numbers = _commit(hub, entry)
            there = {f.name: f for f in tree(hub, f"models/{entry.repo}", commit, recursive=True)}
            about = next((name for name in (layout.PIPELINE, layout.MODEL) if name in there), None)
            if about is None:
                raise layout.Unusable("nothing")
            settings, is_pipeline = _settings(hub, entry, there[about], commit), about == layout.PIPELINE
            architecture.check(entry, settings, pipeline=is_pipeline)
            family = layout.family_of(settings, pipeline=is_pipeline)
            if family in layout.LANGUAGE and not layout.has_words(there, lambda: _settings(hub, entry, there[layout.WORDS], commit)):
                raise layout.Unusable("wordless")
        files = [there[name] for name in layout.wanted(there, settings if is_pipeline else None, entry.variant)]
    except layout.Unusable as error:
        raise Refusal(UNUSABLE[error.why], title=entry.title, page=page, what=error.what) from None
    return _Found(commit, files, licence, family, numbers or _numbers(files, settings))


def _numbers(files: list[RemoteFile], settings: dict[str, Any]) -> int:
    """How many parameters are in the files, by their bytes; what does not say that it has 32 bits is taken to have 16."""
    told = settings.get("dtype") or settings.get("torch_dtype")
    return sum(file.size for file in files if file.name.endswith(".safetensors")) // (4 if told == "float32" else 2)


def _commit(hub: httpx.Client, entry: Entry) -> tuple[str, str, int]:
    """The commit that the revision stands for now, so that all files are of one; the licence by its card, or ""; its parameters, or 0."""
    response = patiently(lambda: hub.get(f"{endpoint()}/api/models/{entry.repo}/revision/{quote(entry.revision, safe='')}").raise_for_status())
    try:
        told = response.json()
        commit, card = told["sha"], told.get("cardData") or {}
        if not (isinstance(commit, str) and COMMIT.fullmatch(commit)):
            raise TypeError
        total = (told.get("safetensors") or {}).get("total")
        return commit, str(card.get("license_name") or card.get("license") or "")[:60], total if isinstance(total, int) and total > 0 else 0
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Stalled("this does not answer like the Hub") from error


def _settings(hub: httpx.Client, entry: Entry, file: RemoteFile, commit: str) -> dict[str, Any]:
    """A file of settings, read before anything is kept."""
    if file.size > MOST_SETTINGS:
        raise layout.Unusable("nothing")
    response = patiently(lambda: hub.get(_address(entry, commit, file.name)).raise_for_status())
    try:
        value = response.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise layout.Unusable("nothing")
    return value


def _download(entry: Entry, tell: Any) -> None:
    tell(Progress(0, 0, ""))
    found = _survey(entry)
    tell(Progress(0, 0, ""))
    folder = _folder(entry) / found.commit
    with in_words(SENTENCES, title=entry.title, page=f"{endpoint()}/{entry.repo}"), client(headers()) as hub:
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder, found.files, entry.title, SPARE)
        _fetch_all(hub, entry, found, folder, tell)
        _seal(folder, found)


def _address(entry: Entry, commit: str, name: str) -> str:
    return f"{endpoint()}/{entry.repo}/resolve/{commit}/{quote(name)}"


def _fetch_all(hub: httpx.Client, entry: Entry, found: _Found, folder: Path, tell: Any) -> None:
    total, before = sum(f.size for f in found.files), 0
    had = total - sum(still_to_come(folder / f.name, f.size, f.sha256) for f in found.files)
    for file in found.files:
        target = folder / file.name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise Refusal(UNUSABLE["missing"], title=entry.title, page=entry.repo, what=file.name)

        def tick(done: int, before: int = before, name: str = file.name) -> None:
            tell(Progress(before + done, total, name, had))

        target.parent.mkdir(parents=True, exist_ok=True)
        if file.name.endswith(".safetensors") and not layout.is_sound(target):
            target.unlink(missing_ok=True)  # damaged since it came, though its length may be right
        tick(0)
        fetch(hub, _address(entry, found.commit, file.name), target, file.size, file.sha256, tick)
        before += file.size


def _seal(folder: Path, found: _Found) -> None:
    """Written last: from now on the model is here."""
    fresh = folder / f"{COMPLETE}.new"
    fresh.write_text(json.dumps({"files": {f.name: f.size for f in found.files}, "licence": found.licence}), "utf-8")
    os.replace(fresh, folder / COMPLETE)
    for lock in folder.rglob("*.lock"):
        lock.unlink(missing_ok=True)
