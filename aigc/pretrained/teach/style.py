"""The lesson `style`: first an encoder that names pictures, then a decoder that paints what the encoder would see if the style were another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy, l1_loss, mse_loss

from aigc.nets.style import WIDTHS, Encoder, StyleNetwork, moments, recoloured, renormalised
from aigc.pretrained.folder import load_network, save_network
from aigc.pretrained.teach.cards import Card, Credit, Figure, write
from aigc.pretrained.teach.loop import Lesson, teach
from aigc.pretrained.teach.views import FACES, SMALL, Views
from aigc.pretrained.textures import TEXTURES
from aigc.train.devices import best_device, precision
from aigc.words import Words, both

NAMING_BATCH, PAINTING_BATCH = 64, 8
NAMING = 0.6  # share of the pictures that the encoder learns from; the decoder has the rest
EXAMPLES = 64_000
CLASSES = len(TEXTURES) + 20 + 4  # textures, digits and garments, faces by how far they are turned
STYLE, OWN, TINGE = 4.0, 2.0, 4.0  # weights, beside the content, of the style's moments, of a picture's own pixels and of colours
PATCH = 8  # pixels along the side of a patch that is to have its colour
READ, PAINTED_OVER = 2048, 256  # unseen pictures that the figures are measured on: named, and painted
SAME = 4  # one painting in so many is of a picture in its own style
NAMED = both("the encoder has named {seen} of {examples} pictures, loss {loss:.3f}", "编码器已辨认 {seen} / {examples} 张，损失 {loss:.3f}")
PAINTED = both("the decoder has painted {seen} of {examples} pictures, loss {loss:.3f}", "解码器已绘制 {seen} / {examples} 张，损失 {loss:.3f}")

USE = """from pathlib import Path

import torch
from PIL import Image

from aigc.pretrained.style import load, stylise

model = load(Path(folder), torch.device("cpu"))
*_, painted = stylise(model, Image.open("content.png"), Image.open("style.png"))"""


class Namer(nn.Module):
    """(B, 3, H, W) in [0, 1] -> (B, CLASSES) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.last = Encoder(norm=True), nn.Linear(WIDTHS[-1], CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.encoder(x)[-1].mean((2, 3)))


