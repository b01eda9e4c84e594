"""Stop is heeded in the middle of a step: every block of a network looks at the event before it works."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn

from aigc.pretrained import Stopped

LEFT_ALONE = ("_diffusers_hook", "_hf_hook")  # of what is moved to the GPU and back while it works: half a step would leave it there


@contextmanager
def breakable(networks: Iterable[nn.Module], stop: threading.Event) -> Iterator[None]:
    """While inside, a set `stop` raises Stopped out of whatever these networks do: on a CPU a step of a large one takes half a minute.

    Compiled networks are left as they are: what is looked at between their blocks would be compiled anew.
    """

    def look(*_: object) -> None:
        if stop.is_set():
            raise Stopped

    hooks = [block.register_forward_pre_hook(look) for network in networks if _is_plain(network) for block in _blocks(network)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _blocks(network: nn.Module) -> Iterator[nn.Module]:
    """Members of its lists of layers, at every depth; diffusers keeps None in a list where there is no attention."""
    for module in network.modules():
        if isinstance(module, nn.ModuleList | nn.Sequential):
            yield from (block for block in module if block is not None)


def _is_plain(network: nn.Module) -> bool:
    return not any(
        getattr(module, "_compiled_call_impl", None) is not None or any(hasattr(module, name) for name in LEFT_ALONE) for module in network.modules()
    )
