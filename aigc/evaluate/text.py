"""What every figure is called, what it means and which way is better."""

from __future__ import annotations

from dataclasses import dataclass

from aigc.evaluate.report import Figure
from aigc.words import Words, both


@dataclass(frozen=True)
class Kind:
    part: str
    label: Words
    help: Words
    unit: str = ""
    better: str = "low"


def figure(
    key: str, value: float, error: float | None = None, floor: float | None = None, *, n: int, floor_n: int = 0, of: str = "", **names: object
) -> Figure:
    """The figure called `key`, in words; `of`: the kind, where several figures are of one; `names` fill its label and help."""
    kind = KINDS[of or key]
    label, help = (words.fill(**names) if names else words for words in (kind.label, kind.help))
    return Figure(key, label, value, error, floor, n, help, kind.unit, kind.better, kind.part, floor_n)


OF_FEWER = both("{value} (n = {n})", "{value}（n = {n}）")


def floor_in_words(f: Figure, said: str) -> Words:
    """The floor as `said`, and how many real pictures it was measured with where they are fewer than the samples beside it."""
    return OF_FEWER.fill(value=said, n=f"{f.floor_n:,}") if 0 < f.floor_n < f.n else Words(said, said)


FIDELITY = {
    "fid": Kind(
        "fidelity",
        both("FID, {net}", "FID，{net}"),
        both(
            "Distance between two Gaussians, one fitted to the features of the samples, one to those of all training pictures. "
            "It falls with n, so compare equal n only.",
            "样本特征与全部训练图像特征各拟合一个高斯分布，此为两者的距离。它随 n 增大而减小，只能在 n 相同时比较。",
        ),
    ),
    "kid": Kind(
        "fidelity",
        both("KID × 1000, {net}", "KID × 1000，{net}"),
        both(
            "Squared distance of means under a cubic kernel: unbiased, 0 on average where both are alike, so it may fall below 0.",
            "三次核下均值的平方距离：无偏，分布相同时平均为 0，因此可能略小于 0。",
        ),
    ),
    "yardstick": Kind(
        "fidelity",
        both("Yardstick: FID of noisy real pictures, {net}", "标尺：加噪真实图像的 FID，{net}"),
        both(
            "FID of as many real training pictures with Gaussian noise of standard deviation 0.1 on them (pictures in [-1, 1], cut to it).",
            "同样多的真实训练图像加上标准差 0.1 的高斯噪声（图像取值 [-1, 1]，并截断）后的 FID。",
        ),
        better="",
    ),
    "fid_ratio": Kind(
        "fidelity",
        both("FID over the yardstick, {net}", "FID 与标尺之比，{net}"),
        both(
            "Below 1 the samples are nearer to real pictures than slightly noisy real pictures are; it says little where the floor is above 1.",
            "小于 1 表示样本比略带噪声的真实图像更接近真实图像；若下限本身大于 1，则没有多少意义。",
        ),
    ),
    "precision": Kind(
        "fidelity",
        both("Precision (k = 3), {net}", "精确率（k = 3），{net}"),
        both(
            "Share of samples that lie as near to a real picture as its third neighbour does: are they good?",
            "落在某张真实图像第三近邻半径之内的样本比例：质量如何？",
        ),
        better="high",
    ),
    "recall": Kind(
        "fidelity",
        both("Recall (k = 3), {net}", "召回率（k = 3），{net}"),
        both(
            "Share of real pictures that lie as near to a sample as its third neighbour does: is everything there?",
            "落在某个样本第三近邻半径之内的真实图像比例：是否齐全？",
        ),
        better="high",
    ),
    "density": Kind(
        "fidelity",
        both("Density (k = 5), {net}", "密度（k = 5），{net}"),
        both(
            "In how many balls of real pictures a sample lies, over k; about 1 for real ones, more where samples crowd into the typical.",
            "每个样本落在多少个真实图像的邻域球内（除以 k）；真实图像约为 1，样本扎堆于典型处时更大。",
        ),
        better="high",
    ),
    "coverage": Kind(
        "fidelity",
        both("Coverage (k = 5), {net}", "覆盖率（k = 5），{net}"),
        both(
            "Share of real pictures that have a sample within reach of their fifth neighbour: unlike recall, outliers do not help.",
            "第五近邻半径之内有样本的真实图像比例；与召回率不同，离群样本不会抬高它。",
        ),
        better="high",
    ),
    "inception_score": Kind(
        "fidelity",
        both("Inception-style score, {net}", "Inception 式得分，{net}"),
        both(
            "High where every sample is read surely and all classes come up alike; at most the number of classes.",
            "每个样本都被确信地识别、且各类出现均匀时高；最大为类别数。",
        ),
        better="high",
    ),
    "asked_class": Kind(
        "fidelity",
        both("Read as the class asked for, {net}", "被识别为所要求类别的比例，{net}"),
        both(
            "Share of samples in which the network sees the class that was asked for; beside it, real test pictures.",
            "网络识别出的类别与所要求类别一致的样本比例；旁边是真实测试图像。",
        ),
        unit="%",
        better="high",
    ),
    "inception_fid": Kind(
        "fidelity",
        both("FID, Inception (torch-fidelity)", "FID，Inception（torch-fidelity）"),
        both(
            "By the network that papers use, which was taught on photographs; against as many training pictures.",
            "论文通用的网络（用照片训练），与同样多的训练图像对照。",
        ),
    ),
    "class_shares": Kind(
        "fidelity",
        both("Largest error of a class's share, {net}", "类别占比的最大偏差，{net}"),
        both(
            "By how many points the share of the worst class among samples differs from its share among training pictures.",
            "样本中偏差最大的类别，其占比与训练图像中相差多少个百分点。",
        ),
        unit="points",
    ),
}

