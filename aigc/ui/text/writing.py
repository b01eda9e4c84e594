"""The words of the Text tab."""

from __future__ import annotations

from aigc.ui.text.grid import GO as GO_GRID
from aigc.ui.text.telling import IN_LINE as IN_LINE
from aigc.ui.text.telling import OPENING as OPENING
from aigc.ui.text.telling import STARTING as STARTING
from aigc.ui.text.telling import STILL
from aigc.ui.text.telling import STOP as STOP
from aigc.ui.text.telling import STOPPED as STOPPED
from aigc.ui.text.telling import UNEXPECTED as UNEXPECTED
from aigc.words import Words, both

VIEWS: dict[str, Words] = {
    "continue": both("Continue", "续写"),
    "chat": both("Chat", "对话"),
    "summarise": both("Summarise", "摘要"),
    "perplexity": both("Perplexity", "困惑度"),
}
SAYS: dict[str, Words] = {
    "continue": both(
        "A language model writes on, one token at a time. Click a token to see what else could have stood there.",
        "语言模型逐个词元往下写。点一个词元，看看那里还可能是什么。",
    ),
    "chat": both(
        "Talk with a model that learnt to converse. It may be wrong, and it remembers only this page.",
        "与学过对话的模型聊天。它会出错，也只记得这一页。",
    ),
    "summarise": both(
        "A model puts a text in fewer words; beside it, a summary made only of sentences of the text, which cannot invent anything.",
        "由模型概括一段文字；旁边是只用原文句子拼成的摘要，它不会编造。",
    ),
    "perplexity": both(
        "How much each token of a text surprises a model. The stronger its colour, the less the model expected it.",
        "一段文字的每个词元有多出乎模型的意料。底色越浓越意外。",
    ),
}
PROMPT = both("Prompt", "提示")
PROMPT_HELP = both("The model of verse takes a title, a first line, or the beginning of a speech.", "诗句模型接受题目、首句，或一段英文诗剧的开头。")
EXAMPLE = both("ROMEO:\n", "春江花月夜")
EXAMPLE_ANY = both("Once upon a time", "从前有座山，")
SOME: dict[str, list[str]] = {
    "en": ["ROMEO:\n", "Shall I compare thee", "床前明月光"],
    "zh": ["春江", "床前明月光", "独在异乡为异客", "ROMEO:\n"],
}
STOPS = both("Stop words", "停止词")
STOPS_HELP = both(
    "One a line; the text ends before the first that comes. \\n is the end of a line.", "一行一个；遇到其中任何一个就在它之前结束。\\n 表示换行。"
)
GO: dict[str, Words] = {
    "continue": both("Continue", "续写"),
    "compare": both("Three ways side by side", "三种方法并排"),
    "chat": both("Send", "发送"),
    "chat-grid": GO_GRID,
    "summarise": both("Summarise", "摘要"),
    "perplexity": both("Read", "读一读"),
}
ANOTHER = both("Another seed", "换种子")
SAVE = both("Save as Markdown", "存为 Markdown")
NOTHING_YET = both("There is nothing to save yet: make something first.", "还没有可以保存的内容：请先生成。")
NO_TEXT = both("There is no text here to go on from.", "这里没有可以接着写的文字。")
NOT_GENERATED = both("These are sentences of the text itself, nothing was generated: copy them from above.",
                     "这些是原文中的句子，没有生成内容：请直接从上面复制。")  # fmt: skip

PRESS = both("Press “{go}”.", "点“{go}”。")
WRITING = both("Token {i} of at most {n}, {pace:.0f} ms a token", "第 {i} 个词元，最多 {n} 个，每个 {pace:.0f} 毫秒")
FIRST = both("Token 1 of at most {n}", "第 1 个词元，最多 {n} 个")
DONE = both("{n} tokens in {seconds:.1f} s. {why}", "{n} 个词元，用时 {seconds:.1f} 秒。{why}")
PACE = both("{ms:.1f} ms a token · {rate} tokens/s · first after {first:.2f} s", "每词元 {ms:.1f} 毫秒 · 每秒 {rate} 个 · 首个在 {first:.2f} 秒后")
MODEL = both("Model", "模型")

