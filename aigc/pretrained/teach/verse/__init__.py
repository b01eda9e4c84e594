"""The lesson `verse`: a small language model of Chinese quatrains and of Shakespeare's plays, as transformers saves it."""

from aigc.pretrained.teach.verse.lesson import make

__all__ = ["make"]
