"""Sounds in files: WAV, FLAC, Ogg, MP3 and more, in class folders or with a table of labels.

soundfile decodes them and soxr changes their rate; both come with the extra `audio`, and here only `decode.py`
imports them.
"""
