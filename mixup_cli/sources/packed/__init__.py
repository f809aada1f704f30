"""Samples packed into larger files: members of tars and zips, read in place, and cells of tables. Also files of stores.

A file here lists what it holds once, as names and ranges of bytes; `places` reads a range when a sample is loaded, and
`media` says what it may hold.
Nothing is extracted, and no name becomes a path."""
