"""The words of the Image tab."""

from __future__ import annotations

from aigc.ui.text.telling import IN_LINE as IN_LINE
from aigc.ui.text.telling import OPENING as OPENING
from aigc.ui.text.telling import STARTING as STARTING
from aigc.ui.text.telling import STILL
from aigc.ui.text.telling import STOP as STOP
from aigc.ui.text.telling import STOPPED as STOPPED
from aigc.ui.text.telling import UNEXPECTED as UNEXPECTED
from aigc.words import Words, both

VIEWS: dict[str, Words] = {
    "generate": both("Generate", "文生图"),
    "edit": both("Edit", "图生图"),
    "inpaint": both("Inpaint", "局部重绘"),
    "outpaint": both("Outpaint", "扩图"),
    "upscale": both("Upscale", "超分辨率"),
    "style": both("Style", "风格迁移"),
    "sample": both("Unconditional", "无条件生成"),
    "inside": both("Look inside", "看看内部"),
}
SAYS: dict[str, Words] = {
    "generate": both(
        "Write what the picture should show, and watch it come out of noise. The same seed and settings give the same picture.",
        "写下图像要画什么，看它从噪声里出现。种子与设置相同，图像就相同。",
    ),
    "edit": both(
        "The picture is covered with noise, as much as Strength says, and cleaned again towards the prompt.",
        "按“重绘强度”给图像加噪声，再朝提示词的方向去噪。",
    ),
    "inpaint": both(
        "Paint over what should change and say what should be there. The rest stays as it is, to the pixel.",
        "涂出要改的地方，写下那里应该有什么。其余部分一个像素也不变。",
    ),
    "outpaint": both(
        "The canvas grows on the sides you choose and the model fills the new room. Models are at their best near the size they learnt with.",
        "画布向所选的方向变大，由模型填满新空间。尺寸接近训练尺寸时效果最好。",
    ),
    "upscale": both(
        "A larger picture with sharper edges. What was never photographed cannot be found again: networks stay faithful, diffusion models invent.",
        "放大图像并让边缘更清晰。没有拍到的找不回来：普通网络忠实原图，扩散模型会自己编。",
    ),
    "style": both(
        "The content of one picture with the colours and textures of another. A classic method: it knows nothing of objects, "
        "so faces and letters may melt.",
        "一张图的内容，配上另一张图的色彩与质感。这是经典方法：它不懂物体，人脸和文字可能走样。",
    ),
    "sample": both(
        "Pictures from noise alone, without a prompt: each model only knows the data it learnt from.",
        "不用提示词，只从噪声生成：每个模型只认识它学过的数据。",
    ),
    "inside": both(
        "One picture, step by step: which places look at which word, what the latent holds, and what guidance adds.",
        "一步一步看一张图：哪些地方在看哪个词，潜变量里有什么，引导加了什么。",
    ),
}

