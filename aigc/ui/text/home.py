"""The words of the Home tab."""

from __future__ import annotations

from aigc.words import Words, both

HEADLINE = both("Watch four models learn in a minute", "一分钟，看四种模型学会画图")
SHOWCASE = both("Made by AI, by models that come with this page. Press one to draw more.", "AI 生成，出自本页自带的模型。点一张，画出更多。")
WHAT = both(
    "AIGC is AI-generated content: text, pictures, sound and film made by models that learnt from examples. Here you train such models from "
    "nothing, on real images, and see every step: the pictures, the curves, the mathematics and the code. "
    "Choose one, press Train, and handwritten digits appear out of noise.",
    "AIGC 即 AI 生成内容：由从样例中学习的模型生成的文字、图像、声音与影像。在这里，你可以用真实图像从零训练这样的模型，"
    "并看清每一步：图像、曲线、数学与代码。任选一种，按下“训练”，手写数字就会从噪声里浮现出来。",
)
WATCH = both("Watch it learn", "看它学习")
HOW = both("How it works", "它的原理")

LOOP = both("The whole loop", "完整的循环")
LOOP_TEXT = both("Every box leads to its place on this page.", "每个方框都通向本页的相应位置。")
BACK = both("and again, better", "再来一轮，更进一步")
# id: name, what happens there
STEPS: dict[str, tuple[Words, Words]] = {
    "data": (both("Data", "数据"), both("Built in, public, or your own images", "内置、公开或自己的图像")),
    "preprocess": (both("Preprocess", "预处理"), both("Crop, resize, shift, turn, mirror", "裁剪、缩放、平移、旋转、镜像")),
    "train": (both("Train", "训练"), both("Live curves and samples; pause, step, turn the knobs", "实时曲线与样本；可暂停、单步、调参")),
    "generate": (both("Generate", "生成"), both("Sample, interpolate, walk the latent plane", "采样、插值、在潜空间里漫步")),
    "evaluate": (both("Evaluate", "评估"), both("Figures with their errors, beside real data", "带误差的指标，与真实数据对照")),
    "feedback": (both("Feedback", "反馈"), both("Keep the best, change one thing, go on from there", "留下最好的，改动一处，接着训练")),
}

MACHINE = both("This machine", "这台机器")
CPU = both("Processor", "处理器")
MEMORY = both("Memory", "内存")
DISK = both("Disk", "磁盘")
SPEED = both("{n} GFLOP/s in a convolution", "卷积实测 {n} GFLOP/s")
MEASURING = both("Measuring its speed…", "正在测它的速度……")
SPEED_HELP = both(
    "Billions of arithmetic operations a second, measured on a 3×3 convolution forward and backward: what training mostly does.",
    "每秒十亿次浮点运算，用一次 3×3 卷积的前向与反向实测：训练的主要工作。",
)
OUTLOOK: dict[str, Words] = {"quick": both("quick", "快"), "fair": both("a while", "稍候"), "slow": both("slow", "慢")}

RUNS = both("Training now and recently", "进行中与最近的训练")
NO_RUNS = both("Nothing has been trained here yet. Choose one of the four above.", "这里还没有训练过模型。从上面四种里选一种吧。")
YOURS = both("yours", "你的")
LIVE_NOW = {"live": both("{n} training", "{n} 个在训练"), "queued": both("{n} waiting", "{n} 个在排队")}

NEWEST = both("Newest models", "最新的模型")
NO_MODELS = both("Models appear here as soon as they are trained.", "训练完成的模型会出现在这里。")
ALL_MODELS = both("All models", "全部模型")
EXPLORE = both("Explore {name}", "探索 {name}")
MADE_BY_AI = both("made by AI", "AI 生成")
