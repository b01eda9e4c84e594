"""What somebody wants trained, and whether it can be."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import Any

from aigc import data
from aigc.knobs import as_values, knobs, read, read_value
from aigc.nets.kinds import Norm
from aigc.options import Options
from aigc.registry.card import NO_SLUG, SLUG
from aigc.registry.latents import autoencoder
from aigc.registry.starts import start
from aigc.registry.teachers import taught
from aigc.techniques import suits, technique
from aigc.words import Refusal, both

TOO_LARGE_HERE = both(
    "This page is open to everyone, so it downloads at most {mb} MB. Run AIGC Lab on your own machine for this dataset.",
    "本页对所有人开放，最多只下载 {mb} MB。要用这个数据集，请在自己的机器上运行 AIGC Lab。",
)


@dataclass(frozen=True)
class Request:
    """Plain values, so that it can be stored; `config` and `options` are read again before use."""

    technique: str
    data: str
    config: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    name: str = ""  # slug of the model to be; "" lets the worker find one
    preset: str = ""
    device: str = "auto"
    owner: str = ""  # "" is whoever sits at this machine
    parent: str = ""  # slug of the model it starts from, or in whose latents it works, or whose shortcut it learns

    @staticmethod
    def from_json(values: dict[str, Any]) -> Request:
        return Request(**{f.name: values[f.name] for f in dataclasses.fields(Request) if f.name in values})


def checked(request: Request, most_seconds: float | None = None, most_bytes: float | None = None) -> tuple[Request, data.DataSpec]:
    """The request with every value read, bounded and written out, and its data.  Raises Refusal, before anything is started.

    `most_seconds`: how long a run may train here; `most_bytes`: how much of a dataset may be downloaded for it.
    """
    info = technique(request.technique)
    spec = check_data(request, most_bytes)
    if request.preset:
        config, options = info.read({**request.config, **request.options}, spec, request.preset)
    else:
        config, options = read(info.Config, request.config), read(Options, request.options)
    if getattr(config, "teacher", ""):
        config = taught(config, spec)
    suits(config, spec)
    if options.start:
        request = replace(request, parent=start(options.start, request.technique, config, spec).slug)
    if latents := getattr(config, "latents", ""):
        request = replace(request, parent=autoencoder(latents, spec).slug)
    if learns_from := getattr(config, "teacher", ""):
        request = replace(request, parent=learns_from)
    if options.batch == 1 and Norm.BATCH in vars(config).values():
        raise Refusal(
            both("Batch normalisation needs at least 2 images a step: make the batch larger, or choose another normalisation.",
                 "批归一化每步至少需要 2 张图像：请加大批大小，或改用其他归一化。")
        )  # fmt: skip
    if most_seconds and not 0 < options.seconds <= most_seconds:
        raise Refusal(both("Here a run may take at most {n:.0f} seconds.", "这里一次训练最多 {n:.0f} 秒。"), n=most_seconds)
    if request.name and not SLUG.match(request.name):
        raise Refusal(NO_SLUG)
    if not isinstance(request.device, str) or request.device.split(":")[0] not in ("auto", "cpu", "cuda", "mps") or len(request.device) > 8:
        raise Refusal(both("There is no device {d} here; leave it at auto.", "这台机器上没有设备 {d}；请选 auto。"), d=repr(request.device)[:20])
    return replace(request, config=as_values(config), options=as_values(options)), spec


def longer(record: dict[str, Any], seconds: float, images: int, most_seconds: float | None = None) -> dict[str, Any]:
    """The request of a run that is over, as JSON, with so much more to spend than the run has spent.  Raises Refusal."""
    known = knobs(Options)
    seconds, images = read_value(known["seconds"], seconds), read_value(known["images"], images)
    if not (seconds or images):
        raise Refusal(both("Say how much longer to train.", "请说明还要训练多久。"))
    more = {"seconds": record["seconds"] + seconds if seconds else 0.0, "images": record["images"] + images if images else 0}
    asked = record["request"]
    larger, _ = checked(Request.from_json({**asked, "preset": "", "options": {**asked["options"], **more}}), most_seconds)
    return {**asked, "options": larger.options}


def check_data(request: Request, most_bytes: float | None = None) -> data.DataSpec:
    """Raises Refusal for data that are gone, too large to download, or somebody else's."""
    spec = data.spec(request.data)
    if spec.name not in data.specs(request.owner or None):
        raise Refusal(both("{d} belongs to someone else.", "{d} 属于别人。"), d=spec.name)
    there = data.availability(spec.name)
    if not there.here and not there.download_bytes:
        raise Refusal(both("{d}: {why}.", "{d}：{why}。"), d=spec.title, why=there.words)
    check_download(spec, most_bytes)
    return spec


def check_download(spec: data.DataSpec, most_bytes: float | None) -> None:
    """Strangers do not fill this disk.  Raises Refusal."""
    if most_bytes and data.availability(spec.name).download_bytes > most_bytes:
        raise Refusal(TOO_LARGE_HERE, mb=f"{most_bytes / 1e6:.0f}")


def check_live_knob(request: Request, value: Any) -> None:
    """Raises Refusal unless `value` is [name, value] of a knob that may move during training, within its bounds."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Refusal(both("A knob is changed by its name and a value.", "修改选项需要名称和数值。"))
    name, new = value
    known = knobs(Options) | knobs(technique(request.technique).Config)
    if not isinstance(name, str) or name not in known or not known[name].live:
        raise Refusal(both("{n} cannot change while training.", "训练中不能改 {n}。"), n=str(name)[:40])
    read_value(known[name], new)
