"""scikit-learn's handwritten digits, read from the file it ships: importing scikit-learn itself takes two seconds."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from aigc.words import Refusal, both

TEST = 297  # of 1,797
MISSING = both(
    "The handwritten digits come with scikit-learn, which is not installed: run pip install scikit-learn.",
    "手写数字随 scikit-learn 提供，但它没有安装：请运行 pip install scikit-learn。",
)


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(train x, train labels, test x, test labels): uint8 (N, 8, 8, 1) in 0..255, int64 (N,).  Raises Refusal."""
    found = find_spec("sklearn")
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz" if found and found.origin else None
    if file is None or not file.is_file():
        raise Refusal(MISSING)
    table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    x = np.rint(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)  # counts of ink in 4x4 blocks, 0..16
    labels = table[:, 64]
    test = _stratified(labels, TEST)
    return x[~test], labels[~test], x[test], labels[test]


def _stratified(labels: np.ndarray, n: int) -> np.ndarray:
    """A mask of n examples, every class by its share to within one: evenly spaced over a shuffled list sorted by class."""
    shuffled = np.random.default_rng(0).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    mask = np.zeros(len(labels), bool)
    mask[by_class[((np.arange(n) + 0.5) * len(labels) / n).astype(int)]] = True
    return mask
