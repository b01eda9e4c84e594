"""`python -m aigc pretrained`: the models of the Text and Image tabs: which there are, fetching one, deleting what was fetched."""

from __future__ import annotations

import argparse
import threading
from typing import Any

from aigc.cli.out import OK, Out, columns
from aigc.data.sources import in_bytes
from aigc.pretrained import catalogue, hub
from aigc.pretrained.catalogue import Entry, Task
from aigc.words import Refusal, both

HEAD = (
    both("model", "模型"),
    both("tasks", "任务"),
    both("languages", "语言"),
    both("licence", "许可"),
    both("memory", "内存"),
    both("where", "所在"),
)
HERE, ALONG, OF_THE_HUB = both("here", "本机"), both("comes along", "随附"), both("{size} to fetch", "需下载 {size}")
IS_HERE = both("{title} is in {folder}.", "{title} 位于 {folder}。")
DELETED = both("{size} of {title} deleted.", "已删除 {title}：{size}。")
STAYS = both("{title} comes along with the project and stays.", "{title} 随项目提供，不能删除。")
WHICH_TASK = both(
    "Say what {model} is to do: --task with one of {tasks}.",
    "请说明 {model} 用来做什么：--task 可选 {tasks}。",
)

NOT_HERE = both("{title} is not on this machine yet: download it first, by: python -m aigc pretrained download {name}",
                "本机还没有 {title}：请先下载：python -m aigc pretrained download {name}")  # fmt: skip


def act(args: argparse.Namespace, out: Out) -> int:
    if getattr(args, "mirror", None):
        hub.set_mirror(args.mirror)
    return {"download": _download, "delete": _delete}.get(args.action, _list)(args, out)


def chosen(task: Task, model: str | None) -> Entry:
    """The model that was named, or the first that is here, as on the page.  Raises Refusal."""
    return catalogue.find(task, model or next((e.slug for e in catalogue.rows(task) if hub.here(e)), ""))


def check_here(entry: Entry, task: Task) -> None:
    """Raises Refusal, which names the command that fetches the model."""
    if hub.here(entry) is None:
        raise Refusal(NOT_HERE, title=entry.title, name=f"{entry.slug} --task {task.value}" if entry.own else entry.slug)


def described(entry: Entry) -> dict[str, Any]:
    """A model as the shell sees it."""
    folder = hub.here(entry)
    return {
        "slug": entry.slug, "title": entry.title, "tasks": [str(t) for t in entry.tasks], "repo": entry.repo, "revision": entry.revision,
        "licence": entry.licence, "languages": list(entry.languages), "download_bytes": entry.download_bytes, "cpu_bytes": entry.cpu_bytes,
        "gpu_bytes": entry.gpu_bytes, "expect": entry.expect, "shipped": entry.shipped, "folder": str(folder) if folder else None,
    }  # fmt: skip


def _list(args: argparse.Namespace, out: Out) -> int:
    found = catalogue.rows(_task(args.task)) if args.task else catalogue.entries()
    rows = [tuple(word[out.lang] for word in HEAD)]
    for entry in found:
        where = ALONG if entry.shipped else HERE if hub.here(entry) else OF_THE_HUB.fill(size=in_bytes(entry.download_bytes))
        memory = in_bytes(entry.cpu_bytes) if entry.cpu_bytes else f"{in_bytes(entry.gpu_bytes)} GPU"
        rows.append((entry.slug, ", ".join(entry.tasks), " ".join(entry.languages), entry.licensed[out.lang][:28], memory, where[out.lang]))
    out.result({"models": [described(e) for e in found]}, columns(rows))
    return OK


def _download(args: argparse.Namespace, out: Out) -> int:
    entry = _named(args)
    for progress in hub.download(entry, threading.Event()):
        if progress.total:
            out.progress(f"{entry.slug}: {progress.done / 1e6:,.1f} / {progress.total / 1e6:,.1f} MB  {progress.file}")
    out.result(described(entry), [IS_HERE.fill(title=entry.title, folder=hub.here(entry))[out.lang]])
    return OK


def _delete(args: argparse.Namespace, out: Out) -> int:
    entry = _named(args)
    if entry.shipped:
        raise Refusal(STAYS, title=entry.title)
    size = hub.remove(entry)
    out.result({"model": entry.slug, "bytes": size}, [DELETED.fill(title=entry.title, size=in_bytes(size))[out.lang]])
    return OK


def _named(args: argparse.Namespace) -> Entry:
    """Raises Refusal."""
    if args.task:
        return catalogue.find(_task(args.task), args.model)
    if entry := next((e for e in catalogue.entries() if args.model in (e.slug, e.repo)), None):
        return entry
    if not catalogue.REPO.fullmatch(args.model):
        raise Refusal(catalogue.NO_MODEL, model=repr(args.model)[:80], known=", ".join(e.slug for e in catalogue.entries()))
    raise Refusal(WHICH_TASK, model=args.model, tasks=", ".join(Task))


def _task(name: str) -> Task:
    """Raises Refusal."""
    if name not in list(Task):
        raise Refusal(
            both("There is no task {name}; there are {known}.", "没有任务 {name}；可选 {known}。"), name=repr(name)[:40], known=", ".join(Task)
        )
    return Task(name)  # type: ignore[call-arg]
