"""The datasets this lab knows: what each is, whom to credit, and where its files are on the Hub."""

from __future__ import annotations

from aigc.data.dataspec import DataSpec
from aigc.data.sources import Source
from aigc.words import Words, both

DIGITS = tuple(both(str(i), str(i)) for i in range(10))
GARMENTS = (
    both("T-shirt/top", "T 恤"), both("Trouser", "裤子"), both("Pullover", "套头衫"), both("Dress", "连衣裙"), both("Coat", "外套"),
    both("Sandal", "凉鞋"), both("Shirt", "衬衫"), both("Sneaker", "运动鞋"), both("Bag", "包"), both("Ankle boot", "短靴"),
)  # fmt: skip
THINGS = (
    both("airplane", "飞机"), both("automobile", "汽车"), both("bird", "鸟"), both("cat", "猫"), both("deer", "鹿"),
    both("dog", "狗"), both("frog", "青蛙"), both("horse", "马"), both("ship", "船"), both("truck", "卡车"),
)  # fmt: skip


def _numbered(en: str, zh: str, n: int) -> tuple[Words, ...]:
    return tuple(both(en, zh).fill(i=i + 1) for i in range(n))


def _points(name: str, title: Words, classes: tuple[Words, ...]) -> DataSpec:
    return DataSpec(name, title, (2,), classes, 20_000, "CC0-1.0", "Made by a formula of AIGC Lab")


BUILT_IN: tuple[DataSpec, ...] = (
    DataSpec(
        "digits", both("Digits 8×8", "手写数字 8×8"), (1, 8, 8), DIGITS, 1500, "CC BY 4.0",
        "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), the test set as packaged by scikit-learn",
    ),
    _points("moons", both("Two moons", "双月"), (both("upper moon", "上弯月"), both("lower moon", "下弯月"))),
    _points("ring", both("Ring of 8 Gaussians", "8 个高斯围成的环"), _numbered("Gaussian {i}", "第 {i} 个高斯", 8)),
    _points("grid", both("Grid of 25 Gaussians", "25 个高斯的方阵"), _numbered("Gaussian {i}", "第 {i} 个高斯", 25)),
    _points("spiral", both("Spiral", "双臂螺旋"), _numbered("arm {i}", "第 {i} 条旋臂", 2)),
    _points("checkerboard", both("Checkerboard", "棋盘格"), _numbered("square {i}", "第 {i} 格", 8)),
    _points("circles", both("Two circles", "同心圆"), (both("outer circle", "外圆"), both("inner circle", "内圆"))),
)  # fmt: skip

HUB: tuple[DataSpec, ...] = (
    DataSpec(
        "mnist", both("MNIST", "MNIST"), (1, 28, 28), DIGITS, 60_000, "CC BY-SA 3.0",
        "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database (1998); ylecun/mnist on the Hugging Face Hub",
        class_counts=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    ),
    DataSpec(
        "fashion-mnist", both("Fashion-MNIST", "Fashion-MNIST"), (1, 28, 28), GARMENTS, 60_000, "MIT",
        "H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST (Zalando SE, 2017); zalando-datasets/fashion_mnist on the Hugging Face Hub",
    ),
    DataSpec(
        "cifar10", both("CIFAR-10", "CIFAR-10"), (3, 32, 32), THINGS, 50_000, "unknown",
        "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009); uoft-cs/cifar10 on the Hugging Face Hub",
        flips=True,
    ),
    DataSpec(
        "celeba", both("CelebA faces 64×64", "CelebA 人脸 64×64"), (3, 64, 64), (), 34_268,
        "CelebA Dataset Release Agreement (non-commercial research only)",
        "Z. Liu, P. Luo, X. Wang and X. Tang, Deep Learning Face Attributes in the Wild (2015); "
        "the first 34,268 aligned faces of flwrlabs/celeba on the Hugging Face Hub, cropped and resized",
        flips=True,
    ),
    DataSpec(
        "fairface64", both("FairFace 64×64", "FairFace 人脸 64×64"), (3, 64, 64), (), 86_744, "CC BY 4.0",
        "K. Kärkkäinen and J. Joo, FairFace (WACV 2021); HuggingFaceM4/FairFace on the Hugging Face Hub, cropped and resized",
        flips=True,
    ),
)  # fmt: skip

# What must be said of models of people's faces, wherever such a model is described.
FACES = both(
    "The faces it makes belong to nobody: they mix what was learnt from photographs of many people, at 64 pixels, often blurred and sometimes "
    "misshapen. They mirror the photographs, with their biases: take no sample for typical of any group, and no share of samples for a fact. "
    "Not for deceiving, identifying or judging people.",
    "它生成的人脸不属于任何人：由许多人的照片中学到的东西混合而成，只有 64 像素，常常模糊，有时变形。它们反映照片及其偏差："
    "不要把任何样本当作某个群体的代表，也不要把样本的比例当作事实。不得用于欺骗、识别或评判他人。",
)
LIMITS: dict[str, Words] = {"celeba": FACES, "fairface64": FACES}

# In the order they are looked for; the last one is downloaded.  CelebA has 19 training shards of half a gigabyte each;
# the first four hold more faces than a small network can use up.
SOURCES: dict[str, tuple[Source, ...]] = {
    "mnist": (Source("ylecun/mnist", "mnist", 18_200_000),),
    "fashion-mnist": (Source("zalando-datasets/fashion_mnist", "fashion_mnist", 36_100_000),),
    "cifar10": (Source("uoft-cs/cifar10", "plain_text", 143_900_000, image="img"),),
    "celeba": (Source("flwrlabs/celeba", "img_align+identity+attr", 2_373_000_000, label="", fit=True, most=(4, 1)),),
    "fairface64": (
        Source("local/fairface64", "", label=""),
        Source("HuggingFaceM4/FairFace", "0.25", 563_400_000, test="validation", label="", fit=True),
    ),
}
