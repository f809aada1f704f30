"""Finished data sets, checked against their hashes and their source, and damaged ones repaired.

`verify` reads, `deep` computes again, `rescan` reads the source again, `repair` and `rebuild` make what is missing. A
check that holds for a finished data set belongs here; one that a run makes before it writes belongs in `runs`."""
