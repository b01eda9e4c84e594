"""Downloads a dataset's files from the Hugging Face Hub, and says in words why it cannot.

huggingface_hub 2.x throws a partial file away when its download fails, checks no hash over plain HTTP, and waits for ever on
a server that takes the connection and then says nothing.  So the two requests this needs (the list of files, and the bytes)
are made here; huggingface_hub gives the user's token.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from aigc.data.fetch import Stalled, WrongSum, client, fetch, patiently
from aigc.data.sources import Progress, Source, downloads_are_off, downloads_folder, in_bytes
from aigc.words import Refusal, Words, both

OFFLINE = both(
    "{title} is not on this machine, and downloads are switched off (HF_HUB_OFFLINE): unset it, put the files under AIGC_DATA_DIR, "
    "or choose a built-in dataset such as digits.",
    "本机没有 {title}，而且已关闭下载（HF_HUB_OFFLINE）：请取消该设置，或把文件放到 AIGC_DATA_DIR 下，或改用内置数据集，例如手写数字 8×8。",
)
NO_ANSWER = both(
    "{title} has to be downloaded once, and {host} does not answer: check the network, or name a mirror in HF_ENDPOINT, and start again. "
    "What has arrived is kept; the built-in datasets need no network.",
    "{title} 需要先下载一次，但 {host} 没有响应：请检查网络，或用 HF_ENDPOINT 指定镜像，然后重新开始。已下载的部分会保留；内置数据集不需要网络。",
)
BUSY = both(
    "{host} cannot serve {title} just now (HTTP {status}): start again in a few minutes. What has arrived is kept; "
    "the built-in datasets need no network.",
    "{host} 暂时无法提供 {title}（HTTP {status}）：请过几分钟再开始。已下载的部分会保留；内置数据集不需要网络。",
)
NOT_ALLOWED = both(
    "{host} does not let us download {title} (HTTP {status}): accept its terms at {page} and set HF_TOKEN to your token, or choose another dataset.",
    "{host} 不允许下载 {title}（HTTP {status}）：请到 {page} 接受其条款，并把 HF_TOKEN 设为你的令牌，或改用其他数据集。",
)
NOT_THERE = both(
    "{title} is no longer where it was ({page}, HTTP {status}): update AIGC Lab, or choose another dataset.",
    "{title} 已不在原处（{page}，HTTP {status}）：请更新 AIGC Lab，或改用其他数据集。",
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


@dataclass(frozen=True)
class RemoteFile:
    name: str
    size: int  # bytes
    sha256: str  # "" where the Hub gives none


def endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def download(source: Source, title: Words, progress: Progress | None = None) -> dict[str, list[Path]]:
    """Brings the source's files into the downloads folder: those there are kept, a half one is continued.  -> {"train", "test"}: paths

    Ends in bounded time when nothing more arrives.  Raises Refusal for whatever goes wrong; what `progress` raises stops the
    download and is passed on.
    """
    if downloads_are_off():
        raise Refusal(OFFLINE, title=title)
    told: dict[str, Any] = {"title": title, "host": endpoint(), "page": f"{endpoint()}/datasets/{source.repo}"}
    try:
        return _download(source, title, progress or (lambda done, total: None))
    except WrongSum as error:
        raise Refusal(DAMAGED, file=error, **told) from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        words = NOT_ALLOWED if status in (401, 403) else NOT_THERE if status in (404, 410) else BUSY
        raise Refusal(words, status=status, **told) from error
    except (httpx.HTTPError, httpx.InvalidURL, Stalled) as error:
        raise Refusal(NO_ANSWER, **told) from error
    except OSError as error:
        raise Refusal(NOT_STORED, why=error.strerror or error, folder=downloads_folder(), **told) from error


def _download(source: Source, title: Words, progress: Progress) -> dict[str, list[Path]]:
    folder = downloads_folder() / source.repo / source.folder
    folder.mkdir(parents=True, exist_ok=True)
    with client(_headers()) as hub:
        files = _listing(hub, source)
        _check_room(folder, files, title)
        total = sum(f.size for f in files)
        before = 0
        for file in files:
            url = f"{endpoint()}/datasets/{source.repo}/resolve/main/{quote(f'{source.folder}/{file.name}')}"

            def tick(have: int, before: int = before) -> None:
                progress(before + have, total)

            fetch(hub, url, folder / file.name, file.size, file.sha256, tick)
            before += file.size
    picked = source.pick(f.name for f in files) or {}
    return {role: [folder / name for name in names] for role, names in picked.items()}


def _headers() -> dict[str, str]:
    from huggingface_hub import get_token

    token = get_token()
    return {"User-Agent": "aigc-lab", "Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}


def _listing(hub: httpx.Client, source: Source) -> list[RemoteFile]:
    """The files wanted, as the Hub lists them.  Raises httpx's errors, and Stalled when this is no Hub (a hotel's login page, say)."""
    url = f"{endpoint()}/api/datasets/{source.repo}/tree/main/{quote(source.folder, safe='')}"
    response = patiently(lambda: hub.get(url).raise_for_status())
    try:
        there = {e["path"].rpartition("/")[2]: e for e in response.json() if e["type"] == "file"}
        picked = source.pick(there)
        names = [*picked["train"], *picked["test"]] if picked else []
        files = [RemoteFile(name, int(there[name]["size"]), (there[name].get("lfs") or {}).get("oid", "")) for name in names]
    except (ValueError, TypeError, KeyError) as error:
        raise Stalled("this does not answer like the Hub") from error
    if not files:
        raise httpx.HTTPStatusError("no such files", request=response.request, response=httpx.Response(404, request=response.request))
    return files


def _check_room(folder: Path, files: list[RemoteFile], title: Words) -> None:
    need = sum(f.size for f in files if not (folder / f.name).exists())
    free = shutil.disk_usage(folder).free
    if need * 1.05 > free:
        raise Refusal(NO_ROOM, title=title, need=in_bytes(need), free=in_bytes(free), folder=folder)
