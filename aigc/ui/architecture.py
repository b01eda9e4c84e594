"""A Mermaid diagram of the networks that these knobs really build on this dataset: layers, shapes, numbers of weights, losses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aigc.words import Lang, Words, both

if TYPE_CHECKING:
    from aigc.techniques import TechniqueInfo
    from aigc.techniques.base import Technique
    from aigc.ui.tracing import Graph, Node

LAYERS: dict[str, Words] = {
    "Linear": both("Linear", "全连接"),
    "Conv2d": both("Convolution", "卷积"),
    "ConvTranspose2d": both("Transposed convolution", "转置卷积"),
    "ConvTranspose2x2": both("Transposed convolution", "转置卷积"),
    "Embedding": both("Embedding", "嵌入"),
    "Flatten": both("flatten", "展平"),
    "Unflatten": both("reshape", "变形"),
    "Upsample": both("upsample", "上采样"),
    "UpsamplingNearest2d": both("upsample", "上采样"),
    "AvgPool2d": both("average pool", "平均池化"),
    "BatchNorm1d": both("batch norm", "批归一化"),
    "BatchNorm2d": both("batch norm", "批归一化"),
    "LayerNorm": both("layer norm", "层归一化"),
    "GroupNorm": both("group norm", "组归一化"),
    "ResBlock": both("Residual block", "残差块"),
    "DenseBlock": both("Residual block", "残差块"),
    "Attention": both("Self-attention", "自注意力"),
    "Conditioning": both("Noise level and class", "噪声级与类别"),
    "PixelShuffle": both("unfold", "展开像素"),
    "PixelUnshuffle": both("fold", "折叠像素"),
    "ChannelsLast": both("channels last", "通道后置"),
    "Block": both("Residual block", "残差块"),
    "Dropout": both("dropout", "随机失活"),
    "MaxPool2d": both("max pool", "最大池化"),
}
SOURCES: dict[str, Words] = {
    "real": both("real {what} x", "真实{what} x"),
    "label": both("class label", "类别标签"),
    "latent": both("Gaussian noise z", "高斯噪声 z"),
    "normal": both("Gaussian noise ε", "高斯噪声 ε"),
    "uniform": both("random numbers in [0, 1)", "[0, 1) 内的随机数"),
    "integer": both("random step t", "随机步 t"),
}
# Colours are the seven roles; how.css paints them, so that a diagram follows the page from light to dark without being drawn again.
SOURCE_ROLES = {"real": "real", "label": "real", "latent": "noise", "normal": "noise", "uniform": "noise", "integer": "noise"}
NETWORK_ROLES = {"critic": "judge", "discriminator": "judge", "encoder": "neutral"}
NETWORKS: dict[str, Words] = {
    "critic": both("Critic D, the network that judges", "判别器 D：评判的网络"),
    "generator": both("Generator G, the network that makes", "生成器 G：生成的网络"),
    "encoder": both("Encoder", "编码器"),
    "decoder": both("Decoder, the network that makes", "解码器：生成的网络"),
    "denoiser": both("Denoiser, the network that makes", "去噪网络：生成的网络"),
}
SPACING = "%%{init: {'flowchart': {'nodeSpacing': 28, 'rankSpacing': 30, 'padding': 10, 'subGraphTitleMargin': {'top': 4, 'bottom': 22}}}}%%"
SUMMED = ("loss", "kl", "penalty")  # panels of the terms that a loss is made of
WEIGHTS = both("{n:,} weights", "{n:,} 个权重")


def describe(model: Technique, info: TechniqueInfo, lang: Lang) -> str:
    """The diagram of a freshly built model, as the body of a Mermaid fence."""
    from aigc.ui.tracing import trace

    return mermaid(trace(model), model, info, lang)


def mermaid(graph: Graph, model: Technique, info: TechniqueInfo, lang: Lang) -> str:
    graph, after = merged(graph)
    names = {key: f"n{i}" for i, key in enumerate(graph.nodes)}
    lines = [SPACING, "flowchart TB"]
    for network in dict.fromkeys(n.network for n in graph.nodes.values() if n.kind == "layer"):
        members = [n for n in graph.nodes.values() if n.kind == "layer" and n.network == network]
        lines.append(f'subgraph {_safe(network)}["{_network(network, model, lang)}"]')
        lines += [f'{names[n.key]}["{_layer(n, after[n.key], lang)}"]:::aigc-{role_of(network)}' for n in members]
        lines.append("end")
    for n in graph.nodes.values():
        if n.kind == "loss":
            lines.append(f'{names[n.key]}{{{{"{_loss(n, info, lang)}"}}}}:::aigc-loss')
        elif n.kind != "layer":
            lines.append(f'{names[n.key]}(["{_source(n, graph, model, lang)}"]):::aigc-{SOURCE_ROLES[n.kind]}')
    telling = _telling(graph)
    for a, b in graph.edges:
        lines.append(f"{names[a]} {'-.->' if a in telling else '-->'} {names[b]}")
    return "\n".join(lines)


def role_of(network: str) -> str:
    return NETWORK_ROLES.get(network, "maker")


def merged(graph: Graph) -> tuple[Graph, dict[str, list[str]]]:
    """Activations, norms and reshapings join the layer they follow.  -> the smaller graph, {layer: names of what joined it}"""
    from aigc.ui.tracing import Graph

    into: dict[str, str] = {}  # a joined node -> the layer that took it up
    after: dict[str, list[str]] = {k: list(n.then) for k, n in graph.nodes.items()}
    nodes = {k: replace(n) for k, n in graph.nodes.items()}
    for key, node in graph.nodes.items():
        before = [a for a, b in graph.edges if b == key]
        if node.kind != "layer" or len(before) != 1 or not _joins(node):
            continue
        host = into.get(before[0], before[0])
        alone = sum(a == before[0] for a, _ in graph.edges) == 1
        if nodes[host].kind == "layer" and nodes[host].network == node.network and alone:
            into[key] = host
            nodes[host].shape, nodes[host].parameters = node.shape, nodes[host].parameters + node.parameters
            after[host] += [type(node.module).__name__, *node.then]
    edges = {(into.get(a, a), into.get(b, b)): None for a, b in graph.edges}
    kept = {k: n for k, n in nodes.items() if k not in into}
    return Graph(kept, {(a, b): None for a, b in edges if a != b}), after


def _joins(node: Node) -> bool:
    return "Norm" in type(node.module).__name__ or not node.parameters


def _layer(node: Node, after: list[str], lang: Lang) -> str:
    module: Any = node.module
    kind = type(module).__name__.removeprefix("Parametrized")
    first = _word(kind, lang)
    if hasattr(module, "kernel_size"):
        k = module.kernel_size if isinstance(module.kernel_size, int) else module.kernel_size[0]
        stride = module.stride if isinstance(module.stride, int) else module.stride[0]
        first += f" {k}×{k}" + (f" ↓{stride}" if stride > 1 and "Transpose" not in kind else f" ↑{stride}" if stride > 1 else "")
    if hasattr(module, "parametrizations"):
        first += " · " + both("spectral norm", "谱归一化")[lang]
    rest = " · ".join(_word(a, lang) for a in after if a != "Identity")
    lines = [f"<b>{first}</b>", rest, times(node.shape)]
    if node.parameters:
        lines.append(f"<small>{WEIGHTS.fill(n=node.parameters)[lang]}</small>")
    return "<br>".join(line for line in lines if line)


def _word(kind: str, lang: Lang) -> str:
    return LAYERS[kind][lang] if kind in LAYERS else kind


def times(shape: tuple[int, ...]) -> str:
    return "×".join(str(s) for s in shape)


def _source(node: Node, graph: Graph, model: Technique, lang: Lang) -> str:
    what = both("point", "点") if model.spec.is_points else both("image", "图像")
    alone = all({c for c, d in graph.edges if d == b and graph.nodes[c].kind != "label"} == {a} for a, b in graph.edges if a == node.key)
    kind = "latent" if node.kind == "normal" and alone else node.kind  # noise that something is made from, not added to
    name = SOURCES[kind].fill(what=what)[lang]
    return f"{name}<br>{times(node.shape)}" if node.shape else name


def _network(network: str, model: Technique, lang: Lang) -> str:
    from aigc.ui.tracing import networks

    total = sum(p.numel() for p in networks(model)[network].parameters())
    name = NETWORKS[network][lang] if network in NETWORKS else network
    return f"{name} · {WEIGHTS.fill(n=total)[lang]}"


def _loss(node: Node, info: TechniqueInfo, lang: Lang) -> str:
    """The loss of a phase by the name of its curve, and what it is made of."""
    own = info.terms.get(f"{node.network}_loss") or info.terms.get("loss")
    title = own.label[lang] if own else node.network
    shown = [info.terms[t].label[lang] for t in node.terms if t in info.terms and info.terms[t].panel in SUMMED and not info.terms[t].row]
    return "<br>".join([f"<b>{title}</b>", *shown])


def _telling(graph: Graph) -> set[str]:
    """Nodes that no data pass through: they only tell a layer something, such as the noise level or the class."""
    told = {key for key, node in graph.nodes.items() if node.kind in ("integer", "uniform", "label")}
    while True:
        more = {b for _, b in graph.edges if graph.nodes[b].kind == "layer" and all(a in told for a, c in graph.edges if c == b)} - told
        if not more:
            return told
        told |= more


def _safe(name: str) -> str:
    return f"net_{name}"