LIKELIHOOD = {
    "nll": Kind(
        "likelihood",
        both("Minus log-likelihood, at most; {data} test pictures in black and white", "负对数似然上界；二值化的 {data} 测试图像"),
        both(
            "Importance-weighted bound with {k} draws of the latents for each of {few} pictures (Burda et al. 2016), the evidence lower bound on "
            "all; every pixel is made black or white by a coin of its brightness, seed {seed}.",
            "重要性加权界（Burda 等 2016），对 {few} 张图像各抽取 {k} 次潜变量；全部图像另计证据下界；每个像素按亮度随机取黑或白，种子 {seed}。",
        ),
        unit="nats",
    ),
    "negative_elbo": Kind(
        "likelihood",
        both("Minus evidence lower bound, the same pictures", "负证据下界，同一批图像"),
        both("What training descends where beta is 1; the weighted bound is tighter.", "beta 为 1 时训练所下降的量；重要性加权界更紧。"),
        unit="nats",
    ),
    "bits_per_dimension": Kind(
        "likelihood",
        both("Bits per dimension, at most; {data} test pictures", "每维比特数上界；{data} 测试图像"),
        both(
            "Variational bound in continuous time down to noise of {noise} of the signal, where 256 greys are read off with each pixel's own "
            "histogram over the training pictures (Kingma et al. 2021); {few} noise levels for each picture.",
            "连续时间的变分界，算到噪声为信号的 {noise} 倍为止，在该处借助各像素在训练图像上的直方图读出 256 级灰度（Kingma 等 2021）；"
            "每张图像抽看 {few} 个噪声级。",
        ),
        unit="bits/dim",
    ),
    "bits_of_histograms": Kind(
        "likelihood",
        both("Bits per dimension of pixels on their own, the same pictures", "各像素独立时的每维比特数，同一批图像"),
        both(
            "What the pictures cost where every pixel has its own smoothed histogram over the training pictures and none knows of another: "
            "to be beaten.",
            "每个像素各用训练图像上的（平滑）直方图、彼此独立时写下图像的代价：应当优于它。",
        ),
        unit="bits/dim",
        better="",
    ),
}

