"""The lesson `pictures`: a miniature of Stable Diffusion, taught on captioned pictures composed of real digits and garments."""

from aigc.pretrained.teach.pictures.lesson import make

__all__ = ["make"]
