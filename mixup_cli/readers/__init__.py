"""Finished data sets as arrays and data sets of a framework: one file each, the same names in all.

A reader needs the storage room alone; a framework is imported in its own file only."""
