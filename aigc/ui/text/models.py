"""The words of the Models tab."""

from __future__ import annotations

from aigc.words import Words, both

FILTER = both("Filter", "筛选")
FILTER_HINT = both("name, technique or data", "名称、技术或数据")
TECHNIQUE = both("Technique", "技术")
DATA = both("Data", "数据")
ALL = both("all", "全部")
NONE = both("No model is here yet: train one, or import one below.", "这里还没有模型：训练一个，或在下面导入。")
NO_MATCH = both("No model matches.", "没有符合条件的模型。")
BROKEN = both("Cannot be read: {name} ({why})", "无法读取：{name}（{why}）")
COLUMNS: dict[str, Words] = {
    "name": both("Model", "模型"),
    "technique": both("Technique", "技术"),
    "data": both("Data", "数据"),
    "images": both("Images seen", "看过的图像"),
    "seconds": both("Trained", "训练时长"),
    "created": both("Made", "时间"),
}
COMPARE = both("Compare", "比较")
PICK = both("Compare {name}", "比较 {name}")
SHIPPED = both("shipped", "随附")
LIST = both("Models", "模型列表")
SORT = both("Sort by {column}", "按{column}排序")

CHOOSE = both("Choose a model in the list to see its card.", "在列表里选一个模型，查看它的卡片。")
SAMPLES = both("Samples of {name}, made by AI", "{name} 的样本，AI 生成")
EXPLORE = both("Explore", "探索")
CURVES = both("Its training", "它的训练过程")
BUDGET = both("Training", "训练")
BUDGET_OF = both("{images} images · {steps} steps · {seconds} · {device}", "{images} 张图像 · {steps} 步 · {seconds} · {device}")
PRESET = both("Preset", "预设")
SEED = both("Seed", "种子")
MADE = both("Made", "时间")
QUALITY = both("Quality", "质量")
NOT_MEASURED = both("not measured", "未测")
REPORT = both("The whole report, with errors", "完整报告（含误差）")
LINEAGE = both("Made from", "来自")
LIMITS = both("Limits", "局限")
LICENCE = both("Licence of the data", "数据许可")
CREDIT = both("Data from", "数据来源")
SIZE = both("Size", "大小")
VERSION = both("Made by", "制作程序")
SETTINGS = both("Settings", "设置")
FILES = both("Files", "文件")
SCRIPT = both("Make it again from a shell", "在命令行里重做")
FROM_SHELL = both("The same training, as one line:", "同样的训练，一行命令：")

NAME = both("Name", "名称")
NAME_HELP = both("Small letters, digits and hyphens.", "小写字母、数字和连字符。")
RENAME = both("Rename", "改名")
VERIFY = both("Verify", "校验")
EXPORT = both("Zip", "zip 包")
WEIGHTS = both("Weights", "权重")
PROGRAM = both("Script", "脚本")
DELETE = both("Delete", "删除")
SURE = both("Yes, delete it for good", "是的，永久删除")
KEEP = both("Keep it", "保留")
MANAGE = both("Rename or delete", "改名或删除")
RENAMED = both("It is now called {name}.", "现在叫 {name}。")
DELETED = both("{name} is deleted.", "{name} 已删除。")
WHOLE = both("Every file of {name} is as its card says.", "{name} 的每个文件都与卡片一致。")
DAMAGED = both("{name} is damaged: {why}", "{name} 已损坏：{why}")
NOT_YOURS = both("{name} belongs to another visitor: you may look, but not change it.", "{name} 属于其他访客：可以看，不能改。")
CHOOSE_FIRST = both("Choose a model first.", "请先选择一个模型。")

HUB = both("Publish on the Hugging Face Hub", "发布到 Hugging Face Hub")
REPO = both("Repository", "仓库")
REPO_HINT = both("your-name/model-name", "你的用户名/模型名")
TOKEN = both("Your token, with write access", "你的令牌（需写权限）")
TOKEN_HELP = both("Used once and forgotten: it is never stored or logged.", "只用这一次，不存储、不记录。")
PRIVATE = both("Private repository", "私有仓库")
PUSH = both("Publish", "发布")
PUSHED = both("Published: {url}", "已发布：{url}")
NO_PUBLISHING = both(
    "On a page that is open to everyone nothing is published: a token should not be typed into someone else's server.",
    "本页对所有人开放，因此不提供发布：不要把令牌输入别人的服务器。",
)

IMPORT = both("Import a model", "导入模型")
IMPORT_HELP = both(
    "A zip that was downloaded here or from the Hub: safetensors and its card. Every file is checked before anything is kept.",
    "从这里或 Hub 下载的 zip：safetensors 与卡片。每个文件都先检查，再保存。",
)
NOT_HERE = both("Models cannot be imported on a page that is open to everyone.", "本页对所有人开放，不能导入模型。")
IMPORTED = both("Imported as {name}.", "已导入，名为 {name}。")

COMPARE_INTRO = both(
    "Tick two or more models in the list to compare how they learnt and what they make.",
    "在列表里勾选两个以上的模型，比较它们怎样学、做得怎样。",
)
OVER = both("Over", "横轴")
AXES: dict[str, Words] = {"images": both("images seen", "看过的图像"), "seconds": both("seconds", "秒")}
CURVE = both("Curve", "曲线")
LOG = both("Logarithmic", "对数轴")
NO_CURVES = both(
    "The runs of these models are gone, so there are no curves to compare; their samples are below.",
    "这些模型的训练记录已不在，没有曲线可比；样本见下。",
)
OTHER_UNITS = both("{name} (each in its own unit)", "{name}（各用各的单位）")
NO_RUN = both("no record of its training", "没有训练记录")
MOST = both("At most {n} models are compared at a time.", "一次最多比较 {n} 个模型。")