RECONSTRUCTION = {
    "reconstruction": Kind(
        "reconstruction",
        both("Test reconstruction error, {size} numbers", "测试集重建误差，{size} 维编码"),
        both(
            "Mean squared error of a pixel in [0, 1] on test pictures, each coded and decoded.",
            "测试图像编码再解码后，每个像素（[0, 1]）的均方误差。",
        ),
        unit="MSE",
    ),
    "principal_components": Kind(
        "reconstruction",
        both("Test reconstruction error of {size} principal components", "{size} 个主成分的测试集重建误差"),
        both(
            "The best that a linear code of the same size can do, fitted to the training pictures: to be beaten.",
            "同样维数的线性编码（用训练图像拟合）所能做到的最好结果：应当优于它。",
        ),
        unit="MSE",
        better="",
    ),
    "reconstruction_ratio": Kind(
        "reconstruction",
        both("Reconstruction error over that of principal components", "重建误差与主成分误差之比"),
        both("Below 1 the code holds more than a linear one of its size.", "小于 1 表示编码比同维数的线性编码保留得更多。"),
    ),
}

USEFULNESS = {
    "taught_on_samples": Kind(
        "usefulness",
        both("Classifier taught on samples alone, accuracy on real test pictures", "只用样本训练的分类器在真实测试图像上的正确率"),
        both(
            "A network that never saw a real picture names the classes of real ones; beside it, the same network taught on as many real "
            "pictures. {how}",
            "从未见过真实图像的网络识别真实图像；旁边是用同样多真实图像训练的同一网络。{how}",
        ),
        unit="%",
        better="high",
    ),
}

MEMORISATION = {
    "nearer": Kind(
        "memorisation",
        both("Nearer to a training picture than a test picture is, {space}", "比测试图像更靠近训练图像，{space}"),
        both(
            "How often a sample is nearer to its nearest training picture than a test picture is to its own: 50 % for new pictures, more "
            "for typical or copied ones.",
            "样本到最近训练图像的距离小于测试图像的对应距离的概率：全新的图像为 50%，过于典型或抄袭时更高。",
        ),
        unit="%",
    ),
    "copies": Kind(
        "memorisation",
        both("As near as the nearest hundredth of test pictures, {space}", "近到测试图像中最近的百分之一之内，{space}"),
        both(
            "Share of samples nearer to a training picture than 99 of 100 test pictures are: 1 % for new pictures; a model that copies has far more.",
            "比 99% 的测试图像都更靠近某张训练图像的样本比例：全新的图像为 1%；抄袭的模型远高于此。",
        ),
        unit="%",
    ),
}

POINTS = {
    "modes": Kind(
        "points",
        both("Modes covered, of {k}", "覆盖的模式数（共 {k} 个）"),
        both("Modes that get at least a quarter of their share of points.", "分到的点数不少于应有份额四分之一的模式个数。"),
        better="high",
    ),
    "near": Kind(
        "points",
        both("Near the data", "靠近数据的比例"),
        both(
            "Share of points where points belong: within three standard deviations of a Gaussian's centre, or nearer to a true point than "
            "99 % of fresh ones.",
            "落在数据所在处的比例：距高斯中心三个标准差以内，或比 99% 的新真实点更靠近某个真实点。",
        ),
        unit="%",
        better="high",
    ),
    "kl": Kind(
        "points",
        both("KL(real ‖ made) on a 40 × 40 grid", "40 × 40 网格上的 KL(真实 ‖ 生成)"),
        both(
            "Nats lost by taking the made points for the real ones; large where a region is left out.",
            "把生成分布当作真实分布所损失的 nat；遗漏区域时变大。",
        ),
        unit="nats",
    ),
    "js": Kind(
        "points",
        both("Jensen-Shannon divergence on a 40 × 40 grid", "40 × 40 网格上的 JS 散度"),
        both("0 where both are alike, log 2 = 0.69 nats where they share nothing.", "两者相同为 0，毫无重叠为 log 2 = 0.69 nat。"),
        unit="nats",
    ),
    "wasserstein": Kind(
        "points",
        both("Wasserstein-2 distance, {matched} points matched exactly", "Wasserstein-2 距离，{matched} 个点精确匹配"),
        both(
            "Root mean square way from every point to the one it is matched with, by the best of all matchings.",
            "最优一一匹配下，每个点到其配对点距离的均方根。",
        ),
    ),
}

KINDS: dict[str, Kind] = {**FIDELITY, **LIKELIHOOD, **RECONSTRUCTION, **USEFULNESS, **MEMORISATION, **POINTS}
