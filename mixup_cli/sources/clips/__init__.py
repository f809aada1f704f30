"""Videos as clips: the same number of frames of each, from its middle, at one size.

PyAV decodes them, in the formats of `decode.FORMATS` alone. A whole video is never in memory."""
