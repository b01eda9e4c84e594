"""An arena as one picture to download: the newest samples of every run, its settings and its quality below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aigc.jobs import arena as arenas
from aigc.jobs.arena import Arena
from aigc.ui import frames
from aigc.ui.tabs import arena_state
from aigc.ui.tabs.arena_state import Entry
from aigc.words import Lang, Refusal

if TYPE_CHECKING:
    from PIL.Image import Image

WIDE = 320  # pixels that a run's samples are enlarged towards
LETTERS, APART = 14, 6  # pixels


def as_png(arena: Arena, lang: Lang) -> bytes:
    """Row by row as on the page; a run that has drawn nothing stays white.  Raises Refusal where none has."""
    import numpy as np
    from PIL import Image, ImageOps

    from aigc import outputs

    here = arena_state.entries(arena)
    drawn = [_drawn(e) for e in here]
    size = next((image.size for image in drawn if image is not None), None)
    if size is None:
        raise Refusal(frames.NOTHING)
    alike = [image.resize(size, Image.Resampling.NEAREST) if image else Image.new("RGB", size, "white") for image in drawn]
    tiles = [np.asarray(ImageOps.expand(image, APART, "white")) for image in alike]
    captions = [" · ".join(part for part in (e.label[lang], arena_state.quality(e)[lang]) if part) for e in here]
    sheet = outputs.sheet(np.stack(tiles).transpose(0, 3, 1, 2), captions, columns=arena.columns, scale=1, letters=LETTERS, lang=lang)
    note = {"data": arena.data, "seconds": arena.seconds, "runs": [{"technique": e.cell.technique, **e.cell.values} for e in here]}
    return outputs.png(sheet, made=True, note=note)


def _drawn(e: Entry) -> Image | None:
    """Its samples; None: there are none, or no longer."""
    run, preview = arenas.run_of(e.cell), e.seen.preview
    if run is None or preview is None:
        return None
    sheet = arena_state.sheet_of(preview)
    if not sheet and not preview["arrays"]:
        return None
    try:
        return frames.picture(run, preview, sheet, WIDE).convert("RGB")
    except (OSError, Refusal):  # deleted a moment ago
        return None
