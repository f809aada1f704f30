"""A data set on disk: the folder, the manifest, sealing, locks, the card. Format 1, as docs/format.md defines it.

Only this room writes files of a data set: beside their place, then fsync, rename, fsync of the folder."""
