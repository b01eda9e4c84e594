"""What a model needs against what this machine has: memory, disk, and how it would run: device, kind of number, offloaded, sliced, compiled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from aigc.data.sources import downloads_folder, in_bytes
from aigc.home import existing
from aigc.knobs import Choice, Switch, knob
from aigc.pretrained import hub, layout
from aigc.pretrained.catalogue import Entry, Task
from aigc.pretrained.layout import HEADROOM
from aigc.words import Words, both

CGROUP = Path("/sys/fs/cgroup")
OF_PIPELINES = ("offload", "slicing")  # settings below that only pipelines of diffusers can take
PIPELINES = ("diffusers", "")  # families that may be such; "": of the user's own choice, not looked at yet
NETWORKS = ("upscaler", "style")  # families of this project: few parameters, and products that gain by 16 bits
HALF = 0.6  # of the memory of a run in 32 bits that one in 16 bits takes: what is no parameter stays
AT_LEAST = 2 * 10**9  # bytes a GPU needs for the activations of an offloaded pipeline
ROOMY = 8 * 10**9  # bytes with which an offloaded pipeline decodes a large picture in one piece
TIGHT = 1.25  # times what a pipeline needs: with less free memory than that, large pictures would not be decoded in one piece
LARGE = 12 * 10**9  # bytes of a pipeline whose steps take so long that compiling its blocks is soon won back


class Device(Choice):
    AUTO = "auto", both("automatic", "自动")
    CPU = "cpu", both("CPU", "CPU")
    CUDA = "cuda", both("NVIDIA GPU", "NVIDIA GPU")
    MPS = "mps", both("Apple GPU", "苹果 GPU")


class Number(Choice):
    AUTO = "auto", both("automatic", "自动")
    FLOAT32 = "float32", both("32 bits: exact, slowest", "32 位：精确，最慢")
    BFLOAT16 = "bfloat16", both("16 bits, wide range", "16 位，范围大")
    FLOAT16 = "float16", both("16 bits, fine steps", "16 位，步长细")


@dataclass(frozen=True)
class Setup:
    """How a pipeline is loaded, where the machine's own choice is to be overridden."""

    device: Device = knob(
        Device.AUTO, label=both("Device", "设备"), help=both("Automatic is the fastest one here.", "自动：选本机最快的。"), group="run"
    )
    dtype: Number = knob(
        Number.AUTO,
        label=both("Numbers", "数值类型"),
        help=both("How each parameter is kept: 16 bits halve the memory.", "每个参数的存法：16 位省一半内存。"),
        group="run",
    )
    offload: Switch = knob(
        Switch.AUTO,
        label=both("Offload", "卸载到内存"),
        help=both("Keep the parameters in main memory and send each layer to the GPU when its turn comes: slower, fits small GPUs. "
                  "Automatic: only where the GPU cannot hold the whole.",
                  "参数留在内存，用到哪层送哪层到 GPU：较慢，但小显存也放得下。自动：只在显存放不下整个模型时。"),
        group="run",
    )  # fmt: skip
    slicing: Switch = knob(
        Switch.AUTO,
        label=both("Slices and tiles", "切片与分块"),
        help=both("Decode one picture, and one tile of it, at a time: slower, for large pictures in little memory. "
                  "Automatic: only where memory is tight.",
                  "一次只解码一张图的一块：较慢，适合小内存画大图。自动：只在内存紧张时。"),
        group="run",
    )  # fmt: skip
    compile: Switch = knob(
        Switch.AUTO,
        label=both("Compile", "编译"),
        help=both("The first run takes minutes longer, later ones are faster. Automatic: large models on a GPU with room to spare.",
                  "首次运行多花几分钟，之后更快。自动：只编译显存宽裕的 GPU 上的大模型。"),
        group="run",
    )  # fmt: skip


AUTOMATIC = Setup()


