"""`python -m aigc sample SLUG`: new samples, as a picture and as numbers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc.cli.out import OK, Out
from aigc.cli.values import assignments, target
from aigc.words import Refusal, both

if TYPE_CHECKING:
    import numpy as np

    from aigc.techniques.base import Technique

MOST = 100_000
SHOWN = 400  # as many fit on a sheet that can still be looked at

WHERE = both("Say where to write: --out grid.png, --npz samples.npz, or both.", "请指明写到哪里：--out grid.png、--npz samples.npz，或两者。")
ONE_GO = both("This model makes its samples in one go; --{k} means nothing to it.", "这个模型一步成样，--{k} 对它没有意义。")


def act(args: argparse.Namespace, out: Out) -> int:
    from aigc import registry

    entry = registry.entry(args.slug)
    if not 1 <= args.n <= MOST:
        raise Refusal(both("-n lies between 1 and {m}.", "-n 必须在 1 到 {m} 之间。"), m=f"{MOST:,}")
    for path, ending in ((args.out, ".png"), (args.npz, ".npz")):
        if path:
            target(path, ending)
    if not (args.out or args.npz):
        raise Refusal(WHERE)

    from aigc.registry.sampling import label_of, sampling_values, settings
    from aigc.train import best_device

    model = registry.load(entry.slug, str(best_device(args.device)))
    how = sampling_values(model, _asked(args, model))
    label = label_of(model, args.label)
    samples, labels = _made(model, args, label, how, out)
    note = {"technique": entry.card.technique, "model": entry.slug, "seed": args.seed, "settings": settings(how)}
    files = _write(args, samples, labels, note, out)
    made = None if labels is None else sorted(set(labels.tolist()))
    out.result(
        {"model": entry.slug, "n": args.n, "seed": args.seed, "label": label, "classes": made, "settings": note["settings"], **files},
        [*files.values()],
    )
    return OK


def _made(model: Technique, args: argparse.Namespace, label: int | None, how: dict[str, Any], out: Out) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples as they will be written: images as uint8, so that 100,000 of them fit into memory."""
    import numpy as np

    from aigc.outputs.pictures import as_uint8
    from aigc.registry.sampling import pieces

    made: list[np.ndarray] = []
    classes: list[np.ndarray] = []
    done = 0
    for x, labels in pieces(model, args.n, args.seed, label, how):
        made.append(x.numpy() if model.spec.is_points else as_uint8(x))
        classes += [labels.numpy()] if labels is not None else []
        done += len(x)
        out.progress(f"{done:,} / {args.n:,}")
    return np.concatenate(made), np.concatenate(classes) if classes else None


def _asked(args: argparse.Namespace, model: Technique) -> dict[str, Any]:
    """The sampling knobs that were typed."""
    from aigc.knobs import knobs

    asked: dict[str, Any] = assignments(args.set)
    for name in ("steps", "sampler", "guidance"):
        value = getattr(args, name)
        if value is not None and name not in knobs(type(model).info.Sampling):
            raise Refusal(ONE_GO, k=name)
        if value is not None:
            asked[name] = value
    return asked


def _write(args: argparse.Namespace, samples: np.ndarray, labels: np.ndarray | None, note: dict[str, Any], out: Out) -> dict[str, str]:
    from aigc import outputs

    files = {}
    if args.out:
        shown = samples if samples.ndim == 2 else samples[:SHOWN]
        if len(shown) < len(samples):
            out.say(both("The picture shows the first {n} of them.", "拼图只显示前 {n} 个。"), n=SHOWN)
        files["out"] = str(outputs.picture(outputs.drawn(shown), made=True, note=note, to=Path(args.out)))
    if args.npz:
        files["npz"] = str(outputs.arrays(samples, labels, made=True, note=note, to=Path(args.npz)))
    return files
