"""Images packed into larger files: members of tars and zips, read in place, and cells of tables. Also files of stores.

A file here lists what it holds once, as names and ranges of bytes; `pictures` reads a range when an image is loaded.
Nothing is extracted, and no name becomes a path."""
