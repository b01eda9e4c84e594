"""The words of the Arena tab."""

from __future__ import annotations

from aigc.jobs.arena import SECONDS_EACH
from aigc.jobs.standings import ASSUMED
from aigc.words import Words, both

TITLE = both("The same data, the same budget", "同样的数据，同样的预算")
INTRO = both(
    "Train several techniques, or one technique with different settings, for equally long, and see which learns more from it.",
    "让几种技术（或同一技术的几组设置）训练同样长的时间，看谁学得更多。",
)
KIND = both("What to compare", "比较什么")
KINDS: dict[str, Words] = {"contest": both("Techniques", "几种技术"), "sweep": both("Settings of one technique", "一种技术的不同设置")}
TECHNIQUES = both("Techniques", "技术")
TECHNIQUE = both("Technique", "技术")
DATA = both("Data", "数据")
SECONDS = SECONDS_EACH
SECONDS_HELP = both("They train one after the other, each with the whole machine.", "逐个训练，每次独占整台机器。")
PRESET = both("Settings", "设置")
PRESET_HELP = both("The networks and knobs of this preset; its own budget is left aside.", "采用这个预设的网络与选项，不用它自带的预算。")
NAME = both("Name", "名称")
NAME_HELP = both("For the list of arenas; may be left empty.", "显示在擂台列表里，可留空。")
ACROSS = both("Columns: which knob", "横向：哪个选项")
DOWN = both("Rows: which knob", "纵向：哪个选项")
VALUES = both("Its values", "取哪些值")
VALUES_HELP = both("Two to five, separated by commas.", "两到五个，用逗号分隔。")
NO_SECOND = both("none", "无")
START = both("Start the arena", "开擂")
MORE = both("More", "更多")
WILL_TAKE = both("{n} runs of {each}: about {all} of training.", "{n} 次训练，每次 {each}：共约 {all}。")
WILL_BE = both("At most {n} runs of yours wait here at a time.", "这里每人最多排 {n} 次训练。")

# what the panel says
MOMENT = both("{images}, {seconds}", "{images}，{seconds}")
DISTANCES = ("fid", "js")  # from real data; a run has one of them
QUALITY = both("{figure}: {n}", "{figure}：{n}")
DONE_OF = both("{done} of {n} runs are over", "{n} 次训练已结束 {done} 次")
BOTH_OVER = both("Both runs are over", "两次训练都已结束")
ALL_OVER = both("All {n} runs are over", "全部 {n} 次训练已结束")
NOW = both("{what} is training", "{what} 正在训练")
RECORDING = both("A recording that came along: press “Start the arena” for one of your own", "随项目提供的记录：按“开擂”开始你自己的")
ON = both("{what} on {data}, {budget} each", "{what}，数据 {data}，各 {budget}")
SWEEP_OF = both("{technique}: {knobs}", "{technique}：{knobs}")
NOT_STARTED = both("not started", "未开始")
GONE = both("this run was deleted", "这次训练已被删除")
SET_TO = both("{knob} {value}", "{knob} {value}")
YES, NO = both("yes", "是"), both("no", "否")

COLUMNS: dict[str, tuple[Words, Words]] = {
    "run": (both("Run", "训练"), both("What was trained; the link shows its training.", "训练的对象；链接到它的训练过程。")),
    "state": (both("State", "状态"), both("How far it has come.", "进行到哪一步。")),
    "seconds": (both("Time", "用时"), both("Time spent training, pauses left out.", "训练所用时间，不含暂停。")),
    "images": (both("Images", "图像数"), both("Real images drawn for training so far.", "训练至今抽取的真实图像数。")),
    "rate": (both("Images/s", "张/秒"), both("Images a second, over the whole training.", "整个训练期间平均每秒多少张。")),
    "memory": (
        both("Memory", "内存"),
        both(
            "The most that its whole process held, PyTorch included; on a graphics card, the most that it was given there.",
            "整个进程（含 PyTorch）占用内存的最大值；在显卡上是所分配显存的最大值。",
        ),
    ),
    "parameters": (both("Weights", "权重数"), both("Numbers that training changes, in all networks together.", "训练会改动的数的个数，各网络合计。")),
    "flops": (
        both("FLOP/image", "FLOP/张"),
        both(
            "Additions and multiplications to learn from one image, counted in matrix products and convolutions, forwards and backwards.",
            "学习一张图像所需的加法与乘法次数：只计矩阵乘法与卷积，含前向与反向。",
        ),
    ),
    "energy": (
        both("Energy (est.)", "能耗（估计）"),
        ASSUMED,
    ),
    "model": (both("Model", "模型"), both("What came of it; the link evaluates it.", "训练所得；链接到它的评估。")),
}
LAST_OF = both("{figure}: the last value measured during training.", "{figure}：训练中最后一次测得的值。")
NOT_TOLD_CLASSES = both(
    "{runs}: no share of classes read right, because it is not told which class to make.", "{runs}：没有类别识别率，因为它不接受类别条件。"
)
TOO_SHORT = both(
    "{runs}: no quality, because measuring it would have taken more than a tenth of so short a training. Give each run more seconds.",
    "{runs}：没有质量指标，因为训练太短，测一次会占去超过十分之一的时间。请给每次训练更多秒数。",
)
NO_NETWORK = both(
    "{runs}: no quality, because no network that was taught on this data is here to measure by.",
    "{runs}：没有质量指标，因为这里没有在该数据上训练过、可用来测量的网络。",
)
TABLE = both("Cost and quality", "代价与质量")

# what only the browser says
BROWSER: dict[str, Words] = {
    "none": both("No arena yet", "还没有擂台"),
    "press": both(
        "Press “Start the arena”: the techniques train one after the other, and their samples and figures meet here.",
        "按“开擂”：各技术依次训练，样本与指标都汇集在这里。",
    ),
    "sending": both("starting", "正在启动"),
    "samples": both("Newest samples", "最新样本"),
    "quality": both("Quality over time", "质量随时间的变化"),
    "no_quality": both(
        "Curves of quality appear here as soon as it has been measured twice. Losses are not drawn: "
        "those of different techniques measure different things.",
        "测过两次质量后，这里会出现曲线。这里不画损失：不同技术的损失含义不同，不能放在一起比。",
    ),
    "not_drawn": both("{n} of {all} runs are not drawn: {which}.", "{all} 次训练中有 {n} 次没有画出：{which}。"),
    "choose_runs": both("Choose the runs that are drawn", "选择画出哪些训练"),
    "table": TABLE,
    "past": both("Arenas", "擂台列表"),
    "stop": both("Stop all", "全部停止"),
    "delete": both("Delete", "删除"),
    "sure": both("Yes, delete it", "确定删除"),
    "keep": both("Keep it", "保留"),
    "deleted": both("Deleted; its runs and models are still there.", "已删除；各次训练与模型仍在。"),
    "save_png": both("PNG", "PNG"),
    "save_csv": both("CSV", "CSV"),
    "save_json": both("JSON", "JSON"),
    "download": both("Download", "下载"),
    "evaluate": both("evaluate", "评估"),
    "waiting": both("no picture yet", "还没有图像"),
    "view_only": both("view only", "只能看"),
}
