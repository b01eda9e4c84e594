"""A small network of this project in a folder like the Hub's: config.json with its arguments, model.safetensors, card.json, README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

N = TypeVar("N", bound=nn.Module)


def load_network(folder: Path, kind: type[N], device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> N:
    """The network that was saved in `folder`, ready to run."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    network = kind(**config["arguments"])
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()})
    return network.eval().requires_grad_(False).to(device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]


def save_network(network: nn.Module, folder: Path, arguments: dict[str, Any]) -> None:
    """Half precision: half the bytes, and no difference that can be seen."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {"architectures": [type(network).__name__], "arguments": arguments, "dtype": "float16"}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
