"""The graph of the networks as they really run: every layer that a training step touches, and where each of its inputs came from.

Two steps of arithmetic are watched, not a description of the network: each tensor remembers which layers it was computed from,
so skip connections, a critic that sees both real and generated data, or a penalty between them appear without being told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from aigc.data.batches import Batch
from aigc.techniques.base import Technique

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
# Functions between the layers that a reader wants to see named, and the name of the module that does the same.
NAMED = {
    "relu": "ReLU", "leaky_relu": "LeakyReLU", "silu": "SiLU", "gelu": "GELU", "tanh": "Tanh", "sigmoid": "Sigmoid", "softplus": "Softplus",
    "group_norm": "GroupNorm", "layer_norm": "LayerNorm", "batch_norm": "BatchNorm", "avg_pool2d": "AvgPool2d", "max_pool2d": "MaxPool2d",
    "interpolate": "Upsample", "pixel_shuffle": "PixelShuffle",
}  # fmt: skip
SOURCES = {"randn": "normal", "randn_like": "normal", "normal_": "normal", "rand": "uniform", "rand_like": "uniform", "randint": "integer"}


@dataclass
class Node:
    """A source of numbers, a layer, or a loss.  Shapes leave out the batch."""

    key: str
    kind: str  # "real", "label", "normal", "uniform", "integer", "layer" or "loss"
    network: str = ""  # the attribute of the technique that holds the layer
    module: nn.Module | None = None
    shape: tuple[int, ...] = ()  # of what comes out
    then: list[str] = field(default_factory=list)  # what happens to it before the next layer
    parameters: int = 0
    terms: tuple[str, ...] = ()  # of a loss


@dataclass
class Graph:
    nodes: dict[str, Node] = field(default_factory=dict)  # in the order of first use
    edges: dict[tuple[str, str], None] = field(default_factory=dict)  # an ordered set


def layers(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a network that are drawn as one box each: PyTorch's own layers, and blocks as a whole."""
    for name, child in module.named_children():
        here = f"{path}.{name}"
        if isinstance(child, CONTAINERS):
            yield from layers(child, here)
        else:
            yield here, child


def networks(model: Technique) -> dict[str, nn.Module]:
    found = getattr(model, "networks", None)
    return found() if found else {name: m for name, m in model.named_children() if any(True for _ in m.parameters())}


def trace(model: Technique, batch: int = 4) -> Graph:
    """Runs the loss of every phase once on made-up data.  The model should be a fresh one: its buffers may move."""
    graph = Graph()
    x = torch.rand(batch, *model.spec.shape, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(batch) % max(1, len(model.spec.classes)) if model.spec.classes else None
    rng = torch.Generator().manual_seed(0)
    with _Watch(graph, model) as watch:
        watch.source(x, "real")
        if labels is not None:
            watch.source(labels, "label")
        for name, phase in model.phases().items():
            terms = phase.loss(Batch(x, labels), rng)
            node = Node(f"loss {name}", "loss", network=name, terms=tuple(t for t in terms if t != "loss"))
            watch.arrive(node, terms["loss"])
    return _reachable(graph)


def _reachable(graph: Graph) -> Graph:
    """Without the sources that nothing was made from."""
    used = {a for a, _ in graph.edges} | {b for _, b in graph.edges}
    return Graph({k: n for k, n in graph.nodes.items() if k in used}, graph.edges)


def _tensors(thing: Any) -> Iterator[Tensor]:
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, dict):
        yield from _tensors(list(thing.values()))
    elif isinstance(thing, list | tuple):
        for one in thing:
            yield from _tensors(one)


class _Watch(TorchFunctionMode):
    """While active, every tensor carries the keys of the nodes that it was last computed from."""

    def __init__(self, graph: Graph, model: Technique):
        super().__init__()
        self.graph, self.model = graph, model
        self.origin: Any = WeakTensorKeyDictionary()  # tensor -> {key of a node: None}
        self.inside: nn.Module | None = None  # the layer that runs now
        self.depth = 0  # how many networks run now: what is computed outside of them belongs to the loss
        self.names: dict[nn.Module, tuple[str, str]] = {}  # layer -> its path, the network it belongs to
        self.hooks: list[Any] = []

    def __enter__(self) -> _Watch:
        for network, module in networks(self.model).items():
            self.hooks.append(module.register_forward_pre_hook(self._deeper))
            self.hooks.append(module.register_forward_hook(self._up))
            # a network that is itself one layer is drawn as that layer
            for path, layer in list(layers(module, network)) or [(network, module)]:
                self.names[layer] = (path, network)
                self.hooks.append(layer.register_forward_pre_hook(self._entering, with_kwargs=True))
                self.hooks.append(layer.register_forward_hook(self._leaving))
        super().__enter__()
        return self

    def __exit__(self, *why: Any) -> None:
        super().__exit__(*why)
        for hook in self.hooks:
            hook.remove()

    def origins(self, tensors: Iterable[Tensor]) -> dict[str, None]:
        return {key: None for t in tensors for key in self.origin.get(t, {})}

    def source(self, tensor: Tensor, kind: str) -> None:
        """Numbers that come from outside; the same kind in the same shape is one node, however often it is drawn."""
        shape = tuple(tensor.shape[1:])
        key = f"{kind} {shape}"
        self.graph.nodes.setdefault(key, Node(key, kind, shape=shape))
        self.origin[tensor] = {key: None}

    def arrive(self, node: Node, *inputs: Tensor) -> None:
        node = self.graph.nodes.setdefault(node.key, node)
        for before in self.origins(inputs):
            if before != node.key:
                self.graph.edges[before, node.key] = None

    def _deeper(self, *_: Any) -> None:
        self.depth += 1

    def _up(self, *_: Any) -> None:
        self.depth -= 1

    def _entering(self, layer: nn.Module, args: Any, kwargs: Any) -> None:
        path, network = self.names[layer]
        self.inside = layer
        node = Node(path, "layer", network, layer, parameters=sum(p.numel() for p in layer.parameters()))
        self.arrive(node, *_tensors((args, kwargs)))

    def _leaving(self, layer: nn.Module, args: Any, out: Any) -> None:
        path, _ = self.names[layer]
        self.inside = None
        for tensor in _tensors(out):
            self.graph.nodes[path].shape = tuple(tensor.shape[1:])
            self.origin[tensor] = {path: None}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if self.inside is None and isinstance(out, Tensor):
            if name in SOURCES and out.dim() > 0:
                self.source(out, SOURCES[name])
            elif came := self.origins(_tensors((args, kwargs or {}))):
                self.origin[out] = came
                self._note(name, came, out)
        elif self.inside is None and isinstance(out, list | tuple):  # split, chunk, unbind
            came = self.origins(_tensors((args, kwargs or {})))
            for tensor in _tensors(out):
                self.origin[tensor] = came
        return out

    def _note(self, function: str, came: dict[str, None], out: Tensor) -> None:
        """An activation or a change of size that is no module is written on the layer it follows."""
        if self.depth and function in NAMED and len(came) == 1:
            node = self.graph.nodes[next(iter(came))]
            if node.kind == "layer" and NAMED[function] not in node.then:
                node.then.append(NAMED[function])
                node.shape = tuple(out.shape[1:])
