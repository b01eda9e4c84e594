"""The words of the Evaluate tab."""

from __future__ import annotations

from aigc.words import Words, both

MODEL = both("Model", "模型")
DATA = both("Compare with", "对照数据")
DATA_HELP = both("Real pictures of the same size and colours.", "尺寸与颜色相同的真实图像。")
SAMPLES = both("Samples", "样本数")
SAMPLES_HELP = both("More make the figures steadier and take longer. FID is only comparable at the same number.",
                    "越多越稳，也越久。FID 只能在样本数相同时比较。")  # fmt: skip
FEW = both(" Fidelity takes {n} of them here: there are no more test pictures.", "此处保真度只用其中 {n} 个：测试图像只有这么多。")
PARTS = both("What to examine", "评估哪些方面")
BESIDE = both("Beside other models", "与其他模型并列")
BESIDE_HELP = both("Models that have been evaluated on the same data.", "在同一数据上评估过的模型。")
GO = both("Evaluate", "评估")
CANCEL = both("Cancel", "取消")
SHIPPED = both("shipped", "随附")
OF = both("{model} on {data}", "{model}，数据 {data}")

NO_MODELS = both("There is no model yet. Train one: every technique has its own tab.", "还没有模型。先训练一个：每种技术各有一页。")
NO_REPORT = both(
    "{model} has not been evaluated on {data}. Press “Evaluate”: samples are drawn, laid beside real pictures, and measured.",
    "{model} 还没有在 {data} 上评估过。按“评估”：程序会抽取样本，与真实图像对照并测量。",
)
NO_DATA = both(
    "The data that {model} makes are not here, so it cannot be measured against them.", "这里没有 {model} 所生成的那种数据，无法对照测量。"
)
NOT_BESIDE = both("{model} has not been evaluated on {data} yet.", "{model} 还没有在 {data} 上评估过。")
CHOOSE = both("Choose a model.", "请选择模型。")
CHOOSE_DATA = both("Choose data that the model can be compared with.", "请选择可以与该模型对照的数据。")
NUMBER = both("The number of samples is a whole number from {least} to {most}.", "样本数须为 {least} 到 {most} 之间的整数。")
NO_PARTS = both("Choose at least one part to examine.", "请至少选择一个方面。")

UNDER_WAY = both("Evaluating {model} on {data}", "正在评估 {model}，数据 {data}")
SINCE = both("{seconds} so far", "已用 {seconds}")
STOPPED = both("The last evaluation, of {model}, ended: {why}", "上次对 {model} 的评估已结束：{why}")

FIGURE = both("Figure", "指标")
VALUE = both("Samples", "样本")
FLOOR = both("Real against real", "真实对真实")
COUNT = both("n", "n")
FLOOR_OF = both("real: {value}", "真实：{value}")
COUNT_OF = both("n = {n}", "n = {n}")
FLOOR_HELP = both("The same figure for held-out real pictures in the place of the samples: as good as can be expected. An n beside it says that they "
                  "are fewer than the samples, which makes FID and coverage look worse.",
                  "用留出的真实图像代替样本所得的同一指标：能期望的最好结果。"
                  "旁边注有 n 时，真实图像少于样本，FID 与覆盖率会因此显得更差。")  # fmt: skip
VALUE_HELP = both("± is what other samples of the same model would vary by, beside the same real pictures: a standard error.",
                  "± 为标准误：同一模型换一批样本、与同样的真实图像对照时，该值会有多大变动。")  # fmt: skip
COUNT_HELP = both("How many samples were measured.", "测量了多少个样本。")
LOW, HIGH = both("lower is better", "越低越好"), both("higher is better", "越高越好")
TABLE = both("Figures of {model} on {data}", "{model} 的指标，数据 {data}")
OTHER_PART = both("Other figures", "其他指标")
BEST = both("In bold: the best, and whatever lies within its error, where n is the same.", "加粗：n 相同时最好的，以及与它相差在误差之内的。")
OTHER_N = both("different n", "n 不同")
DIFFERENT_N = both("In rows marked “different n” the numbers of samples differ: FID and coverage are not comparable there.",
                   "标有“n 不同”的行，各列的样本数不同：FID 与覆盖率不能跨列比较。")  # fmt: skip