HISTORY = both("This visit's texts", "本次访问的文字")
HISTORY_EMPTY = both(
    "Everything you make stands here; click one to read it and to use its settings again.",
    "你生成的文字都在这里；点一段即可查看，并再次使用它的设置。",
)
AGAIN = both("Its settings are in the form again.", "它的设置已填回表单。")

# grid
GRID_HELP = both(
    "One text for every pair of values; everything else, the seed included, stays as it is in the form. Values stand with commas between.",
    "每一对取值写一篇；其余设置（包括种子）与表单相同。取值之间用逗号隔开。",
)
GRID_DONE = both("{n} of {all} texts", "已写 {n} / {all} 篇")
GRID_OF = both("{x} × {y}: {prompt}", "{x} × {y}：{prompt}")
CELL = both("{n} tokens, {ms:.1f} ms a token", "{n} 个词元，每个 {ms:.1f} 毫秒")
PAIR = both("{x}, {y}", "{x}，{y}")

# perplexity
GIVEN = both("Text", "文字")
A_TEXT = both(
    "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate.", "白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。"
)
READING = both("{i} of {n} tokens read", "已读 {i} / {n} 个词元")
READ = both(
    "Perplexity {ppl} a token: as unsure as between that many equally likely ones. {bits:.2f} bits a character, comparable between models.",
    "每词元困惑度 {ppl}：相当于在这么多个同样可能的词元间犹豫。每字符 {bits:.2f} 比特，可在模型之间比较。",
)
READ_IN = both("{n} tokens in {seconds:.2f} s · {ms:.1f} ms a token", "{n} 个词元，用时 {seconds:.2f} 秒 · 每词元 {ms:.1f} 毫秒")
MOST_SURPRISING = both("What surprised it most: {told}", "最出乎意料的：{told}")

# verse
FORM = both("The form", "体式")
FORM_KEPT = both("keeps the form", "合乎体式")
FORM_BROKEN = both("does not keep the form", "不合体式")

# chat
MESSAGE = both("Message", "消息")
SYSTEM = both("System prompt", "系统提示")
SYSTEM_HELP = both("Who the model is to be, and how it is to answer; may be empty.", "希望模型扮演谁、怎样回答；可空。")
HELLO = both("Write a message below. Enter sends it, Shift+Enter begins a new line.", "在下面写消息。按 Enter 发送，Shift+Enter 换行。")
NO_CHAT_MODEL = both(
    "No model that can converse is on this machine yet: press “Download” below the list of models. The smallest is SmolLM2 135M (English only).",
    "本机还没有能对话的模型：请点模型列表下方的“下载”。最小的是 SmolLM2 135M（仅英文）。",
)
AGAIN_CHAT = both("Regenerate", "重新回答")
CLEAR = both("New conversation", "新对话")
EXPORT = both("Export as Markdown", "导出 Markdown")
EXPORT_JSON = both("Export as JSON", "导出 JSON")
THOUGHT = both("Thoughts", "思考过程")
TALK = both("Conversation", "对话")
ANSWERS = both("Answers side by side (X/Y grid)", "并排的回答（X/Y 网格）")
NO_QUESTION = both("There is no message to answer yet.", "还没有可以回答的消息。")

