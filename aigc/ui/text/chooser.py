"""The words of the model chooser."""

from __future__ import annotations

from aigc.words import Words, both

MODEL = both("Model", "模型")
MODEL_INFO = both("One of the list, or a repository of the Hub of your own: owner/name.", "从列表中选，或填 Hub 上任一仓库：owner/name。")
MODEL_INFO_PUBLIC = both("One of the list.", "从列表中选。")

SETTINGS = both("Settings and model", "设置与模型")  # what opens them on a narrow screen

DOWNLOAD = both("Download {size}", "下载 {size}")
DOWNLOAD_UNKNOWN = both("Download", "下载")
DOWNLOAD_REST = both("Download the rest: {left}", "继续下载：还有 {left}")
CANCEL = both("Cancel", "取消")
UNLOAD = both("Unload ({size})", "移出内存（{size}）")
FETCHING = both("Getting {title}: {done} of {total}", "正在获取 {title}：{done} / {total}")
STARTING = both("Asking {host} for the list of files…", "正在向 {host} 询问文件列表……")
LEFT = both("about {left} left", "约剩 {left}")
MINUTES = both("{n} min", "{n} 分钟")
SECONDS = both("{n} s", "{n} 秒")

EXPECT = both("What to expect", "效果")
LICENCE = both("Licence", "许可")
LANGUAGES = both("Languages", "语言")
LANGUAGE: dict[str, Words] = {"zh": both("Chinese", "中文"), "en": both("English", "英文")}
SIZE = both("Download", "下载量")
MEMORY = both("Memory", "内存")
NEEDS = both("{cpu} on a CPU, {gpu} on a GPU", "CPU 上 {cpu}，GPU 上 {gpu}")
NEEDS_GPU = both("{gpu} of a GPU", "显存 {gpu}")
DISK = both("Free disk", "磁盘剩余")
FITS = both("Here", "本机")
COMES_ALONG = both("comes along with AIGC Lab", "随 AIGC 实验室附带")
PARTLY_HERE = both("{size}, of which {here} are here", "{size}，其中 {here} 已在本机")
IS_HERE = both("not needed: it is here", "不需要，已在本机")
FITS_HERE = both("Fits here", "本机可用")  # these four in the line that stands for all the facts
TAKES = both("about {size}", "约占 {size}")
LOADED = both("{size} loaded", "已载入 {size}")
WITH_US, HERE = both("comes along", "随附"), both("downloaded", "已下载")
IN_MEMORY = both("Loaded: {size} on the {device} in {dtype}.", "已载入：{size}，{device}，{dtype}。")
NO_MODEL = both("There is no model for this on this machine.", "本机没有可用于此项的模型。")

MORE = both("Mirror and advanced", "镜像与高级选项")
MIRROR = both("Mirror", "镜像")
MIRROR_INFO = both(
    "Where models and data are fetched from, for example https://hf-mirror.com where the Hub is out of reach. Empty: the Hub itself.",
    "从哪里获取模型和数据；无法访问 Hub 时可填例如 https://hf-mirror.com。留空：Hub 本站。",
)
MIRRORED = both("From now on files come from {host}.", "此后文件从 {host} 获取。")
OFF = both("Downloads are switched off (HF_HUB_OFFLINE).", "已关闭下载（HF_HUB_OFFLINE）。")
TOO_LARGE_HERE = both(
    "This page is open to everyone, so it downloads at most {size}. Run AIGC Lab on your own machine for this model.",
    "本页对所有人开放，最多只下载 {size}。要用这个模型，请在自己的机器上运行 AIGC Lab。",
)
