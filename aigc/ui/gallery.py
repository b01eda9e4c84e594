"""Pictures and points as HTML: real examples, large and crisp, each with its class under the pointer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from aigc.ui.markup import address, esc
from aigc.ui.text import data as text
from aigc.words import Lang, Words

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from aigc.options import Options
    from aigc.ui.preparing import Sample

SCATTER = 520  # units across the drawing of a point set
REACH = 2.6  # how far from the middle it shows; points are standardised


def how_many(side: int) -> int:
    """Pictures in a panel: more of small ones."""
    return 48 if side <= 8 else 30 if side <= 32 else 20


def chosen(sample: Sample, label: int | None, seed: int) -> Tensor:
    """Which of the sample to show: of one class, or of all in turn; another seed, other examples.  -> (n,) positions"""
    import torch

    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(sample.x), generator=rng)
    if sample.labels is None or sample.spec.is_points:
        return order[: how_many(sample.spec.shape[-1])]
    labels = sample.labels[order]
    if label is not None:
        return order[labels == label][: how_many(sample.spec.shape[-1])]
    # sorted by how often the class has come before: 0, 1, 2, ... once each, then again
    turn = torch.stack([(labels[: i + 1] == c).sum() for i, c in enumerate(labels.tolist())])
    k = len(sample.spec.classes)
    return order[torch.argsort(turn * k + labels)][: how_many(sample.spec.shape[-1])]


def before_and_after(sample: Sample, which: Tensor, options: Options, lang: Lang) -> str:
    """The same pictures as they are, and as a model will see them."""
    import torch

    from aigc.data.augment import Augmentation, augment
    from aigc.data.batches import as_float

    how = Augmentation.of(options)
    plain = as_float(sample.x[which])
    names = _names(sample, which, lang)
    changed = augment(plain, how, torch.Generator().manual_seed(options.seed))
    same = how == Augmentation()
    panels = [(text.PLAIN, as_bytes(plain), ""), (text.SEEN, as_bytes(changed), text.SAME[lang] if same else "")]
    return '<div class="aigc-pair">' + "".join(
        f"<figure><figcaption>{esc(title[lang])}<span>{esc(note)}</span></figcaption>{sheet(images, names)}</figure>"
        for title, images, note in panels
    ) + "</div>"  # fmt: skip


def as_bytes(x: Tensor) -> np.ndarray:
    """(N, C, H, W) in [0, 1] -> uint8 (N, H, W, C)"""
    return x.mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def sheet(images: np.ndarray, names: list[str]) -> str:
    """One PNG of all pictures, cut into cells by CSS, so that each can have its name.  images: uint8 (N, H, W, C)"""
    import numpy as np
    from PIL import Image

    n, height, width, channels = images.shape
    columns = min(n, 8 if n > 30 else 6 if n > 20 else 5)
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, height, width, channels), np.uint8)
    tiles[:n] = images
    whole = tiles.reshape(rows, columns, height, width, channels).swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    out = io.BytesIO()
    Image.fromarray(whole[..., 0] if channels == 1 else whole).save(out, "PNG")
    url = address(out.getvalue())
    cells = "".join(
        f'<i role="img" title="{esc(name)}" aria-label="{esc(name)}" style="--x:{i % columns};--y:{i // columns}"></i>'
        for i, name in enumerate(names)
    )
    return f'<div class="aigc-sheet" style="--columns:{columns};--rows:{rows};--sheet:url({url})">{cells}</div>'


def scatter(sample: Sample, label: int | None, lang: Lang) -> str:
    """The points in the plane, those of the chosen class in ink."""
    groups: list[tuple[int | None, list[int]]] = [(None, list(range(len(sample.x))))]
    if sample.labels is not None:
        groups = [(c, (sample.labels == c).nonzero().flatten().tolist()) for c in range(len(sample.spec.classes))]
    paths = "".join(_path(sample, rows, c, c is not None and c == label, lang) for c, rows in groups)
    ticks = "".join(
        f'<path class="aigc-axis" d="M{_at(v):.0f} 0V{SCATTER}M0 {_at(v):.0f}H{SCATTER}"/>'
        f'<text x="{_at(v):.0f}" y="{SCATTER - 6}" text-anchor="middle">{v}</text><text x="6" y="{_at(-v) + 4:.0f}">{v}</text>'
        for v in (-2, -1, 0, 1, 2)
    )
    title = esc(sample.spec.title[lang])
    return f'<svg class="aigc-scatter" viewBox="0 0 {SCATTER} {SCATTER}" role="img" aria-label="{title}">{ticks}{paths}</svg>'


def _path(sample: Sample, rows: list[int], label: int | None, picked: bool, lang: Lang) -> str:
    dots = "".join(f"M{_at(x):.1f} {_at(-y):.1f}h0" for x, y in sample.x[rows].tolist())
    name = esc(sample.spec.classes[label][lang]) if label is not None else ""
    return f'<path class="aigc-dots{" aigc-picked" if picked else ""}" d="{dots}"><title>{name}</title></path>'


def _at(v: float) -> float:
    return (v / REACH + 1) * SCATTER / 2


def _names(sample: Sample, which: Tensor, lang: Lang) -> list[str]:
    if sample.labels is None:
        return [text.EXAMPLE[lang]] * len(which)
    return [sample.spec.classes[c][lang] for c in sample.labels[which].tolist()]


def facts(pairs: list[tuple[Words, str]], lang: Lang) -> str:
    """Names and values, one below the other; values are escaped here."""
    return '<dl class="aigc-facts-list">' + "".join(f"<dt>{esc(k[lang])}</dt><dd>{esc(v)}</dd>" for k, v in pairs if v) + "</dl>"
