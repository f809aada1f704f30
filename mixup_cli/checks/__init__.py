"""Finished data sets, checked against their hashes and their source, and damaged ones repaired.

`verify` finds, `deep` recomputes rows, `rescan` reads the source again, `diagnosis` chooses a fix for each file,
`repair` fixes, and `rebuild` restores a manifest. Checks that a run makes before it writes belong in `runs`."""
