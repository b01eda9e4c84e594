"""Which device trains, and how it is set up for speed and for the same bits every time."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import psutil
import torch

from aigc.options import Precision
from aigc.techniques.base import Technique
from aigc.words import Refusal, both

M = TypeVar("M", bound=Technique)
THIS_PROCESS = psutil.Process()
CAPABILITIES: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.8 does not tell
FAST_BFLOAT16 = bool(CAPABILITIES.get("amx_bf16") or CAPABILITIES.get("avx512_bf16"))  # of this CPU
THREADS = torch.get_num_threads()  # as the process began


def use_threads(n: int = THREADS) -> None:
    """Of this thread from here on.  Every new thread starts with what any thread set last, so whoever computes says how many it wants."""
    torch.set_num_threads(n)


def best_device(asked: str = "auto") -> torch.device:
    """The device called `asked`, or the fastest one here.  Raises Refusal if it is not here."""
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return torch.device("cuda" if here["cuda"] else "mps" if here["mps"] else "cpu")
    if not here.get(asked.split(":")[0], False):
        raise Refusal(both("There is no device {d} here; leave it at auto.", "这台机器上没有设备 {d}；请选 auto。"), d=asked)
    return torch.device(asked)


def settle(device: torch.device) -> None:
    """On an NVIDIA GPU, prefer kernels that give the same bits every time, and TensorFloat-32 products; count its memory from here on."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a launch for every tensor
        torch.backends.cudnn.benchmark = False
        torch.backends.cuda.enable_cudnn_sdp(False)  # its gradient is added up in another order each time
        torch.set_float32_matmul_precision("high")
        torch.cuda.reset_peak_memory_stats(device)  # of the trainings before it in this process


def laid_out(model: M) -> M:
    """Pictures with channels last, as convolutions are quickest."""
    return model if model.spec.is_points else model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def precision(device: torch.device, asked: Precision = Precision.AUTOMATIC) -> AbstractContextManager[object]:
    """bfloat16 for the products of the forward pass where the hardware multiplies it faster, weights and sums in float32.

    NVIDIA GPUs since 2020, and CPUs with instructions for it (AMX: Intel Xeon since 2023; AVX-512 BF16: AMD since Zen 4); on other CPUs
    bfloat16 is slower than float32.
    """
    if asked is Precision.SINGLE:
        return nullcontext()
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", torch.bfloat16)
    if device.type == "cpu" and FAST_BFLOAT16:
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


def memory_bytes(device: torch.device) -> int:
    """Memory of the training: allocated at most on an accelerator, resident in this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.current_allocated_memory()
    return THIS_PROCESS.memory_info().rss
