"""Labelled texts as tokens. `reading` has what tables and lines say, `tokens` the files of tokenizers, and `source` the
source that comes of both.
"""
