"""Tensors that may come from a stranger, into networks: safetensors only, and nothing of the file is believed before it was checked.

safetensors runs no code, but it accepts 500,000 empty tensors, duplicate keys, NaN and flipped bits; hence the limits here,
which are checked on the raw header before the library sees the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import struct
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from aigc.data import DataSpec
from aigc.knobs import as_values, read
from aigc.registry.entries import Entry, entry
from aigc.registry.latents import autoencoder, has_map
from aigc.registry.starts import start as start_of
from aigc.registry.teachers import teacher
from aigc.techniques import technique
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from torch import Tensor, nn

    from aigc.techniques.base import Technique

    M = TypeVar("M", bound=nn.Module)

FILE_BYTES = 512 << 20
HEADER_BYTES = 1 << 20
TENSORS = 10_000

MOST_WEIGHTS = 200_000_000  # 0.8 GB, and five times that while it learns
TOO_MANY_WEIGHTS = both("This network would have more than {n} million weights: make it narrower or less deep.",
                        "这个网络的参数会超过 {n} 百万：请减小宽度或深度。")  # fmt: skip
UNUSABLE = both("The weights cannot be used: {why}.", "这些权重无法使用：{why}。")


def build(slug: str, config: Any, spec: DataSpec, inside: Mapping[str, Any] | None = None, start: str = "") -> Technique:
    """Fresh networks of a technique; `config` is its Config or the plain values of one.  Raises Refusal.

    A model that works in the latents of another has that one inside: as it is in the registry, or, where `inside` of its card says
    what it is, with weights that are still to come out of the model's own file.  One that learns from another, or starts from the
    one called `start`, finds it when trained.
    """
    info = technique(slug)
    config = read(info.Config, config) if isinstance(config, Mapping) else config
    made: Any = info.load()
    within = ((_fresh(inside, spec) if inside else _trained(config.latents, spec)),) if getattr(config, "latents", "") else ()
    with _bounded():
        model = made(config, spec, *within)
    if getattr(config, "teacher", ""):
        model.find_teacher = partial(_found, teacher, config.teacher, spec)
    if start:
        model.find_start = partial(_found, start_of, start, slug, config, spec)
    return model


def _bounded() -> contextlib.AbstractContextManager[object]:
    """Refuses to make room for more than `MOST_WEIGHTS` values: every knob within its bounds, widths and depths still multiply."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Bounded(TorchFunctionMode):
        made = 0

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.empty:
                size = args[0] if args and isinstance(args[0], tuple | list) else args
                self.made += math.prod(size)
                if self.made > MOST_WEIGHTS:
                    raise Refusal(TOO_MANY_WEIGHTS, n=f"{MOST_WEIGHTS // 10**6}")
            return func(*args, **(kwargs or {}))

    return Bounded()


def inside_of(model: Technique) -> dict[str, Any]:
    """What the card of a model says of the one that it holds, and of how that one was made if it is still here; empty for most."""
    inner = getattr(model, "autoencoder", None)
    if inner is None:
        return {}
    known: dict[str, Any] = {}
    with contextlib.suppress(Refusal):
        card = entry(model.config.latents).card
        known = card.inside or {k: getattr(card, k) for k in ("slug", "options", "preset", "seed", "images", "steps")}
    return {**known, "technique": inner.info.slug, "config": as_values(inner.config)}


def _found(look: Callable[..., Entry], *asked: Any) -> Technique:
    """The model that `look(*asked)` names."""
    from aigc.registry.store import load

    return load(look(*asked).slug)


def _fresh(inside: Mapping[str, Any], spec: DataSpec) -> Technique:
    slug, config = inside.get("technique"), inside.get("config")
    if not isinstance(slug, str) or not isinstance(config, dict) or not has_map(slug, config):
        _unusable(both("its card does not say which autoencoder is inside", "卡片没有写明其中是哪个自编码器"))
    return build(slug, config, spec)


