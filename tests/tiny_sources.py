"""A data folder with a few made-up examples of what the lessons of pretrained models read."""

from __future__ import annotations

import random
from pathlib import Path

from data_files import parquet, pixels

SCRIPT = "ROMEO:\nBut, soft! what light through yonder window breaks?\nIt is the east, and Juliet is the sun.\n\nJULIET:\nO Romeo!\n\n"


def texts(folder: Path, quatrains: int = 400) -> Path:
    """Quatrains of random characters, every tenth of them twice under another title, a poem that quotes one, and a play."""
    to, draw = folder / "local" / "text", random.Random(0)
    to.mkdir(parents=True)
    characters = [chr(0x4E00 + i) for i in range(300)]
    poems = []
    for i in range(quatrains):
        n = 5 if i % 3 else 7
        a, b, c, d = ("".join(draw.choices(characters, k=n)) for _ in range(4))
        poems.append((f"题{characters[i % 300]}", n, f"{a}，{b}。{c}，{d}。"))
    rows = [f"{title}\t无名\t{n}\t{poem}" for title, n, poem in poems]
    rows += [f"又题\t无名\t{n}\t{poem}" for _, n, poem in poems[::10]]
    (to / "tang_jueju_zh_hans.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    quoting = "\n\n".join(f"律诗\n无名\n{poem[: poem.index('。') + 1]}\n" for _, _, poem in poems[:60])
    (to / "tang_300_zh_hans.txt").write_text(quoting + "\n", encoding="utf-8")
    (to / "tinyshakespeare.txt").write_text(SCRIPT * 60, encoding="utf-8")
    return folder


def pictures(folder: Path, n: int = 40) -> Path:
    """Noise in the place of faces, digits and garments."""
    labels = [i % 10 for i in range(n)]
    for repo, side, channels, named in (
        ("local/fairface64", 64, 3, None), ("ylecun/mnist/mnist", 28, 1, labels), ("zalando-datasets/fashion_mnist/fashion_mnist", 28, 1, labels),
    ):  # fmt: skip
        (folder / repo).mkdir(parents=True)
        for seed, split in enumerate(("train", "test")):
            (folder / repo / f"{split}-00000-of-00001.parquet").write_bytes(parquet(pixels(n, side, channels, seed), named))
    return folder
