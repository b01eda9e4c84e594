"""What every tab says of a run under way: the words that do not depend on what is made."""

from __future__ import annotations

from aigc.words import both

STOP = both("Stop", "停止")
STARTING = both("Starting …", "正在开始……")  # until the server has heard of it
OPENING = both("Opening the model …", "正在打开模型……")
READING = both("The model is open and reads what it was given …", "模型已打开，正在读所给的内容……")
IN_LINE = both("In line: {n} before you.", "排队中：前面还有 {n} 个。")
RETURNED = both("Made before this page was loaded again.", "本页重新载入之前所做。")
STILL = both("{line} What stands here is still the example.", "{line}这里显示的仍是示例。")  # once a run made nothing
STOPPED = both("Stopped.", "已停止。")
UNEXPECTED = both("Something went wrong that should not have; the details are in the server's log.", "出现了不该出现的错误；详情在服务器日志里。")
