"""The words of Explore."""

from __future__ import annotations

from aigc.ui.text.telling import OPENING as OPENING
from aigc.ui.text.telling import STILL
from aigc.ui.text.telling import STOP as STOP
from aigc.ui.text.telling import STOPPED as STOPPED
from aigc.ui.text.telling import UNEXPECTED as UNEXPECTED
from aigc.words import Words, both

MODEL = both("Model", "模型")
MODEL_HELP = both(
    "Models you trained, models that came along, and runs as they are now.",
    "你训练的模型、随项目提供的模型，以及进行中的训练（取其目前状态）。",
)
NONE = both(
    "There is no model of this kind yet. Train one: after a few seconds it can be explored while it learns.",
    "还没有这种模型。先训练一个：几秒之后就可以边学边探索。",
)
TOO_LONG = both(
    "This took {n} minutes, which is the most on a public page, and was ended, since others may wait. Ask for fewer images, or fewer steps.",
    "这已用了 {n} 分钟，达到公开页面的上限，因此结束：可能还有别人在等。请减少图像数或步数。",
)

VIEWS: dict[str, Words] = {
    "sample": both("Sample", "采样"),
    "between": both("Interpolate", "插值"),
    "plane": both("Latent plane", "潜平面"),
    "rebuild": both("Reconstruct", "重建"),
    "path": both("To noise and back", "去噪路径"),
}
SAYS: dict[str, Words] = {
    "sample": both("Draw new ones from the model. The same seed gives the same images.", "从模型中抽取新样本。种子相同，图像就相同。"),
    "between": both(
        "Walk from one random image to another. When the latents mean something, every stop on the way looks like data.",
        "从一张随机图走到另一张。如果潜变量有意义，途中每一站都像真实数据。",
    ),
    "plane": both(
        "A flat window on the latents. Click it, or drag across it, and see what the decoder makes of that place.",
        "潜空间的一扇平面窗。点一点或拖一拖，看解码器在那里画出什么。",
    ),
    "rebuild": both(
        "Send an image through the bottleneck and see what comes back. Draw one yourself: the answer follows your strokes.",
        "让一张图穿过瓶颈，看还原出什么。自己画一张：答案会跟着笔画变。",
    ),
    "path": both(
        "Turn an image to noise, then let the model go back. With its own noise it finds the same image again; with random noise it invents another.",
        "把图像变成噪声，再让模型走回来。用它自己的噪声，会回到同一张图；用随机噪声，会画出另一张。",
    ),
}

# knobs and buttons
HOW_GOOD = both("how good its samples are", "它的样本有多好")
CLASS = both("Class", "类别")
ALL = both("all in turn", "依次取各类")
GO: dict[str, Words] = {
    "sample": both("Sample", "采样"),
    "between": both("Walk", "走一遍"),
    "rebuild": both("Reconstruct", "重建"),
    "path": both("Go there and back", "走一个来回"),
}
HOW = both("How to sample", "如何采样")
CLASS_A, CLASS_B = both("Upper row: class", "上排：类别"), both("Lower row: class", "下排：类别")
NO_SECOND = both("no second row", "不要第二排")
SHOW_TEST = both("Show where test images lie", "标出测试图像的位置")

SOURCE = both("Which image", "用哪张图")
SOURCES: dict[str, Words] = {
    "test": both("test images", "测试图像"),
    "draw": both("my drawing", "我画的"),
    "file": both("a file", "一个文件"),
}
NUMBERS = both("Numbers of the test images", "测试图像的编号")
NUMBERS_HELP = both("The model has never seen these.", "模型从未见过它们。")
OTHERS = both("Others", "换一批")
FILE = both("Picture", "图像文件")
NOISE = both("Noise", "噪声")
OWN_NOISE = both("the image's own: comes back to it", "它自己的噪声：能回到原图")
RANDOM_NOISE = both("random: comes back to another", "随机噪声：回到另一张图")

# what stands on the stage
LAYERS: dict[str, Words] = {
    "x": both("what the sampler holds (xₜ)", "采样器手里的（xₜ）"),
    "guess": both("what it believes (x̂₀)", "它相信的原图（x̂₀）"),
}
PRESS = both("Press “{go}”.", "请按“{go}”。")
BUSY = both("{done} of {all}", "第 {done} 步，共 {all} 步")
DONE = both("{what} in {seconds}.", "{what}，用时 {seconds}。")
STEP = both("step {i} of {n}", "第 {i} 步，共 {n} 步")
START = both("start: pure noise", "起点：纯噪声")
CELL = both("number {i}", "第 {i} 张")
CELL_CLASS = both("number {i}, {name}", "第 {i} 张，{name}")
BETWEEN = both("{a:.0%} on the way from seed {x} to seed {y}", "从种子 {x} 到种子 {y}，走了 {a:.0%}")
PLACE = both("{u:.0%} across, {v:.0%} up; latents {z}", "横 {u:.0%}，纵 {v:.0%}；潜变量 {z}")
ROWS = (both("original", "原图"), both("rebuilt", "重建"), both("difference", "差别"))
THERE = both("to noise: {share:.0%}", "变成噪声：{share:.0%}")
BACK = both("back: {share:.0%}", "往回走：{share:.0%}")
CLICK = both("Click on the plane.", "点一下平面。")
PRIVATE = both(
    "On a public page, pictures that somebody brought are shown to nobody: draw one, or bring a file.",
    "公开页面不展示他人上传的图像：请自己画一张，或上传文件。",
)
NO_DATA = both(
    "The dataset is not on this machine, so there are no test images here; draw one, or take a file.",
    "本机没有这个数据集，所以没有测试图像；请自己画一张，或选一个文件。",
)

# files
SAVE = both("Save:", "保存：")
WEIGHTS = both("weights", "权重")
CARD = both("model with card (zip)", "带卡片的模型（zip）")
SCRIPT = both("script that makes it again", "可重新训练它的脚本")
NOT_YET_A_MODEL = both(
    "This run is not a model yet: stop it, or wait until it has finished. Its weights can be saved already.",
    "这次训练还没有成为模型：请停止它或等它结束。权重现在就可以保存。",
)
NOTHING_YET = both("There is nothing to save yet: make something first.", "还没有可以保存的内容：请先生成。")

# what only the browser says
STAGE: dict[str, Words] = {
    "shown": both("What is shown", "显示什么"),
    "play": both("Play", "播放"),
    "halt": both("Halt", "停住"),
    "step": both("Step", "步"),
    "picture": both("Picture", "图像"),
    "made": both("AI-generated", "AI 生成"),
    "still": STILL,
    "step_of_path": both("along the path", "沿着路径"),
    "pad": both("A pad to draw on", "画板"),
    "draw": both("draw here", "在这里画"),
    "undo": both("Undo", "撤销"),
    "clear": both("Clear", "清空"),
    "colour": both("Colour of the brush", "画笔颜色"),
}


def seconds(value: float) -> Words:
    shown = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return both(f"{shown} s", f"{shown} 秒")


def images(n: int, points: bool) -> Words:
    if points:
        return both(f"{n:,} points", f"{n:,} 个点")
    return both(f"{n:,} {'image' if n == 1 else 'images'}", f"{n:,} 张图")