def to_name(views: Views, n: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Textures, things, and faces turned by quarters: (pictures in [0, 1], their classes)."""
    textures, kinds = views.some_textures(n // 4, rng)
    things, names = views.named_things(3 * n // 8, rng)
    faces = views.some_faces(n - len(textures) - len(things), rng)
    turns = torch.arange(len(faces)) % 4
    turned = torch.stack([face.rot90(int(turn), (1, 2)) for face, turn in zip(faces, turns, strict=True)])
    classes = torch.cat([kinds, len(TEXTURES) + names, len(TEXTURES) + 20 + turns])
    return torch.cat([textures, things, turned]).float() / 255, classes


def to_paint(views: Views, n: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """(contents, styles) in [0, 1]: mostly faces in the manner of textures, sometimes a picture in its own."""
    contents = torch.cat([views.some_faces(n - n // 4, rng), views.some_things(n // 8, rng), views.some_textures(n // 4 - n // 8, rng)[0]])
    styles = torch.cat([views.some_textures(n - n // 4, rng)[0], views.some_faces(n // 4, rng)])[torch.randperm(n, generator=rng)]
    styles[::SAME] = contents[::SAME]
    return contents.float() / 255, styles.float() / 255


def painting_loss(network: StyleNetwork, contents: Tensor, styles: Tensor) -> Tensor:
    """Content: the painting is seen as what was to be painted.  Style: each layer's moments.  Eq. 11 to 14; beside them the pixels, where the
    style is a picture's own, and everywhere the colours of patches: that network does not care for them much."""
    with torch.no_grad():
        wanted = network.encoder(styles)
        target = [renormalised(f, s) for f, s in zip(network.encoder(contents), wanted, strict=True)]
        colours = recoloured(contents, styles)
    painted = network.decoder(target, colours)
    seen = network.encoder(painted)
    content, own = mse_loss(seen[-1].float(), target[-1]), l1_loss(painted[::SAME].float(), contents[::SAME])
    tinge = l1_loss(avg_pool2d(painted.float(), PATCH), avg_pool2d(colours, PATCH))
    return content + STYLE * style_distance(seen, wanted).mean() + OWN * own + TINGE * tinge


def style_distance(seen: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """Squared distance of the moments of two pictures' features, mean over channels and layers.  -> (B,)"""
    total = torch.zeros(len(seen[0]), device=seen[0].device)
    for ours, theirs in zip(seen, wanted, strict=True):
        (mean, spread), (their_mean, their_spread) = moments(ours), moments(theirs)
        total = total + ((mean - their_mean).square() + (spread - their_spread).square()).mean((1, 2, 3))
    return total / len(seen)


def make(to: Path, seed: int, budget: int, device: str) -> Iterator[Words | dict[str, Any]]:
    torch.manual_seed(seed)
    where, rng, views, started = best_device(device), Generator().manual_seed(seed), Views(seed), time.perf_counter()
    examples = budget or EXAMPLES
    namer = Namer().to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def naming(step: int) -> Tensor:
        pictures, classes = to_name(views, NAMING_BATCH, rng)
        namer.train()
        return cross_entropy(namer(_there(pictures, where)).float(), classes.to(where), label_smoothing=0.05)

    learnt: Any = namer
    lesson = Lesson(int(examples * NAMING), NAMING_BATCH, learning_rate=2e-3)
    for seen, mean, learnt in teach(namer, naming, lesson):  # noqa: B007
        yield NAMED.fill(seen=seen, examples=lesson.examples, loss=mean)
    right = accuracy(learnt, seed, where)

    network = StyleNetwork()
    network.encoder = learnt.encoder.folded().requires_grad_(False)
    network = network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def painting(step: int) -> Tensor:
        contents, styles = to_paint(views, PAINTING_BATCH, rng)
        return painting_loss(network, _there(contents, where), _there(styles, where))

    lesson = Lesson(examples - lesson.examples, PAINTING_BATCH, learning_rate=3e-3, is_muon=True, weight_decay=0.0)
    for seen, mean, learnt in teach(network, painting, lesson):  # noqa: B007
        yield PAINTED.fill(seen=seen, examples=lesson.examples, loss=mean)
    save_network(learnt, to, {})
    measured = [right, *figures(load_network(to, StyleNetwork).to(where), seed)]
    yield write(described(measured, examples, seed, time.perf_counter() - started, str(where)), to)


def _there(x: Tensor, where: torch.device) -> Tensor:
    return x.to(where).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def accuracy(namer: Namer, seed: int, where: torch.device) -> Figure:
    views, rng, hits, each = Views(seed, part="test"), Generator().manual_seed(seed), 0, 128
    for _ in range(READ // each):
        pictures, classes = to_name(views, each, rng)
        with precision(where):
            hits += int((namer(_there(pictures, where)).argmax(1).cpu() == classes).sum())
    words = both("the encoder names unseen textures, digits, garments and turned faces right, %", "编码器对未见过的图像的识别率（%）")
    return Figure("accuracy", 100 * hits / READ, words, "{:.1f}")


@torch.inference_mode()
def figures(network: StyleNetwork, seed: int) -> list[Figure]:
    """On test faces and unseen textures: what only encoding and decoding loses, and how near painting comes to the style."""
    views, rng, where = Views(seed, part="test"), Generator().manual_seed(seed), next(network.parameters()).device
    known = views.faces[:PAINTED_OVER]
    faces, styles = (_there(x.float() / 255, where) for x in (known, views.some_textures(len(known), rng)[0]))
    with precision(where):
        same, painted = network(faces, faces).float().clamp(0, 1), network(faces, styles).float().clamp(0, 1)
        before, after, wanted = (network.encoder(x) for x in (faces, painted, styles))
    error = (same - faces).square().mean((1, 2, 3))
    left = style_distance(after, wanted) / style_distance(before, wanted)
    return [
        Figure("psnr_own_style", float((-10 * error.log10()).mean()), both("a face in its own style, PSNR in dB", "人脸用自身风格重绘，PSNR（dB）")),
        Figure(
            "style_distance_left", 100 * float(left.median()),
            both("distance to the style, by moments of features, that is left by painting, median, %", "绘制后与目标风格的特征矩距离还剩（%）"),
            "{:.1f}",
        ),
    ]  # fmt: skip


def described(measured: list[Figure], examples: int, seed: int, seconds: float, device: str) -> Card:
    return Card(
        title=both("Style: the classic method", "风格：经典方法"),
        about=both(
            "A VGG-like encoder of 0.6 million weights and a decoder of as many. A picture is painted in the manner of another in one pass (AdaIN, "
            "Huang and Belongie 2017), or by optimising its pixels on the same encoder (Gatys et al. 2016). Any size.",
            "一个 60 万参数、类似 VGG 的编码器，和同样大小的解码器。可一次前向完成风格迁移（AdaIN，Huang 与 Belongie 2017），"
            "也可在同一编码器上优化像素（Gatys 等 2016）。任意大小。",
        ),
        limits=both(
            "The encoder knows 64-pixel digits, garments, faces and made-up textures, not photographs and paintings at large as VGG-19 does. "
            "It carries over colours, contrast and fine texture; it does not carry over brushwork larger than some twenty pixels, and it has "
            "no idea what is depicted. In one pass mostly colours and contrast are carried over; optimising the pixels brings more of a texture.",
            "编码器只见过 64 像素的数字、服饰、人脸和公式生成的纹理，而不像 VGG-19 那样见过大量照片。它能迁移色彩、对比和细纹理；"
            "迁移不了大于二十来个像素的笔触，也不懂画面内容。"
            "一次完成时主要迁移色彩与对比；逐步优化像素能带来更多纹理。",
        ),
        figures=measured,
        data=[*(Credit.of(name) for name in (FACES, *SMALL)), Credit("Textures made by formulas of AIGC Lab", "CC0-1.0")],
        lesson="style", unit=both("pictures", "张图像"), examples=examples, seed=seed, seconds=seconds, device=device,
        tags=("image-to-image", "style-transfer"),
        use=USE,
    )  # fmt: skip