MODEL = both("Model", "模型")
PROMPT = both("Prompt", "提示词")
NEGATIVE = both("Negative prompt", "负向提示词")
NEGATIVE_HELP = both("What should not be in the picture; works through guidance.", "不希望画面里有什么；通过引导起作用。")
EXAMPLES: dict[str, Words] = {
    "generate": both("a red seven on blue", "蓝底上的红色七"),
    "edit": both("a green three on yellow", "黄底上的绿色三"),
    "inpaint": both("a white sneaker on blue", "蓝底上的白色运动鞋"),
    "outpaint": both("two red sevens on blue", "蓝底上的两个红色七"),
    "upscale": both("", ""),
    "inside": both("a red seven on blue", "蓝底上的红色七"),
}
SOME: dict[str, list[str]] = {  # what the model that comes along knows
    "en": ["two white sneakers on green", "an orange dress on the left on black", "紫底上的绿色三"],
    "zh": ["绿底上的两只白色运动鞋", "黑底左边的橙色连衣裙", "a green three on purple"],
}
PROMPT_HELP: dict[str, Words] = {
    "upscale": both("What the picture shows: the detail that is invented follows it.", "图里是什么：补画的细节会照它来。"),
}
TIMES: tuple[tuple[int, Words], ...] = (
    (0, both("the model's own", "模型自带的倍数")), *((n, both(f"{n}×", f"{n}×")) for n in (2, 4, 8, 16)),
)  # fmt: skip
TIMES_HELP = both(
    "More than the model's own is reached by enlarging again: 2× leads to 4×, 8× and 16×; 4× to 16×.",
    "超过模型自带的倍数就再次放大：2× 可到 4×、8×、16×；4× 可到 16×。",
)
PICTURE = both("Picture", "图像")
STYLE_PICTURE = both("Picture with the style", "提供风格的图像")
OWN_STYLE = both("a picture of one's own", "自选图像")
NO_TEXTURE = both("a picture of my own, below", "用下面上传的图像")
LAST = both("My last picture, or an example", "用我最近的一张，或示例")
GO: dict[str, Words] = {
    "generate": both("Generate", "生成"),
    "edit": both("Edit", "重绘"),
    "inpaint": both("Fill in", "填补"),
    "outpaint": both("Extend", "扩展"),
    "upscale": both("Enlarge", "放大"),
    "style": both("Transfer", "迁移"),
    "sample": both("Generate", "生成"),
    "inside": both("Look inside", "看看内部"),
}
ANOTHER = both("Another seed", "换种子")
DOWNLOAD = both("Save as PNG", "存为 PNG")
SAVE_INSIDE = both("Save as GIF", "存为 GIF")
NOTHING_YET = both("There is nothing to save yet: make something first.", "还没有可以保存的内容：请先生成。")

GO_ON = both("Go on with it:", "接着处理：")
GO_ON_EXAMPLE = both("Go on with the example:", "接着处理示例：")
NOTHING_TO_SEND = both("There is no picture to go on with yet: make one first.", "还没有可以接着处理的图像：请先生成。")

PRESS = both("Press “{go}”.", "点“{go}”。")
FIRST_STEP = both("Step 1 is on its way …", "第 1 步进行中……")
BUSY = both("Step {i} of {n}, {pace} a step", "第 {i} 步，共 {n} 步，每步 {pace}")
LEFT = both("{line}, about {left} left", "{line}，约剩 {left}")
DONE = both("{what} in {seconds}.", "{what}，用时 {seconds}。")
SEED = both("seed {seed}", "种子 {seed}")
A_STEP = both("{pace} a step", "每步 {pace}")

HISTORY = both("This visit's pictures", "本次访问的图像")
HISTORY_EMPTY = both(
    "Everything you make stands here; click one to see it and to use its settings again.",
    "你生成的图像都在这里；点一张即可查看，并再次使用它的设置。",
)
AGAIN = both("Its settings are in the form again.", "它的设置已填回表单。")

GRID_HELP = both(
    "One picture for every pair of values; everything else, the seed included, stays as it is in the form. Values stand with commas between.",
    "每一对取值画一张；其余设置（包括种子）与表单相同。取值之间用逗号隔开。",
)
GRID_CELL = both("Click a picture to have its settings in the form.", "点一张图，把它的设置填回表单。")
GRID_DONE = both("{n} of {all} pictures", "已画 {n} / {all} 张")