DIFFERENT_NETS = both("These were measured with different feature networks: figures of features are not comparable across them.",
                      "各列所用的特征网络不同：基于特征的指标不能跨列比较。")  # fmt: skip
CHANGED = both("The weights of {model} have changed since this was measured: evaluate it again.", "测量之后 {model} 的权重已改变：请重新评估。")

MEASURED = both("Measured {when} on {device} in {seconds}, with {n} samples, seed {seed}, AIGC Lab {version}.",
                "测于 {when}，设备 {device}，用时 {seconds}，{n} 个样本，种子 {seed}，AIGC Lab {version}。")  # fmt: skip
GAVE = both("That gave: {parts}.", "由此得到：{parts}。")
NOW = both("measured {when}", "测于 {when}")
CARRIED = both("carried over from the evaluation of {when}", "沿用 {when} 的评估结果")
EXTRACTOR = both("Features: {net} on its own test pictures.", "特征网络：{net}（在它自己的测试图像上）。")
SAMPLING = both("Sampling: {how}.", "采样：{how}。")
ORIGIN = both("How it was measured", "怎样测得的")
DOWNLOAD = both("Download the table", "下载表格")
PICTURES: dict[str, Words] = {
    "neighbours": both("In every row a sample, then the training pictures nearest to it", "每行先是一个样本，其后是离它最近的训练图像"),
    "neighbours_pixels": both(
        "In every row a sample, then the training pictures nearest to it in pixels",
        "每行先是一个样本，其后是像素空间中离它最近的训练图像",
    ),
    "neighbours_features": both(
        "In every row a sample, then the training pictures nearest to it in features",
        "每行先是一个样本，其后是特征空间中离它最近的训练图像",
    ),
}
SAME_AGAIN = both("The same from a shell", "在命令行里做同样的评估")

HOW_TO_READ = both("How to read these figures", "怎样读这些指标")
READING: tuple[Words, ...] = (
    both(
        "FID fits one Gaussian to the features of the samples and one to those of real pictures, and says how far apart the two are; 0 would mean "
        "the same mean and the same spread. It has no unit and no fixed scale: read it beside the column of real pictures against real pictures, "
        "which is what a perfect model would reach, and never across different numbers of samples, since FID falls as n grows.",
        "FID 对样本的特征与真实图像的特征各拟合一个高斯分布，再量出两者的距离；0 表示均值与散布都相同。它没有单位，也没有固定的尺度："
        "要与“真实对真实”一列对照着读，那是完美的模型所能达到的值；样本数不同则不能比，因为 FID 随 n 增大而减小。",
    ),
    both(
        "“FID, … CNN” is measured with the features of a small network that this project taught to read that very data set. The FID in papers uses "
        "Inception v3, taught on photographs. The two look at different features, so their numbers live on different scales: never set one beside "
        "the other, nor figures of two data sets beside each other, whose networks differ too.",
        "“FID，…… CNN”用的是本项目教会识别该数据集的一个小网络的特征。论文里的 FID 用 Inception v3，那是在照片上训练的。"
        "两者看的是不同的特征，数值的尺度也就不同：切勿把二者放在一起比，也不要跨数据集比较，因为所用的网络也不同。",
    ),
    both(
        "FID mixes quality and variety in one number. Precision asks how many samples look real, recall how much of the real variety they reach; "
        "density and coverage ask the same and are less easily fooled by outliers. A model that repeats one perfect picture has high precision and "
        "no recall.",
        "FID 把质量与多样性合成一个数。精确率问有多少样本像真的，召回率问真实的多样性覆盖了多少；"
        "密度与覆盖率问的是同样的事，且不易被离群点欺骗。只会重复一张完美图像的模型，精确率很高，召回率却为零。",
    ),
)
