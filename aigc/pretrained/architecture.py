"""What transformers and diffusers can load by themselves for a task; everything else is refused in words, and code from a repository never runs."""

from __future__ import annotations

import importlib
from typing import Any

from aigc.pretrained.catalogue import UNCONDITIONAL, Entry, Task
from aigc.pretrained.layout import parts
from aigc.words import Refusal, both

WRITES, REWRITES = (Task.CONTINUE, Task.CHAT), (Task.SUMMARISE,)
UPSCALERS = ("StableDiffusionUpscalePipeline",)
MORE_INPAINTING = ("Flux2KleinPipeline", "Flux2KleinInpaintPipeline")  # not in diffusers' own table of AutoPipelineForInpainting

UNKNOWN = both(
    "{title} is a {kind}, which the installed transformers and diffusers cannot load for “{task}” by themselves; "
    "code from a repository is never run.",
    "{title} 是 {kind}，本机的 transformers 与 diffusers 自身无法把它用于“{task}”；仓库里的代码一律不运行。",
)
UNTYPED = both(
    "{title} calls itself a {kind} of the type “{type}”, and the installed transformers knows no such type of language model: a newer "
    "AIGC Lab may, or choose another repository.",
    "{title} 自称是“{type}”类型的 {kind}，而本机的 transformers 不认识这种语言模型：请换新版 AIGC Lab，或改用其他仓库。",
)
QUANTISED = both(
    "{title} is quantised ({kind}), which needs a library that is not part of AIGC Lab: choose the repository it was made from.",
    "{title} 是量化模型（{kind}），需要 AIGC Lab 之外的库：请改用它的原始仓库。",
)


def hushed(*libraries: str) -> None:
    """The libraries tell the terminal of each part they look at or load; the page and the command line have their own words for that."""
    for library in libraries:
        logging = importlib.import_module(f"{library}.utils.logging")
        logging.set_verbosity_error()
        logging.disable_progress_bar()


def check(entry: Entry, settings: dict[str, Any], *, pipeline: bool) -> None:
    """`settings` is what the repository's model_index.json or config.json says.  Raises Refusal."""
    hushed("transformers", *(("diffusers",) if pipeline else ()))
    quantised = settings.get("quantization_config")
    if isinstance(quantised, dict):
        raise Refusal(QUANTISED, title=entry.title, kind=str(quantised.get("quant_method", "?"))[:40])
    kind = _pipeline(settings) if pipeline else _model(settings)
    known = [loadable_pipelines(task) if pipeline else loadable_models(task) for task in entry.tasks]
    if not any(kind in names for names in known) and not (not pipeline and _sees_too(kind, settings, entry)):
        raise Refusal(UNKNOWN, title=entry.title, kind=kind[:80] or "?", task=entry.tasks[0].words)
    if not pipeline and (types := known_types(entry)) and (told := str(settings.get("model_type"))) not in types:
        raise Refusal(UNTYPED, title=entry.title, kind=kind[:80], type=told[:80])
    strange = _strange(settings) if pipeline else ""
    if strange:
        raise Refusal(UNKNOWN, title=entry.title, kind=strange[:80], task=entry.tasks[0].words)


def _model(settings: dict[str, Any]) -> str:
    names = settings.get("architectures")
    return str(names[0]) if isinstance(names, list) and names else ""


def _pipeline(settings: dict[str, Any]) -> str:
    name = settings.get("_class_name")
    return name if isinstance(name, str) else ""


def _sees_too(kind: str, settings: dict[str, Any], entry: Entry) -> bool:
    """A model of text and pictures of which transformers loads the part that writes, where its table knows the type by another name."""
    import transformers
    from transformers.models.auto import modeling_auto as auto

    writes = any(task in (*WRITES, *REWRITES) for task in entry.tasks) and settings.get("model_type") in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    return writes and kind.endswith("ForConditionalGeneration") and hasattr(transformers, kind)


def known_types(entry: Entry) -> set[str]:
    """What a language model's `model_type` may be: transformers chooses its class by it, not by the architecture.  Empty: it is not asked."""
    from transformers.models.auto import modeling_auto as auto

    writes = set(auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) if set(entry.tasks) & {*WRITES, *REWRITES} else set()
    return writes | (set(auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES) if set(entry.tasks) & {*REWRITES} else set())


def loadable_models(task: Task) -> set[str]:
    """The architectures of transformers for a task."""
    from transformers.models.auto import modeling_auto as auto

    if task in WRITES:
        return _names(auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    if task in REWRITES:
        return _names(auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) | _names(auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES)
    return {"Swin2SRForImageSuperResolution"} if task is Task.UPSCALE else set()


def loadable_pipelines(task: Task) -> set[str]:
    """The pipelines of diffusers for a task; AutoPipeline turns each into the one that the task needs."""
    if task is Task.UNCONDITIONAL:
        return set(UNCONDITIONAL)
    if task is Task.UPSCALE:
        return set(UPSCALERS)
    from diffusers.pipelines import auto_pipeline as auto

    tables = {
        Task.TEXT_TO_IMAGE: auto.AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
        Task.IMAGE_TO_IMAGE: auto.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
        Task.INPAINT: auto.AUTO_INPAINT_PIPELINES_MAPPING,
    }
    if task not in tables:
        return set()
    makes = tables[task]
    siblings = {cls.__name__ for table in tables.values() for key, cls in table.items() if key in makes}
    kept = {name for name in siblings if "ControlNet" not in name and (task is Task.INPAINT or "Inpaint" not in name)}
    return kept | (set(MORE_INPAINTING) if task is Task.INPAINT else set())


def _names(table: Any) -> set[str]:
    return {name for value in table.values() for name in (value if isinstance(value, tuple | list) else (value,))}


def _strange(settings: dict[str, Any]) -> str:
    """The first part of a pipeline that is of neither library."""
    import diffusers
    import transformers

    for library, name in parts(settings).values():
        home = {"diffusers": diffusers, "transformers": transformers}.get(library) or getattr(diffusers.pipelines, library, None)
        # diffusers itself knows that transformers 5 calls feature extractors image processors.
        if home is None or not (hasattr(home, name) or hasattr(home, name.replace("FeatureExtractor", "ImageProcessor"))):
            return f"{library}.{name}"
    return ""
