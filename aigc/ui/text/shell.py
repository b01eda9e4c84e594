"""The words of the frame round the tabs, and of the start from a shell."""

from __future__ import annotations

from aigc.words import Words, both

NAME = both("AIGC Lab", "AIGC 实验室")
SENTENCE = both("Train generative models in the browser, and watch them learn.", "在浏览器里训练生成模型，看着它们学会。")
TABS: dict[str, Words] = {
    "home": both("Home", "首页"),
    "data": both("Data", "数据"),
    "text": both("Text", "文本"),
    "image": both("Image", "图像"),
    "models": both("Models", "模型"),
    "evaluate": both("Evaluate", "评估"),
    "arena": both("Arena", "擂台"),
}
SKIP = both("Skip to content", "跳到正文")
NO_PICTURE = both("“{name}” is not a picture: choose a PNG, JPEG or WebP file.", "“{name}”不是图片：请选择 PNG、JPEG 或 WebP 文件。")
WRONG_FILE = both("“{name}” cannot be read here: choose one of these kinds: {kinds}.", "这里读不了“{name}”：请选择以下类型的文件：{kinds}。")
REFUSED = both("Please check", "请检查")  # above a refusal
NOTE = both("Note", "提示")  # above what is only told
THEME = both("Light or dark", "浅色或深色")
THEMES = {
    "system": both("Theme: as the system. Click for light.", "外观：跟随系统。点按换浅色。"),
    "light": both("Theme: light. Click for dark.", "外观：浅色。点按换深色。"),
    "dark": both("Theme: dark. Click to follow the system.", "外观：深色。点按跟随系统。"),
}
OTHER_LANGUAGE = both("中文", "English")  # as its readers call it
SWITCH = both("Read this page in Chinese", "用英文阅读本页")

# said in the terminal
STARTING = both("Starting …", "正在启动……")
OPEN_HERE = both("AIGC Lab is ready: {url}", "AIGC 实验室已就绪：{url}")
SHARED = both("Anyone with this link can look: {url}", "有这个链接的人都能打开：{url}")
NO_SHARE = both("The share link could not be made; the page works on this machine.", "未能建立分享链接；本机上的页面照常可用。")
NEEDS_PASSWORD = both(
    "A share link is open to the whole internet: give --auth user:password, or --open if that is meant.",
    "分享链接对整个互联网开放：请用 --auth user:password 设密码；若确实要公开，请加 --open。",
)
AUTH_FORM = both("--auth takes user:password.", "--auth 的格式是 user:password。")
NO_PORT = both(
    "Port {port} and the nine after it are in use; choose another with --port.",
    "端口 {port} 及其后九个都被占用；请用 --port 另选。",
)
NEXT_PORT = both("Port {port} is in use, so this page is at {other}.", "端口 {port} 已被占用，本页改用 {other}。")
STOPPING = both("Stopping: the training in progress is saved first.", "正在停止：先保存进行中的训练。")
