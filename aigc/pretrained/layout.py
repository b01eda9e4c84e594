"""Which files of a repository a pipeline needs, and whether they are all there: as transformers and diffusers lay them out, safetensors only."""

from __future__ import annotations

import functools
import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

PIPELINE, MODEL = "model_index.json", "config.json"  # one of them says what a repository is
WEIGHTS = re.compile(
    r"(?P<stem>model|diffusion_pytorch_model)(?:\.(?P<variant>(?!safetensors\b)[A-Za-z0-9_]+))?(?:\.safetensors(?=-))?"
    r"(?:-(?P<index>\d{5})-of-(?P<count>\d{5}))?\.safetensors"
)
WEIGHT_INDEX = re.compile(r"(?:model|diffusion_pytorch_model)\.safetensors\.index(?:\.(?P<variant>[A-Za-z0-9_]+))?\.json")
PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".h5", ".msgpack", ".ot")
SMALL = (".json", ".txt", ".model", ".jinja")  # settings, vocabularies, chat templates
VOCABULARY = re.compile(r"(tokenizer|tekken|vocab-src)\.json|vocab\.(json|txt)|[^/]+\.(model|tiktoken)")  # one is beside every model of language
WORDS = "tokenizer_config.json"
WORDLESS = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")  # bytes or characters are their tokens: they have no vocabulary
HEADROOM = 1.15  # of the parameters' bytes: what a run adds to them at least
LANGUAGE = ("causal", "seq2seq")  # families
WEIGHTLESS = re.compile(r".*(Scheduler|Tokenizer|Processor|FeatureExtractor)\w*|.*Backend")  # classes without parameters
BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1}


class Unusable(Exception):
    """A repository that cannot be used as it is; `what` is a file's or a part's name."""

    def __init__(self, why: str, what: str = ""):
        self.why, self.what = why, what  # why: "nothing", "missing", "pickled" or "wordless"
        super().__init__(f"{why}: {what}")


def wanted(names: Iterable[str], index: dict[str, Any] | None, variant: str = "") -> list[str]:
    """The files to bring here of all those named; `index` is the parsed model_index.json of a pipeline.  Raises Unusable."""
    names = sorted(set(names))
    if index is None:
        if MODEL not in names:
            raise Unusable("nothing", MODEL)
        return [*_small(names, ""), *_weights(names, "", variant)]
    picked = [name for name in _small(names, "") if "/" not in name]
    flat = [name for name in names if "/" not in name and WEIGHTS.fullmatch(name)]
    for part, (_, kind) in parts(index).items():
        inside = [name for name in names if name.startswith(f"{part}/")]
        if inside:
            picked += (small := _small(inside, part))
            if "Tokenizer" in kind and kind not in WORDLESS and not any(VOCABULARY.fullmatch(PurePosixPath(name).name) for name in small):
                raise Unusable("wordless", part)
            picked += [] if WEIGHTLESS.fullmatch(kind) else _weights(inside, part, variant)
        elif flat and not WEIGHTLESS.fullmatch(kind):  # the pipelines of 2020 keep everything at the top
            picked += _weights(names, "", variant)
        elif not flat:
            raise Unusable("missing", part)
    return list(dict.fromkeys(picked))


def parts(index: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """{part: (library, class)} of a pipeline; parts that it goes without are left out."""
    return {
        name: (str(value[0]), str(value[1]))
        for name, value in index.items()
        if not name.startswith("_") and isinstance(value, list) and len(value) == 2 and value[0] and value[1]
    }


def _small(names: list[str], folder: str) -> list[str]:
    """Settings and vocabularies straight in `folder`; lists of shards belong to the weights."""
    found = []
    for name in names:
        path = PurePosixPath(name)
        inside = str(path.parent) == (folder or ".")
        if inside and not path.name.startswith(".") and ".index." not in path.name and path.suffix in SMALL:
            found.append(name)
    return found


def _weights(names: list[str], folder: str, variant: str) -> list[str]:
    """One complete set of safetensors in `folder`: the variant asked for, else the plain one, else any.  Raises Unusable."""
    inside = {PurePosixPath(n).name: n for n in names if str(PurePosixPath(n).parent) == (folder or ".")}
    sets: dict[tuple[str, str], dict[int, str]] = {}
    counts: dict[tuple[str, str], int] = {}
    for short, name in inside.items():
        if match := WEIGHTS.fullmatch(short):
            key = (match["variant"] or "", match["count"] or "")
            sets.setdefault(key, {})[int(match["index"] or 1)] = name
            counts[key] = int(match["count"] or 1)
    complete = [key for key, files in sets.items() if set(files) == set(range(1, counts[key] + 1))]
    if not complete:
        pickled = next((name for short, name in inside.items() if short.endswith(PICKLED)), "")
        raise Unusable("missing", folder or "model.safetensors") if sets or not pickled else Unusable("pickled", pickled)
    best = min(complete, key=lambda key: (key[0] != variant, key[0] != "", key))
    indices = [name for short, name in inside.items() if (match := WEIGHT_INDEX.fullmatch(short)) and (match["variant"] or "") == best[0]]
    return [*(indices if best[1] else []), *(sets[best][i] for i in sorted(sets[best]))]


def read_index(folder: Path) -> dict[str, Any] | None:
    """model_index.json of a pipeline's folder; None for a single model.  Raises OSError or ValueError if it cannot be read."""
    path = folder / PIPELINE
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file()]


