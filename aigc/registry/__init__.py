"""Every model that was trained here or came with the project: `checkpoints/local/<slug>` and `checkpoints/shipped/<slug>`.

A model is a folder: model.safetensors, samples.png, README.md and, written last, config.json.  Listing needs no torch.
"""

from aigc.registry.cache import loaded
from aigc.registry.card import SLUG, ModelCard, read_card, spec_as_json, spec_from_json
from aigc.registry.entries import Entry, broken, entries, entry, free_slug, lineage, made_by, taken
from aigc.registry.exchange import export, import_
from aigc.registry.hub import push_to_hub
from aigc.registry.latents import autoencoder, autoencoders
from aigc.registry.recipe import card_of_run, shell_command, shell_commands
from aigc.registry.starts import starts
from aigc.registry.store import amend, delete, load, rename, save, verify
from aigc.registry.teachers import teachers
from aigc.registry.weights import build, into

__all__ = [
    "SLUG", "Entry", "ModelCard", "amend", "autoencoder", "autoencoders", "broken", "build", "card_of_run", "delete", "entries", "entry",
    "export", "free_slug", "import_", "into", "lineage", "load", "loaded", "made_by", "push_to_hub", "read_card", "rename", "save",
    "shell_command", "shell_commands", "spec_as_json", "spec_from_json", "starts", "taken", "teachers", "verify",
]  # fmt: skip
