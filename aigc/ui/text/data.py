"""The words of the Data tab."""

from __future__ import annotations

from aigc.words import Words, both

VIEWS: dict[str, Words] = {"look": both("Look at the data", "看数据"), "own": both("Your own images", "你自己的图像")}

CHOOSE = both("Dataset", "数据集")
CLASS = both("Class", "类别")
ALL_CLASSES = both("all classes", "全部类别")
AUGMENT_HELP = both(
    "Every picture is changed at random each time it is shown, so the model learns the shape and not the pixels. Turn a knob and look.",
    "每次出示时都随机改动图像，模型学到的就是形状而不是像素。转动旋钮，看看变化。",
)
OTHERS = both("Other examples", "换一批")

PLAIN = both("As they are", "原样")
SEEN = both("As a model sees them", "模型看到的样子")
SAME = both("nothing is changed yet", "目前没有改动")
EXAMPLE = both("an example", "样本")
LOADING = both("Reading {title}…", "正在读取 {title}……")
FETCHING = both("Getting {title}: {done} of {total} MB", "正在获取 {title}：{done} / {total} MB")
NOT_HERE = both("{title} is not on this machine yet.", "本机还没有 {title}。")
DOWNLOAD = both("Download {mb} MB", "下载 {mb} MB")
CANCEL = both("Cancel", "取消")

PICTURES = both("Pictures", "图像")
POINTS = both("Points", "点")
SIZE = both("Size", "尺寸")
CLASSES = both("Classes", "类别数")
LICENCE = both("Licence", "许可")
CREDIT = both("From", "来源")
WHERE = both("Where", "位置")
PIXELS = both("{w} × {h} pixels, {colour}", "{w} × {h} 像素，{colour}")
GREY = both("grey", "灰度")
COLOUR = both("colour", "彩色")
PLANE = both("two numbers each, on a plane", "每个点两个数，在平面上")
UNKNOWN = both("unknown: keep to yourself what you make of it", "未知：用它做出的东西请留给自己")
TRAIN_ON = both("Train on this", "用它训练")

DELETE = both("Delete these images", "删除这批图像")
YES_DELETE = both("Yes, delete", "是的，删除")
KEEP = both("Keep", "保留")
DELETED = both("{title} is deleted.", "{title} 已删除。")

OWN_INTRO = both(
    "Add several pictures, or a zip of them (PNG, JPEG, WebP; at least {least}). Each is turned upright, cropped to its middle square and "
    "made small. They stay on this machine.",
    "放入若干图像，或一个 zip 压缩包（PNG、JPEG、WebP；至少 {least} 张）。每张都会摆正、裁成正中的方形并缩小。它们只留在这台机器上。",
)
PUBLIC_INTRO = both(
    "This page is open to everyone: do not add pictures that others must not see. At most {mb} MB at a time.",
    "本页对所有人开放：请不要放入不宜公开的图像。一次最多 {mb} MB。",
)
FILES = both("Pictures or a zip", "图像或 zip 压缩包")
SIDE = both("Side in pixels", "边长（像素）")
SIDE_HELP = both("28 trains fastest; 64 shows most.", "28 训练最快，64 细节最多。")
NAME = both("Name", "名称")
USE = both("Use these images", "使用这些图像")
READY = both(
    "{n} images are ready. This is what a model will see; look before you use them.",
    "{n} 张图像已备好。下面就是模型会看到的样子，先看清再使用。",
)
TOO_FEW = both("Pictures that can be used: {n}; at least {least} are needed.", "可用的图像只有 {n} 张，至少需要 {least} 张。")
LEFT_OUT = both("Left out: {n}", "未采用：{n} 个")
AND_MORE = both("and {n} more", "另有 {n} 个")
NOTHING_YET = both("What you add is shown here first, as a model will see it.", "放入的图像会先显示在这里，就是模型会看到的样子。")
ADDED = both("{title} is ready: {n} images to train on.", "{title} 已可使用：{n} 张训练图像。")
FULL = both("You have {n} image sets already: delete one first.", "你已有 {n} 批图像：请先删除一批。")
