"""A network with every weight from its files: what they lack, a library would fill in at random without a word; here it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from aigc.pretrained import layout
from aigc.pretrained.architecture import hushed
from aigc.words import Refusal, both

LACKING = both(
    "The weights do not belong to this model's settings: of the {of} weight tensors of {what}, {n} are missing from its files or have another "
    "shape there ({first}), and random numbers would stand in for them; choose another repository.",
    "权重与这个模型的设置不符：{what} 的 {of} 个权重张量中，有 {n} 个在文件里缺失或形状不同（{first}），只能用随机数代替；请换一个仓库。",
)


def whole(kind: Any, folder: Path, **how: Any) -> Any:
    """`kind.from_pretrained(folder)`, a class of transformers or diffusers; from safetensors only, no code from there.  Raises Refusal."""
    hushed("transformers")
    how = {"local_files_only": True, "use_safetensors": True, "output_loading_info": True, **how}
    if not kind.__module__.startswith("diffusers.models."):
        network, told = kind.from_pretrained(folder, ignore_mismatched_sizes=True, **how)  # they are told, as the missing ones are
        _check(network, [*told["missing_keys"], *(key for key, *_ in told["mismatched_keys"])])
        return network
    try:
        network, told = kind.from_pretrained(folder, **how)
    except ValueError:  # of another shape; diffusers tells all of them only of a network that it filled with random numbers first
        with torch.device("meta"):
            bare = kind.from_config(kind.load_config(folder, local_files_only=True))
        _check(bare, _of_another_shape(bare, folder, how.get("variant")))
        raise
    _check(network, told["missing_keys"])
    return network


def _check(network: nn.Module, lacking: Iterable[str]) -> None:
    """Buffers, and sines of the position, are computed where they are not saved; what is tied to others is not told at all."""
    computed = tuple(f"{name}." for name, module in network.named_modules() if "Sinusoidal" in type(module).__name__)
    learnt = {name for name, _ in network.named_parameters() if not name.startswith(computed)}
    if lost := sorted(learnt & set(lacking)):
        raise Refusal(LACKING, what=type(network).__name__, of=len(learnt), n=len(lost), first=lost[0])


def _of_another_shape(network: nn.Module, folder: Path, variant: str | None) -> Iterator[str]:
    from safetensors import safe_open

    needed = {name: list(parameter.shape) for name, parameter in network.named_parameters()}
    for path in sorted(folder.glob("*.safetensors")):
        match = layout.WEIGHTS.fullmatch(path.name)
        if match and (match["variant"] or None) == variant:
            with safe_open(path, "pt") as file:
                yield from (name for name in needed.keys() & set(file.keys()) if file.get_slice(name).get_shape() != needed[name])
