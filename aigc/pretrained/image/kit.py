"""A loaded pipeline with what the verbs need of it: the same weights as another task, sizes, and what it can be asked."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from aigc.data.sources import in_bytes
from aigc.pretrained import layout
from aigc.pretrained.architecture import hushed
from aigc.pretrained.catalogue import Task
from aigc.pretrained.fit import free_memory
from aigc.pretrained.image.previews import Preview
from aigc.pretrained.weights import whole
from aigc.words import Refusal, both

LIBRARIES = ("diffusers", "transformers")  # what a pipeline's parts may be of; anything else would be code of a stranger
AUTO = {
    Task.TEXT_TO_IMAGE: "AutoPipelineForText2Image",
    Task.IMAGE_TO_IMAGE: "AutoPipelineForImage2Image",
    Task.INPAINT: "AutoPipelineForInpainting",
}
UNLISTED = {("Flux2KleinPipeline", Task.INPAINT): "Flux2KleinInpaintPipeline"}  # the AutoPipelines do not know these
LARGEST = 2048
DENOISED, DECODED = 1050, 5000  # bytes a pixel that a U-Net takes for a prediction, and a decoder, in 32 bits; SD 1.5 at 512 pixels, on a CPU
TOO_MANY = both(
    "At most {n} pictures of this size can be made at once in the {memory} of memory that are free: ask for fewer.",
    "内存空闲 {memory}，这个尺寸一次最多生成 {n} 张：请减少数量。",
)
NO_TASK = both("This model cannot do that: it is a {kind}.", "这个模型做不到：它是 {kind}。")


@dataclass
class Kit:
    pipe: Any
    preview: Preview = field(init=False)
    others: dict[Task, Any] = field(default_factory=dict)  # the same weights behind another task's pipeline

    def __post_init__(self) -> None:
        self.preview = Preview(self.pipe)
        self.pipe.set_progress_bar_config(disable=True)

    def to(self, *where: Any) -> Kit:
        self.pipe.to(*where)
        return self

    def of(self, task: Task) -> Any:
        """The pipeline for this task; it shares every weight with the loaded one.  Raises Refusal if there is none of its kind."""
        import diffusers

        if task not in AUTO:
            return self.pipe
        if task not in self.others:
            try:
                if (kind := UNLISTED.get((type(self.pipe).__name__, task))) is not None:
                    made = getattr(diffusers, kind)(**self.pipe.components, is_distilled=self.pipe.config.is_distilled)
                else:
                    made = getattr(diffusers, AUTO[task]).from_pipe(self.pipe)
            except ValueError:
                raise Refusal(NO_TASK, kind=type(self.pipe).__name__) from None
            made.set_progress_bar_config(disable=True)
            self.others[task] = made
        return self.others[task]

    @property
    def step(self) -> int:
        """Pixels that both sides must be multiples of: diffusers asks for eight, a transformer for whole patches of latents."""
        return math.lcm(8, getattr(self.pipe, "vae_scale_factor", 1) * (2 if getattr(self.pipe, "transformer", None) is not None else 1))

    @property
    def native(self) -> int:
        """Pixels along a side of the pictures it learnt with."""
        unet = getattr(self.pipe, "unet", None)
        if unet is not None:
            side = unet.config.sample_size
            return (side if isinstance(side, int) else max(side)) * getattr(self.pipe, "vae_scale_factor", 1)
        return getattr(self.pipe, "default_sample_size", 128) * getattr(self.pipe, "vae_scale_factor", 8)

    @property
    def most(self) -> int:
        return min(LARGEST, 4 * self.native)


@contextmanager
def in_room(kit: Kit, count: int, pixels: int, predictions: int = 2) -> Iterator[None]:
    """Inside, pictures are decoded one at a time where memory would not hold them all, and in tiles where it would not hold one.

    On a CPU memory that runs out says nothing: it is the end of this process.  Raises Refusal for more than can be made at once there.
    """
    vae = kit.pipe.vae if hasattr(getattr(kit.pipe, "vae", None), "use_slicing") else None
    if vae is None or kit.preview.whole:  # small networks
        yield
        return
    device, free = kit.pipe.device.type, free_memory(kit.pipe.device.type)
    kind = next(vae.parameters()).dtype
    width = kind.itemsize / 4
    most = max(1, int(free / (pixels * predictions * DENOISED * width))) if device == "cpu" and getattr(kit.pipe, "unet", None) is not None else count
    if count > most:
        raise Refusal(TOO_MANY, n=most, memory=in_bytes(free))
    each = pixels * DECODED * (1 if kind is torch.float16 and getattr(vae.config, "force_upcast", False) else width)
    before = vae.use_slicing, vae.use_tiling
    try:
        vae.use_slicing, vae.use_tiling = before[0] or each * count > free, before[1] or each > free
        yield
    finally:
        vae.use_slicing, vae.use_tiling = before


def load(folder: Path, device: torch.device, dtype: torch.dtype) -> Kit:
    """A folder in diffusers' format: safetensors only, parts of diffusers and transformers only.  Raises Refusal."""
    import diffusers

    hushed(*LIBRARIES)
    kind = checked(folder)
    how = {"local_files_only": True, "use_safetensors": True, "variant": layout.variant(folder), "dtype": dtype}
    auto = next((getattr(diffusers, name) for name in AUTO.values() if _knows(getattr(diffusers, name), kind)), diffusers.DiffusionPipeline)
    try:
        return Kit(auto.from_pretrained(folder, **how, **dict(_networks(folder, dtype)))).to(device)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise Refusal(both("This model could not be loaded: {why}", "这个模型无法加载：{why}"), why=str(error).splitlines()[0][:200]) from error