# look inside
INSIDE_TITLES: dict[str, Words] = {
    "words": both("Where each word looks", "每个词看哪里"),
    "latent": both("The latent at this step", "这一步的潜变量"),
    "guidance": both("What guidance adds", "引导加了什么"),
    "curve": both("Signal and noise along the way", "一路上的信号与噪声"),
}
INSIDE_NOTES: dict[str, Words] = {
    "words": both(
        "Cross-attention: at each place of the latent, the share of attention that each word gets, mean over the layers and heads of the "
        "U-Net. Bright is much; each word has a scale of its own.",
        "交叉注意力：潜变量的每个位置把多少注意力分给每个词，对 U-Net 的各层与各头取平均。越亮越多；各词的亮度各自归一。",
    ),
    "latent": both(
        "Left what the sampler holds, decoded; then what the network believes it will become; then the channels of the latent itself.",
        "左边是采样器手里的（已解码）；其次是网络相信它会变成的样子；再往右是潜变量的各个通道。",
    ),
    "guidance": both(
        "The network answers twice: without the prompt and with it. Guidance walks on along the difference, "
        "ε = ε₀ + g (ε₁ − ε₀); right, how long that difference is at each place.",
        "网络回答两次：不看提示词和看提示词。引导沿两者之差走得更远，ε = ε₀ + g (ε₁ − ε₀)；右边是各处差别的大小。",
    ),
    "curve": both("x_t = signal · x₀ + noise · ε. A dot is a step that was taken.", "x_t = 信号 · x₀ + 噪声 · ε。每个点是走过的一步。"),
}
HOLDS, BELIEVES = both("what it holds", "手里的"), both("what it believes", "相信的")
CHANNEL = both("channel {i}", "通道 {i}")
WITHOUT, WITH, DIFFERENCE = both("without the prompt", "不看提示词"), both("with the prompt", "看提示词"), both("difference", "差别")
OVER, ALONE = both("over the picture", "叠在图上"), both("alone", "单独看")
GUIDED = both("guided", "引导后")
SIGNAL, NOISE = both("signal", "信号"), both("noise", "噪声")
NOT_GUIDED = both("At this guidance the network answers once: there is no difference to show.", "在这个引导强度下网络只回答一次：没有差别可看。")
LOOKED = both("{n} steps seen: move the sliders.", "看了 {n} 步：可拖动滑块。")
LOOKED_FEWER = both("{n} steps seen, {shown} of them are kept to look at: move the sliders.", "看了 {n} 步，留下 {shown} 步可看：可拖动滑块。")
AT_STEP = both("step {i} of {n}, t = {t}", "第 {i} 步，共 {n} 步，t = {t}")

# what only the browser says
EASEL: dict[str, Words] = {
    "wipe": both("Before and after", "前后对比"),
    "before": both("before", "之前"),
    "after": both("after", "之后"),
    "pictures": both("Pictures", "图像"),
    "picture": both("Picture", "图像"),
    "use": both("use these settings", "使用这些设置"),
    "play": both("Play", "播放"),
    "halt": both("Halt", "停住"),
    "step": both("Step", "步"),
    "at": both("step {i} of {n}", "第 {i} 步，共 {n} 步"),
    "end": both("finished", "完成"),
    "made": both("AI-generated", "AI 生成"),
    "example": both("Example", "示例"),
    "enlarge": both("Show large", "放大查看"),
    "large": both("The picture, large", "放大的图像"),
    "previous": both("Previous picture", "上一张"),
    "next": both("Next picture", "下一张"),
    "close": both("Close", "关闭"),
    "of": both("{i} of {n}", "{i} / {n}"),
    "still": STILL,
    "starting": STARTING,
    "stopped": STOPPED,
    "unseen": both("It is at work; this model's latents cannot be looked at on the way.", "正在生成；这个模型的潜变量无法中途查看。"),
}
PAINT: dict[str, Words] = {
    "picture": both("The picture to paint over", "要涂抹的图像"),
    "mask": both("What should change", "要重绘的地方"),
    "paint": both("paint over what should change", "涂出要重绘的地方"),
    "size": both("Size of the brush", "画笔大小"),
    "erase": both("Erase", "擦除"),
    "undo": both("Undo", "撤销"),
    "all": both("All", "全选"),
    "clear": both("Clear", "清空"),
}


def long(value: float) -> Words:
    return both(f"{value / 60:.0f} min", f"{value / 60:.0f} 分钟") if value >= 90 else seconds(value)


def seconds(value: float) -> Words:
    shown = f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return both(f"{shown} s", f"{shown} 秒")


def pictures(n: int) -> Words:
    return both(f"{n} {'picture' if n == 1 else 'pictures'}", f"{n} 张图")