def is_complete(folder: Path, variant: str = "") -> bool:
    """Whether everything that a pipeline needs is in `folder`."""
    names = files(folder)
    try:
        wanted(names, read_index(folder), variant)
    except (OSError, ValueError, Unusable):
        return False
    return not damaged(folder) and (family(folder) not in LANGUAGE or has_words(names, lambda: read_json(folder / WORDS)))


def damaged(folder: Path) -> list[str]:
    """The files of weights that cannot be opened: cut off, not of the length that they tell, or no safetensors at all."""
    return [name for name in files(folder) if name.endswith(".safetensors") and not is_sound(folder / name)]


def is_sound(path: Path) -> bool:
    """Whether safetensors can open a file; what its numbers are is not looked at."""
    try:
        told = path.stat()
    except OSError:
        return False
    return _opens(path, told.st_size, told.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _opens(path: Path, size: int, changed: int) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np"):
            return True
    except (SafetensorError, OSError):
        return False


def has_words(names: Iterable[str], settings: Callable[[], dict[str, Any]]) -> bool:
    """Whether a model of language has its tokenizer beside it; `settings` reads tokenizer_config.json where there is no vocabulary."""
    names = set(names)
    return any(VOCABULARY.fullmatch(name) for name in names) or (WORDS in names and settings().get("tokenizer_class") in WORDLESS)


def read_json(path: Path) -> dict[str, Any]:
    """A file of settings; {} if it cannot be read as one."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def variant(folder: Path) -> str | None:
    """What `from_pretrained(folder, variant=...)` must be told: None, or such as "fp16" where only that is there."""
    found = {PurePosixPath(name).parent: set[str]() for name in files(folder) if WEIGHTS.fullmatch(PurePosixPath(name).name)}
    for name in files(folder):
        if match := WEIGHTS.fullmatch(PurePosixPath(name).name):
            found[PurePosixPath(name).parent].add(match["variant"] or "")
    return next((min(kinds) for kinds in found.values() if "" not in kinds), None)


def family(folder: Path) -> str:
    """Which of the catalogue's loaders a folder is for; "" if none of them."""
    try:
        index = read_index(folder)
        settings = index if index is not None else json.loads((folder / MODEL).read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return family_of(settings, pipeline=index is not None)


def family_of(settings: dict[str, Any], *, pipeline: bool) -> str:
    """The same by what model_index.json or config.json says."""
    if pipeline:
        return "diffusers"
    names = settings.get("architectures")
    name = str(names[0]) if isinstance(names, list) and names else ""
    if name.endswith(("ForCausalLM", "LMHeadModel")):
        return "causal"
    if settings.get("is_encoder_decoder"):
        return "seq2seq"
    if name.endswith("ForConditionalGeneration"):  # writes, and can be shown pictures, too
        return "causal"
    return "swin2sr" if name.startswith("Swin2SR") else ""


def parameters(folder: Path, bytes_each: Callable[[str], float] = lambda kind: BYTES.get(kind, 4)) -> int:
    """Bytes of the parameters that would be loaded from `folder`, by the headers of its files; `bytes_each` says how many a number takes."""
    try:
        chosen = [name for name in wanted(files(folder), read_index(folder)) if name.endswith(".safetensors")]
    except (OSError, ValueError, Unusable):
        chosen = [name for name in files(folder) if name.endswith(".safetensors")]
    return int(sum(count * bytes_each(kind) for name in chosen if is_sound(folder / name) for kind, count in _tensors(folder / name)))


def _tensors(path: Path) -> Iterator[tuple[str, int]]:
    """(kind of number, how many) of each tensor in a safetensors file."""
    with path.open("rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(min(length, 100_000_000)))
    for name, tensor in header.items():
        if name != "__metadata__":
            yield tensor["dtype"], math.prod(tensor["shape"])