def _networks(folder: Path, dtype: torch.dtype) -> Iterator[tuple[str, Any]]:
    """The parts with weights, each loaded as the pipeline would, but none with weights made up.  Raises Refusal."""
    import diffusers
    import transformers

    for part, (library, name) in layout.parts(layout.read_index(folder) or {}).items():
        home = {"diffusers": diffusers, "transformers": transformers}.get(library) or getattr(diffusers.pipelines, library, None)
        kind = getattr(home, name, None)
        if isinstance(kind, type) and issubclass(kind, diffusers.ModelMixin | transformers.PreTrainedModel):
            within = folder / part if (folder / part).is_dir() else folder
            yield part, whole(kind, within, dtype=dtype, variant=layout.variant(within))


def checked(folder: Path) -> str:
    """The pipeline's class, once nothing in its index would run code that came with it.  Raises Refusal."""
    import diffusers

    try:
        index = json.loads((folder / "model_index.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise Refusal(
            both("This is not a diffusers pipeline: it has no model_index.json.", "这不是 diffusers 管线：没有 model_index.json。")
        ) from None
    kind = index.get("_class_name")
    parts = [v for k, v in index.items() if not k.startswith("_") and isinstance(v, list)]
    strange = [v for v in parts if len(v) != 2 or (v[0] is not None and v[0] not in LIBRARIES and not hasattr(diffusers.pipelines, str(v[0])))]
    if not isinstance(kind, str) or not hasattr(diffusers, kind) or strange:
        named = kind if isinstance(kind, str) else "?"
        raise Refusal(both("The pipeline {kind} is not one that diffusers knows by itself; code from a repository is never run.",
                           "diffusers 不认识管线 {kind}；仓库里的代码一律不运行。"), kind=named[:80])  # fmt: skip
    return kind


def _knows(auto: Any, kind: str) -> bool:
    """Whether this AutoPipeline loads the class as what it is, and not as its sibling for another task."""
    return any(c.__name__ == kind for c in auto_classes(auto))


def auto_classes(auto: Any) -> list[type]:
    import diffusers.pipelines.auto_pipeline as tables

    table = {
        "AutoPipelineForText2Image": tables.AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
        "AutoPipelineForImage2Image": tables.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
        "AutoPipelineForInpainting": tables.AUTO_INPAINT_PIPELINES_MAPPING,
    }[auto.__name__]
    return list(table.values())


def call(pipe: Any, **wanted: Any) -> Callable[[], Any]:
    """The pipeline's call with those of these arguments that it takes and that say something."""
    takes = inspect.signature(type(pipe).__call__).parameters
    given = {name: value for name, value in wanted.items() if name in takes and value is not None}
    return lambda: pipe(**given)


def takes(pipe: Any, argument: str) -> bool:
    return argument in inspect.signature(type(pipe).__call__).parameters


def is_guided(pipe: Any, guidance: float) -> bool:
    """Whether this run makes a second prediction, without the prompt, for a negative prompt to change."""
    pipe._guidance_scale = guidance
    return takes(pipe, "negative_prompt") and bool(getattr(pipe, "do_classifier_free_guidance", guidance > 1))
