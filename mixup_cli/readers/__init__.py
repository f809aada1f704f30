"""Finished data sets as arrays and data sets of a framework: one file each, the same names in all.

A reader needs only the storage room. A framework is imported only in its own file."""