# summaries
TEXT = both("Text to summarise", "要概括的文字")
UPLOAD = both("or a file: text, Markdown or PDF", "或上传文件：文本、Markdown 或 PDF")
REFERENCE = both("Reference", "参考摘要")
REFERENCE_HELP = both("A summary to compare with, by ROUGE; may be empty.", "用来以 ROUGE 对照的摘要；可空。")
BY_EXTRACT = both("Sentences of the text (TextRank)", "原文句子（TextRank）")
EXTRACTED = both("{kept} of {of} sentences · {n} {unit}", "{of} 句中的 {kept} 句 · {n} {unit}")
SUMMED = both("{n} {unit}", "{n} {unit}")
WINDOW = both("Window {i} of {n}: ", "窗口 {i} / {n}：")
WINDOWS = both("read in {n} windows", "分 {n} 个窗口读")
NO_SUMMARISER = both(
    "No summarising model is on this machine yet: press “Download” below the list of models. The sentences beside it need none.",
    "本机还没有摘要模型：请点模型列表下方的“下载”。旁边的原文句子不需要模型。",
)
ROUGE = both(
    "ROUGE-1 {rouge1:.0%} · ROUGE-2 {rouge2:.0%} · ROUGE-L {rougeL:.0%}", "ROUGE-1 {rouge1:.0%} · ROUGE-2 {rouge2:.0%} · ROUGE-L {rougeL:.0%}"
)
ROUGE_HELP = both("ROUGE: F1 of single words, of pairs, and of the longest common subsequence; Chinese by characters.",
                  "ROUGE：单个词、二元组与最长公共子序列的 F1；中文按字计算。")  # fmt: skip
LONG_TEXT = both(
    "The first trains ran between the mines and the river, and horses drew them. When the engines came, the towns along the line grew within a "
    "decade. Farmers sold milk in the city on the morning it was drawn. Newspapers arrived before noon. People who had never left their valley "
    "went to the sea and back in a day. Not everybody was glad. Coachmen lost their trade, and inns on the old road closed one after the other. "
    "The railway company bought land cheaply and sold it dear. Yet when the line was shut a hundred years later, the same towns asked for it back.",
    "最早的列车往来于矿山与河边，由马拉着。蒸汽机车出现之后，沿线的城镇十年之内就长大了。农民清晨挤的奶，当天早上就能在城里卖掉。报纸中午之前送到。"
    "从未离开过山谷的人，一天之内可以去海边再回来。并不是人人都高兴。马车夫丢了生计，老路上的客栈一家接一家关门。铁路公司低价买地，高价卖出。"
    "可是一百年后线路停运时，又是这些城镇要求把它恢复。",
)

# what only the browser says
LIMIT = both("{help} This model sees {n} tokens in all, what it is given among them.", "{help}这个模型总共只能看到 {n} 个词元，含所给内容。")

PANEL: dict[str, Words] = {
    "made": both("AI-generated", "AI 生成"),
    "example": both("Example", "示例"),
    "still": STILL,
    "starting": STARTING,
    "figures": both("Figures", "数字"),
    "colour": both("Colour by surprise", "按意外程度着色"),
    "whole": both("show all of the beginning", "展开全部开头"),
    "text": both("The text, token by token; arrows move, Enter looks", "逐词元的文字；方向键移动，回车查看"),
    "token": both("Token", "词元"),
    "p": both("Probability", "概率"),
    "shaped": both("With the settings", "按当前设置"),
    "at": both("{token}: {p}, number {rank} of what the model expected here.", "{token}：{p}，在模型此处的预期中排第 {rank}。"),
    "first": both("{token}: nothing stood before it, so it has no probability.", "{token}：前面没有文字，所以没有概率。"),
    "unread": both("Its probabilities are told when the text has ended.", "概率在文字结束后显示。"),
    "part": both("part of a character", "半个字符"),
    "end": both("end mark", "结束标记"),
    "hint": both("Click a token.", "点一个词元。"),
    "onward": both("Write on", "接着写"),
    "branch": both("Click one to go on from there instead.", "点其中一个，就从那里改写下去。"),
    "instead": both("go on from {token} instead", "从{token}改写下去"),
    "never": both("cannot be drawn", "不会被抽中"),
    "space": both("space", "空格"),
    "line": both("end of line", "换行"),
    "use": both("Use these settings", "使用这组设置"),
    "kept": both("kept", "符合"),
    "broken": both("not kept", "不符"),
}


def unit(is_chinese: bool) -> Words:
    return both("characters", "字") if is_chinese else both("words", "词")
