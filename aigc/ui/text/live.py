"""The words of the live panel and of the form beside it."""

from __future__ import annotations

from aigc.words import Words, both

# buttons; those named after a command of aigc.commands.Do send it
ACTIONS: dict[str, Words] = {
    "pause": both("Pause", "暂停"),
    "resume": both("Resume", "继续"),
    "step": both("One step", "单步"),
    "stop": both("Stop", "停止"),
    "again": both("Continue", "继续"),
    "longer": both("Train longer", "再训练"),
}
CANCEL = both("Cancel", "取消")
RECORDING = both("A recording that came along: press Train for one of your own", "随项目提供的记录：按“训练”开始你自己的")
RECORDED = both("recording", "记录")
NOT_YOURS = both("This is someone else’s run: you can look, but not steer.", "这是别人的训练：可以看，不能操作。")

PHASES: dict[str, Words] = {"critic": both("critic", "判别器"), "discriminator": both("critic", "判别器"), "generator": both("generator", "生成器")}
ALL_PHASES = both("both", "两者")

SHEETS: dict[str, Words] = {
    "samples": both("Samples", "样本"),
    "reconstructions": both("Reconstructions", "重建"),
    "plane": both("Latent plane", "潜平面"),
    "points": both("Points", "点"),
}
LAYERS: dict[str, Words] = {
    "real": both("real data", "真实数据"),
    "points": both("generated data", "生成数据"),
    "reconstructed": both("rebuilt", "重建"),
    "field": both("the critic’s field", "判别器的场"),
    "grid": both("latent grid", "潜变量网格"),
    "paths": both("denoising paths", "去噪路径"),
}
PANELS: dict[str, Words] = {
    "loss": both("Losses", "损失"),
    "health": both("Health", "健康状况"),
    "gradient": both("Gradient norms", "梯度范数"),
    "penalty": both("Penalties", "惩罚项"),
    "error": both("Error per pixel", "每像素误差"),
    "kl": both("KL divergence", "KL 散度"),
    "weight": both("Weight of the KL", "KL 的权重"),
    "sigma": both("Width of the likelihood", "似然的宽度"),
    "quality": both("Quality of a few samples", "少量样本的质量"),
    "classes": both("Read as the class asked for", "被识别为所要求的类别"),
}

UNITS: dict[str, Words] = {
    "probability": both("probability", "概率"),
    "nats": both("nats", "nat"),
    "nats or squared error": both("nats or squared error", "nat 或平方误差"),
    "MSE": both("MSE", "均方误差"),
}

# lines of the log that need no more words than these
MOMENTS: dict[str, Words] = {
    "paused": both("Paused.", "已暂停。"),
    "resumed": both("Went on.", "继续训练。"),
    "finished by budget": both("The budget is spent: finished.", "预算用完，训练结束。"),
    "finished by stop": both("Stopped; what was learnt is kept.", "已停止；学到的都保留了。"),
}

FACTS: dict[str, Words] = {
    "images": both("seen", "已看"),
    "rate": both("speed", "速度"),
    "elapsed": both("trained for", "已训练"),
    "remaining": both("left", "剩余"),
    "device": both("device", "设备"),
    "memory": both("memory", "内存"),
    "model": both("model", "模型"),
}

# what only the browser says; it gets them all in one attribute
BROWSER: dict[str, Words] = {
    "nothing": both("Nothing has been trained here yet.", "这里还没有训练过。"),
    "press": both(
        "Press Train: the first pictures are noise, and within a minute they should look like the data.",
        "按下“训练”：最初的图像是噪声，一分钟之内应当就像数据了。",
    ),
    "sending": both("starting", "正在启动"),
    "lost": both("Connection lost, retrying.", "连接中断，正在重试。"),
    "gone": both("This run is no longer here.", "这次训练已不存在。"),
    "progress": both("Share of the budget that is spent", "预算已用的比例"),
    "pictures": both("Pictures", "图像"),
    "real": both("real", "真实"),
    "rebuilt": both("rebuilt", "重建"),
    "waiting_picture": both("The first picture appears here.", "第一张图会出现在这里。"),
    "newest": both("Newest", "最新"),
    "play": both("Play the history", "播放历史"),
    "halt": both("Halt", "停住"),
    "history": both("Moment of training", "训练的时刻"),
    "at": both("after {images} ({seconds})", "{images}之后（{seconds}）"),
    "cell": both("row {row}, column {column}", "第 {row} 行，第 {column} 列"),
    "download": both("Download", "下载"),
    "preparing": both("Preparing the file …", "正在准备文件……"),
    "curves": both("Curves", "曲线"),
    "log_axis": both("log axis", "对数轴"),
    "by_images": both("images", "图像数"),
    "by_points": both("points", "点数"),
    "by_seconds": both("seconds", "秒"),
    "across": both("across:", "横轴："),
    "smooth": both("smooth", "平滑"),
    "whole": both("Show all", "看全程"),
    "zoom_help": both("Drag across to zoom, click to go to that moment.", "横向拖动可放大，点击可跳到那一刻。"),
    "explore": both("Explore it", "探索这个模型"),
    "maths": both("the mathematics", "看公式"),
    "views": both("In detail", "细看"),
    "log": both("What happened, after how many examples", "发生了什么（左为已看的样本数）"),
    "quiet": both("Nothing to report yet.", "暂时没有消息。"),
    "recent": both("Recent runs", "最近的训练"),
    "others": both("view only", "只能看"),
    "step_of_path": both("denoising step", "去噪步"),
    "hide": both("hide or show this curve", "隐藏或显示这条曲线"),
}


def waiting(place: int) -> Words:
    """A place in the queue; the first in line is 1."""
    suffix = "th" if 10 <= place % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return Words(f"waiting, {place}{suffix} in line", f"排队中，第 {place} 位")


def more(amount: Words) -> Words:
    return Words(f"+ {amount.en}", f"+ {amount.zh}")


def phase(name: str) -> Words:
    return PHASES.get(name, Words(name, name))


def sheet(name: str) -> Words:
    return SHEETS.get(name, Words(name, name))


def unit(name: str) -> Words:
    return UNITS.get(name, Words(name, name))


def panel(name: str) -> Words:
    return PANELS.get(name, Words(name.capitalize(), name))


def duration(seconds: float) -> Words:
    """12 s, 3 min 05 s, 1 h 04 min."""
    s = max(0, round(seconds))
    if s < 60:
        return Words(f"{s} s", f"{s} 秒")
    if s < 3600:
        minutes, rest = divmod(s, 60)
        return Words(f"{minutes} min {rest:02} s" if rest else f"{minutes} min", f"{minutes} 分 {rest:02} 秒" if rest else f"{minutes} 分钟")
    hours, rest = divmod(s // 60, 60)
    return Words(f"{hours} h {rest:02} min" if rest else f"{hours} h", f"{hours} 小时 {rest:02} 分" if rest else f"{hours} 小时")


def images(count: int, points: bool = False) -> Words:
    return Words(f"{count:,} {'points' if points else 'images'}", f"{count:,} {'个点' if points else '张图'}")


def rate(per_second: float, points: bool = False) -> Words:
    shown = f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"
    return Words(f"{shown} {'points' if points else 'images'}/s", f"{shown} {'点' if points else '张'}/秒")


def memory(count: int) -> Words:
    shown = f"{count / 2**20:,.0f} MB" if count < 2**30 else f"{count / 2**30:.1f} GB"
    return Words(shown, shown)
