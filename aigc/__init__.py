"""AIGC Lab: train, watch, explore and compare generative models on one page."""

__version__ = "0.1.0"