class Chosen(NamedTuple):
    """A Setup with nothing left open."""

    device: str  # "cpu", "cuda" or "mps"
    dtype: str  # a torch.dtype's name
    offload: bool = False
    slicing: bool = False
    compile: bool = False
    whole: int = 0  # bytes it needs when it is not offloaded; 0: not known before its files are here

    @property
    def need(self) -> int:
        """Bytes of the device's own memory."""
        return AT_LEAST if self.offload and self.device != "cpu" else self.whole


@dataclass(frozen=True)
class Fit:
    words: Words  # does it fit, how would it run, and why so
    fits: bool
    device: str
    dtype: str
    need: int  # bytes of the device's memory; 0: not known before its files are here
    free: int  # bytes of it that are free now
    disk_need: int  # bytes that must still be fetched
    disk_free: int


FITS = both("Fits: about {need} of {free} free {memory}; it would run on the {device} in {dtype}.",
            "放得下：约需 {need}，{memory}空闲 {free}；将在 {device} 上以 {dtype} 运行。")  # fmt: skip
TOO_LARGE = both("Does not fit: about {need} are needed, {free} of {memory} are free.", "放不下：约需 {need}，{memory}只空闲 {free}。")
NO_OFFLOAD = both("Only from a GPU can a model be offloaded: set Offload to automatic.", "要有 GPU 才能卸载：请把“卸载到内存”设为自动。")
NOT_OFFLOADED = both("{fit} Main memory cannot hold it for offloading either: {free} are free.", "{fit}要卸载到内存也放不下：内存只空闲 {free}。")
WOULD_FIT = both("{fit} Set Offload to automatic: then it fits.", "{fit}把“卸载到内存”设为自动就放得下。")
SLOW = both("It is meant for a GPU: on the CPU it would take very long.", "它需要 GPU：在 CPU 上会非常慢。")
NARROW = both(
    "{fit} But this CPU takes many times longer with 16 bits than with 32: leave the numbers at automatic unless memory is short.",
    "{fit}但这个 CPU 用 16 位计算比用 32 位慢许多倍：若非内存不足，数值类型请留在自动。",
)
HALVED = both("{fit} With 16-bit numbers it would need about {need} and fit.", "{fit}用 16 位数值只需约 {need}，就放得下。")
UNKNOWN = both("How much it needs is known once its files are looked at.", "需要多少，看过它的文件才知道。")
NO_DISK = both("The download of {need} does not fit on the disk: {free} are free.", "需下载 {need}，磁盘放不下：只剩 {free}。")
WHAT = {
    "offload": both("The parameters stay in main memory and go to the GPU layer by layer", "参数留在内存，逐层送到 GPU"),
    "slicing": both("Pictures are decoded in slices and tiles", "图像切片、分块解码"),
    "compile": both("The network is compiled", "网络会先编译"),
}
WHY = {
    "offload": both("as the GPU cannot hold all {whole} at once", "因为显存放不下整个模型（{whole}）"),
    "slicing": both("as memory is tight", "因为内存紧张"),
    "compile": both("as it is large and there is room: the first run takes longer, later ones less", "因为模型大且显存宽裕：首次较慢，之后更快"),
}
ASKED = both("as asked", "按所选设置")
NOTE = both("{fit} {what}, {why}.", "{fit}{what}，{why}。")
PLAIN = both("{fit} There is room for it as it is: it is not offloaded, sliced or compiled.", "{fit}内存够用：不卸载、不切片、不编译。")
MEMORY = {
    "cpu": both("main memory", "内存"),
    "cuda": both("GPU memory", "显存"),
    "mps": both("memory", "内存"),
}


def nothing(device: str) -> int:
    return 0


