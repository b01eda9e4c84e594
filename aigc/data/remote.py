"""What every request to the Hugging Face Hub shares: its address or a mirror's, the user's token, the list of a repository's files, and
what to say when it fails."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from aigc.data.fetch import Stalled, WrongSum, patiently, still_to_come
from aigc.data.sources import downloads_folder, in_bytes
from aigc.words import Refusal, Words, both

MIRROR = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?")
NOT_AN_ADDRESS = both(
    "A mirror is an address such as https://hf-mirror.com, not {address}.",
    "镜像应是一个网址，例如 https://hf-mirror.com，而不是 {address}。",
)
DAMAGED = both(
    "What arrived of {title} is not what {host} promised ({file} has the wrong checksum), so it was deleted: start again to fetch it anew, "
    "and if this repeats, use another network or mirror.",
    "收到的 {title} 与 {host} 声明的不一致（{file} 校验和不符），已将其删除：请重新开始以再次下载；若仍如此，请换网络或镜像。",
)
NO_ROOM = both(
    "Downloading {title} needs {need} and only {free} are free in {folder}: make room, and start again.",
    "下载 {title} 需要 {need}，而 {folder} 只剩 {free}：请腾出空间，然后重新开始。",
)
NOT_STORED = both(
    "What arrives of {title} cannot be stored in {folder} ({why}): make room or give leave to write there, and start again.",
    "收到的 {title} 无法保存到 {folder}（{why}）：请腾出空间或开放写权限，然后重新开始。",
)

_mirror = ""  # typed on the page; the environment's HF_ENDPOINT stands behind it


@dataclass(frozen=True)
class RemoteFile:
    name: str  # inside the repository
    size: int  # bytes
    sha256: str  # "" where the Hub gives none


@dataclass(frozen=True)
class Sentences:
    """What to say of a failed download; each may name {title}, {host}, {page} and {status}."""

    no_answer: Words
    busy: Words
    not_allowed: Words
    not_there: Words


def endpoint() -> str:
    return _mirror or (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def mirror() -> str:
    """What set_mirror was told last."""
    return _mirror


def set_mirror(address: str) -> None:
    """Everything is fetched from there until this process ends; "" is the Hub itself, or HF_ENDPOINT.  Raises Refusal."""
    global _mirror
    address = address.strip().rstrip("/")
    if address and not MIRROR.fullmatch(address):
        raise Refusal(NOT_AN_ADDRESS, address=repr(address)[:80])
    _mirror = address


def headers() -> dict[str, str]:
    """The user's token goes to the Hub and to HF_ENDPOINT, never to an address that was typed into the page."""
    from huggingface_hub import get_token

    token = None if _mirror else get_token()
    return {"User-Agent": "aigc-lab", "Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}


def tree(hub: httpx.Client, repo: str, revision: str, folder: str = "", *, recursive: bool = False) -> list[RemoteFile]:
    """The files of `datasets/owner/name` or `models/owner/name`.  Raises httpx's errors, and Stalled if this is no Hub (a hotel's login page)."""
    here = f"{endpoint()}/api/{repo}/tree/{quote(revision, safe='')}" + (f"/{quote(folder, safe='')}" if folder else "")
    query = "recursive=true" if recursive else ""
    files: list[RemoteFile] = []
    while True:
        url = f"{here}?{query}" if query else here
        response = patiently(lambda url=url: hub.get(url).raise_for_status())  # type: ignore[misc]
        try:
            entries = [e for e in response.json() if e["type"] == "file"]
            files += [RemoteFile(e["path"], int(e["size"]), (e.get("lfs") or {}).get("oid", "")) for e in entries]
        except (ValueError, TypeError, KeyError) as error:
            raise Stalled("this does not answer like the Hub") from error
        further = urlsplit(response.links.get("next", {}).get("url", "")).query  # a mirror may name the Hub here: only what is asked counts
        if not further or further == query:
            return files
        query = further


def nothing_there(request: httpx.Request) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("no such files", request=request, response=httpx.Response(404, request=request))


def check_room(folder: Path, files: Iterable[RemoteFile], title: Words, spare: int = 0) -> None:
    """Raises Refusal unless what is not in `folder` yet of the files finds room, with `spare` bytes left."""
    need = sum(still_to_come(folder / f.name, f.size, f.sha256) for f in files)
    free = shutil.disk_usage(folder).free
    if need * 1.05 + (spare if need else 0) > free:
        raise Refusal(NO_ROOM, title=title, need=in_bytes(need), free=in_bytes(free), folder=folder)


@contextmanager
def in_words(sentences: Sentences, **told: Any) -> Iterator[None]:
    """Whatever goes wrong inside becomes a Refusal; `told` must give `title` and `page`."""
    told = {"host": endpoint(), **told}
    try:
        yield
    except WrongSum as error:
        raise Refusal(DAMAGED, file=error, **told) from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        words = sentences.not_allowed if status in (401, 403) else sentences.not_there if status in (404, 410) else sentences.busy
        raise Refusal(words, status=status, **told) from error
    except (httpx.HTTPError, httpx.InvalidURL, Stalled) as error:
        raise Refusal(sentences.no_answer, **told) from error
    except OSError as error:
        raise Refusal(NOT_STORED, why=error.strerror or error, folder=downloads_folder(), **told) from error
