"""The words of the form that starts a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aigc.ui.text.live import duration, images
from aigc.words import Words, both

if TYPE_CHECKING:
    from aigc.data import Availability, DataSpec
    from aigc.options import Options

VIEWS: dict[str, Words] = {"train": both("Train", "训练"), "explore": both("Explore", "探索"), "how": both("How it works", "原理")}

DATA = both("Data", "数据")
PRESET = both("How long", "练多久")
TRAIN = both("Train", "训练")
NAME = both("Name of the model", "模型名")
NAME_HELP = both("Small letters, digits and hyphens. Left empty, it gets one.", "小写字母、数字和连字符。留空则自动取名。")
DEVICE = both("Device", "设备")
DEVICE_HELP = both("What computes; auto takes the fastest there is.", "用什么计算；auto 取最快的。")

TO_DOWNLOAD = both("to download, {size}", "需下载 {size}")
NOT_HERE = both("not here", "本机没有")
PICTURES = both("{n} pictures of {w} × {h} pixels", "{n} 张 {w} × {h} 像素的图像")
POINTS = both("{n} points in the plane", "平面上的 {n} 个点")
CLASSES = both(", {k} classes", "，{k} 类")

PRESETS: dict[str, Words] = {
    "quick": both("Quick look", "快速看看"),
    "good": both("Good", "效果较好"),
    "long": both("Long", "长时间"),
    "article": both("As tutorials do it", "照教程的做法"),
    "shortcut": both("One or two steps", "一两步生成"),
    "guided": both("Learns guidance", "学会引导"),
    "codes": both("Codes to diffuse in", "供潜空间扩散"),
}


def preset(name: str) -> Words:
    return PRESETS.get(name, Words(name, name))


def costs(options: Options) -> Words:
    """What a run with these options takes: "45 s", "60,000 images", "no limit"."""
    if options.seconds:
        return duration(options.seconds)
    return images(options.images) if options.images else both("until you stop it", "直到你停止")


def there(state: Availability) -> Words:
    """Where a dataset is, in few words."""
    if state.here:
        return state.words
    return TO_DOWNLOAD.fill(size=f"{state.download_bytes / 1e6:,.0f} MB") if state.download_bytes else NOT_HERE


def about(spec: DataSpec) -> Words:
    """ "1,500 pictures of 8 × 8 pixels, 10 classes"."""
    size = POINTS.fill(n=f"{spec.count:,}") if spec.is_points else PICTURES.fill(n=f"{spec.count:,}", w=spec.shape[-1], h=spec.shape[-2])
    classes = CLASSES.fill(k=len(spec.classes)) if spec.classes else Words("", "")
    return Words(size.en + classes.en, size.zh + classes.zh)
