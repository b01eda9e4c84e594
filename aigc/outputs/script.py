"""An experiment as a Python program of one page that runs it again."""

from __future__ import annotations

import shlex
from typing import Any

from aigc.knobs import knobs
from aigc.options import Options
from aigc.registry import ModelCard, shell_commands, spec_from_json
from aigc.registry.recipe import full_values
from aigc.techniques import technique

PROGRAM = '''\
r"""{title}

The same from a shell:

{command}

Run this where `import aigc` works: in the folder of AIGC Lab.
It writes samples.png and model.safetensors to the current folder.
"""

from pathlib import Path

import torch

from aigc import outputs
from aigc.data.load import load
from aigc.events import Step
from aigc.knobs import read
from aigc.options import Options
from aigc.registry.sampling import draw
from aigc.registry.weights import as_file, build
from aigc.techniques import technique
from aigc.train import best_device, train

TECHNIQUE = {technique}
DATA = {data}

CONFIG = {config}

OPTIONS = {options}


def main() -> None:
    info = technique(TECHNIQUE)
    config, options = read(info.Config, CONFIG), read(Options, OPTIONS)
    data = load(DATA)
    torch.manual_seed(options.seed)
    model = build(TECHNIQUE, config, data.spec, start=options.start).to(best_device())

    training = train(model, data, options, watch=False)
    while True:
        try:
            event = next(training)
        except StopIteration as end:
            trained = end.value  # the average of the weights on the way, which makes better samples than the last ones
            break
        if isinstance(event, Step):
            terms = "  ".join(f"{{name}} {{value:.4g}}" for name, value in event.terms.items())
            print(f"{{event.images:,}} images  {{event.seconds:.0f}} s  {{terms}}", flush=True)

    samples, labels = draw(trained, {count}, seed=options.seed)
    note = {{"technique": TECHNIQUE, "data": DATA, "seed": options.seed}}
    outputs.picture(outputs.drawn(samples), made=True, note=note, to=Path("samples.png"))
    Path("model.safetensors").write_bytes(as_file(trained))


if __name__ == "__main__":
    main()
'''


def script(card: ModelCard, lang: str = "en") -> str:
    """A program that trains this model again and draws samples, every knob spelled out.  Raises Refusal.

    For a run that is not a model yet: `script(card_of_run(run.record))`.
    """
    info, spec = technique(card.technique), spec_from_json(card.spec)
    config, options = full_values(card)
    return PROGRAM.format(
        title=f"{info.title[lang]}: {spec.title[lang]}".replace('"', "'"),
        command="\n\n".join(_wrapped(command) for command in shell_commands(card)),
        technique=repr(card.technique),
        data=repr(card.data),
        config=_table(config, info.Config, lang),
        options=_table(options, Options, lang),
        count=1000 if spec.is_points else 64,
    )


def _table(values: dict[str, Any], config: type, lang: str) -> str:
    """A dict display, a knob a line, with its name for people beside it."""
    known = knobs(config)
    lines = "".join(f"    {name!r}: {value!r},  # {known[name].label[lang]}\n" for name, value in values.items())
    return f"{{\n{lines}}}" if lines else "{}"


def _wrapped(command: str) -> str:
    """A command for a raw docstring, broken only between words of the shell."""
    lines = ["   "]
    for word in map(_quoted, shlex.split(command)):
        if len(lines[-1]) + len(word) >= 100:
            lines.append("       ")
        lines[-1] += f" {word}"
    return " \\\n".join(lines)


def _quoted(word: str) -> str:
    """As the shell takes it, with never three quotation marks in a row: inside '', a pair is parted by closing and opening again."""
    return shlex.quote(word).replace('""', "\"''\"")
