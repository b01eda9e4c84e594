"""The one door through which a file leaves: pictures, films, arrays, models, scripts.  What was generated says so."""

from aigc.outputs.files import as_csv, model, new_path, sweep, table, text, weights
from aigc.outputs.film import animation, thinned
from aigc.outputs.npz import arrays
from aigc.outputs.pictures import drawn, on_screen, picture, png, scatter, sheet
from aigc.outputs.script import script
from aigc.outputs.writings import conversation, writing

__all__ = [
    "animation", "arrays", "as_csv", "conversation", "drawn", "model", "new_path", "on_screen", "picture", "png", "scatter", "script", "sheet",
    "sweep", "table", "text", "thinned", "weights", "writing",
]  # fmt: skip
