"""Finished data sets as arrays and data sets of a framework: one file each, the same names in all.

`numpy` reads rows, `passes` knows which rows belong to which pass; the readers of frameworks stand on both. A framework
is imported only in files that begin with its name."""
