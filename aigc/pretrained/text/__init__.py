"""Text from pretrained language models: continued, chatted, summarised, and looked into token by token.

`asked` declares the knobs and needs no torch; everything else is imported when something runs.
"""
