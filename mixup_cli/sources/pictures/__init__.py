"""Folders and lists of image files: walk, labels of folders, headers, decoding.

The content decides how a file is decoded, never its name; `limits` bounds what a header can ask for."""