def _trained(slug: str, spec: DataSpec) -> Technique:
    from aigc.registry.store import load

    model = load(autoencoder(slug, spec).slug)
    return getattr(model, "autoencoder", model)  # of a model that has one inside, that one


def into(model: M, tensors: Mapping[str, Tensor]) -> M:
    """`tensors` as the weights of `model`: exactly its names, its shapes, nothing infinite.  Raises Refusal."""
    import torch

    _compare({k: tuple(t.shape) for k, t in tensors.items()}, model)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            _unusable(both(f"{name} holds a number that is not finite", f"{name} 中有非有限的数"))
    model.load_state_dict(dict(tensors), strict=True)
    return model


def file_into(model: M, raw: bytes) -> M:
    """The safetensors file `raw` as the weights of `model`.  Raises Refusal."""
    import safetensors.torch
    from safetensors import SafetensorError

    _compare({k: tuple(v["shape"]) for k, v in header(raw).items()}, model)
    try:
        tensors = safetensors.torch.load(raw)
    except SafetensorError:
        _unusable(both("the file is damaged", "文件已损坏"))
    return into(model, tensors)


def as_file(model: nn.Module) -> bytes:
    """The weights and buffers of `model` as a safetensors file."""
    import safetensors.torch

    # contiguous: training may leave convolutions channels-last; clone: safetensors refuses tensors that share memory
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in model.state_dict().items()}
    return safetensors.torch.save(tensors, {"format": "pt"})


def read_file(path: Path) -> bytes:
    """The bytes of a weights file that is not too large.  Raises Refusal."""
    try:
        if path.is_symlink() or not path.is_file():
            _unusable(both("the file is missing", "文件缺失"))
        if path.stat().st_size > FILE_BYTES:
            _unusable(_TOO_LARGE)
        return path.read_bytes()
    except OSError as error:
        _unusable(both(f"the file cannot be read ({error.strerror})", f"文件无法读取（{error.strerror}）"))


def header(raw: bytes) -> dict[str, dict[str, Any]]:
    """What a safetensors file says of its tensors: name -> {dtype, shape, data_offsets}.  Raises Refusal."""
    if len(raw) > FILE_BYTES:
        _unusable(_TOO_LARGE)
    length = struct.unpack("<Q", raw[:8])[0] if len(raw) >= 8 else 0
    if length > HEADER_BYTES and length <= len(raw):
        _unusable(both("its header is larger than 1 MB", "文件头大于 1 MB"))
    if length == 0 or length + 8 > len(raw) or raw[8:9] != b"{":
        _unusable(both("this is no safetensors file", "这不是 safetensors 文件"))
    try:
        values = json.loads(raw[8 : 8 + length], object_pairs_hook=_without_duplicates)
        values.pop("__metadata__", None)
        if not all(isinstance(v["shape"], list) and all(type(n) is int for n in v["shape"]) for v in values.values()):
            raise ValueError
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        _unusable(both("its header makes no sense", "文件头不合规"))
    if len(values) > TENSORS:
        _unusable(both(f"it holds more than {TENSORS:,} tensors", f"张量多于 {TENSORS:,} 个"))
    return values


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("duplicate key")
    return values


def _compare(found: Mapping[str, tuple[int, ...]], model: nn.Module) -> None:
    expected = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    if missing or extra:
        name = _short(min(missing or extra))
        _unusable(both(f"{name} is missing", f"缺少 {name}") if missing else both(f"{name} does not belong to this model", f"{name} 不属于这个模型"))
    for name, shape in expected.items():
        if found[name] != shape:
            is_, should = _shape(found[name]), _shape(shape)
            _unusable(both(f"{name} has the shape {is_} instead of {should}", f"{name} 的形状是 {is_}，应为 {should}"))


def _short(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:80])


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape[:8])) or "()"


_TOO_LARGE = both("the file is larger than 512 MB", "文件大于 512 MB")


def _unusable(why: Words) -> NoReturn:
    raise Refusal(UNUSABLE, why=why)
