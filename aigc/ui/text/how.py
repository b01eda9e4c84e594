"""The words of How it works beside its articles."""

from __future__ import annotations

from aigc.words import both

CONTENTS = both("On this page", "本页内容")
REDRAW = both("Draw it again for the knobs of Train", "按“训练”页的选项重新画")
FOR = both("For {data}, with the knobs as they stand in Train:", "按“训练”页当前的选项，数据为{data}：")
FIRST = both("The diagram appears when this page is opened.", "打开本页时画出结构图。")
LEGEND = both(
    "Boxes are layers with the shape of what comes out and the number of weights. Dotted arrows only tell a layer something, like the noise level.",
    "方框是层，标着输出的形状与权重个数。虚线箭头只是告诉某层一件事，例如噪声级。",
)
NO_ARTICLE = both("Nobody has written about this technique yet.", "这项技术还没有文章。")
EMPTY_CODE = both("# appears when this page is opened", "# 打开本页时显示")