def fit(entry: Entry, setup: Setup = AUTOMATIC, spare: Callable[[str], int] = nothing) -> Fit:
    """`spare`: bytes that idle models hold on a device and would give up.  Raises Refusal for a device that is not here."""
    how = chosen(entry, setup, spare)
    device, dtype, need, free, main = how.device, how.dtype, how.need, _free(how.device, spare), _free("cpu", spare)
    disk_need = hub.to_come(entry)
    disk_free = shutil.disk_usage(existing(downloads_folder())).free
    has_room = need <= free and (not how.offload or (device != "cpu" and how.whole <= main))
    fits = has_room and disk_need + hub.SPARE * bool(disk_need) <= disk_free
    told = {"need": in_bytes(need), "free": in_bytes(free), "memory": MEMORY[device], "device": device.upper(), "dtype": dtype}
    if not has_room:
        words = _too_large(entry, setup, how, free, main)
    elif not fits:
        words = NO_DISK.fill(need=in_bytes(disk_need), free=in_bytes(disk_free))
    elif not need:
        words = UNKNOWN
    else:
        words = explained(entry, setup, how, SLOW if device == "cpu" and not entry.own and not entry.cpu_bytes else FITS.fill(**told))
    if fits and device == "cpu" and dtype not in quick(device):
        words = NARROW.fill(fit=words)
    return Fit(words, fits, device, dtype, need, free, disk_need, disk_free)


def _too_large(entry: Entry, setup: Setup, how: Chosen, free: int, main: int) -> Words:
    if how.offload and how.device == "cpu":
        return NO_OFFLOAD
    if how.offload and how.need <= free:
        return TOO_LARGE.fill(need=in_bytes(how.whole), free=in_bytes(main), memory=MEMORY["cpu"])
    words = TOO_LARGE.fill(need=in_bytes(how.need), free=in_bytes(free), memory=MEMORY[how.device])
    if how.device == "cpu":
        return _or_halved(entry, how, free, words)
    if how.device != "cuda" or how.offload or "offload" in impossible(entry):
        return words
    if how.whole > main:
        return NOT_OFFLOADED.fill(fit=words, free=in_bytes(main))
    return WOULD_FIT.fill(fit=words) if setup.offload is Switch.OFF and free >= AT_LEAST else words


def _or_halved(entry: Entry, how: Chosen, free: int, words: Words) -> Words:
    """`words`, and that 16 bits would be a way out, where they are one."""
    if how.dtype != "float32" or Task.UNCONDITIONAL in entry.tasks or (need := needed(entry, "cpu", "bfloat16", hub.here(entry))) > free:
        return words
    words = HALVED.fill(fit=words, need=in_bytes(need))
    return words if "bfloat16" in quick("cpu") else NARROW.fill(fit=words)


def explained(entry: Entry, setup: Setup, how: Chosen, words: Words) -> Words:
    """`words`, and what of a pipeline's settings was chosen, and why."""
    on = [name for name in WHAT if getattr(how, name)]
    for name in on:
        is_asked = getattr(setup, name) is Switch.ON
        words = NOTE.fill(fit=words, what=WHAT[name], why=ASKED if is_asked else WHY[name].fill(whole=in_bytes(how.whole)))
    return words if on or hub.family(entry) not in PIPELINES else PLAIN.fill(fit=words)


def chosen(entry: Entry, setup: Setup, spare: Callable[[str], int] = nothing) -> Chosen:
    """What the user chose, and this machine's best for the rest.  Raises Refusal for a device that is not here."""
    device, dtype = _numbers(entry, setup)
    unfit = impossible(entry)
    whole, free = needed(entry, device, dtype, hub.here(entry)), _free(device, spare)
    helps = device == "cuda" and "offload" not in unfit and AT_LEAST <= free < whole <= _free("cpu", spare)
    offload = _is_on(setup.offload, helps)
    is_tight = free < (ROOMY if offload else TIGHT * whole)
    slicing = _is_on(setup.slicing, is_tight and not entry.shipped and "slicing" not in unfit)
    pays = device == "cuda" and not offload and not slicing and whole >= LARGE and hub.family(entry) in PIPELINES and _can_compile(device)
    return Chosen(device, dtype, offload, slicing, _is_on(setup.compile, pays), whole)


def _is_on(asked: Switch, helps: bool) -> bool:
    return helps if asked is Switch.AUTO else asked is Switch.ON


