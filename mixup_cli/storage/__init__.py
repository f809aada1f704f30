"""A data set on disk: the folder, the manifest, sealing, locks, the card. Format 1, as docs/format.md defines it.

Files are written here alone: beside, fsync, rename, fsync the folder."""
