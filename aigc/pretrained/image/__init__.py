"""Pictures from pretrained pipelines: made, edited, filled in, enlarged, restyled, and looked into while they come about.

`asked` declares the knobs and needs no torch; everything else is imported when something runs.
"""