def _can_compile(device: str) -> bool:
    """Not on a ZeroGPU Space, where every run is in a process of its own and would compile anew."""
    import torch

    from aigc.train.compiling import compiler_here

    return not is_zero_gpu() and compiler_here(torch.device(device))


def is_zero_gpu() -> bool:
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def stays_on_cpu(entry: Entry, setup: Setup = AUTOMATIC) -> bool:
    """Whether it runs there whatever else is here.  The model of verse is so small that it writes twelve times faster there: a GPU would
    mostly wait to be told."""
    return setup.device == Device.CPU or (setup.device == Device.AUTO and entry.shipped and Task.CONTINUE in entry.tasks)


def _numbers(entry: Entry, setup: Setup) -> tuple[str, str]:
    """(device, dtype) by name."""
    from aigc.train.devices import best_device

    device = best_device(setup.device).type
    if stays_on_cpu(entry, setup):
        device = "cpu"
    if setup.dtype != "auto":
        return device, str(setup.dtype)
    is_quick = "bfloat16" in quick(device)
    if entry.family in NETWORKS:
        return device, "bfloat16" if is_quick else "float32"
    if Task.UNCONDITIONAL in entry.tasks:  # a thousand steps add up what 16 bits round away
        return device, "float32"
    if entry.shipped or (device == "cpu" and not is_quick):  # those taught here are small: exact, they draw the same on every device
        return device, "float32"
    fetched_in_half = entry.variant == "fp16" and device != "cpu"
    return device, "bfloat16" if is_quick and not fetched_in_half else "float16"


def quick(device: str) -> tuple[str, ...]:
    """The dtypes that this machine multiplies no slower than float32, by name; bfloat16: CPUs with instructions for it, and GPUs since 2020."""
    import torch

    from aigc.train.devices import FAST_BFLOAT16

    if device == "cpu":
        return ("float32", "bfloat16") if FAST_BFLOAT16 else ("float32",)
    is_new = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return ("float32", "float16", "bfloat16") if is_new else ("float32", "float16")


def impossible(entry: Entry) -> tuple[str, ...]:
    """Settings that this model cannot take, whatever the machine."""
    if hub.family(entry) not in PIPELINES:
        return OF_PIPELINES
    return ("slicing",) if Task.UNCONDITIONAL in entry.tasks else ()  # its pictures are small, and are not decoded


def needed(entry: Entry, device: str, dtype: str, folder: Path | None) -> int:
    """Bytes of the device's memory while all of it runs there: by its files where they are here, else by the catalogue; 0 if nothing is known."""
    each = 4 if dtype == "float32" else 2
    weights = layout.parameters(folder, lambda kind: each) if folder else 0
    in_float32 = entry.cpu_bytes or entry.gpu_bytes * 2
    is_told_in_float32 = Task.UNCONDITIONAL in entry.tasks or entry.family in NETWORKS
    on_a_gpu = entry.gpu_bytes if dtype != "float32" or is_told_in_float32 else entry.gpu_bytes / HALF
    in_half = entry.cpu_bytes * HALF or entry.gpu_bytes  # what is not meant for a CPU is told in 16 bits already
    told = on_a_gpu if device != "cpu" else in_float32 if dtype == "float32" else in_half
    return int(max(weights * HEADROOM, told))


def _free(device: str, spare: Callable[[str], int]) -> int:
    return free_memory(device) + spare(device)


def free_memory(device: str) -> int:
    """Bytes free now: of the GPU, or of this machine and the container it is in."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    free = psutil.virtual_memory().available
    try:
        limit, used = int((CGROUP / "memory.max").read_text()), int((CGROUP / "memory.current").read_text())
        parts = dict(line.split()[:2] for line in (CGROUP / "memory.stat").read_text().splitlines())
        cached = sum(int(parts.get(name, 0)) for name in ("active_file", "inactive_file", "slab_reclaimable"))  # given up when asked for
        return min(free, max(0, limit - used + cached))
    except (OSError, ValueError):  # no container, or one without a limit
        return free
