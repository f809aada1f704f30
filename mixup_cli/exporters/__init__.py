"""Finished data sets in the files of other libraries: one file for each format, each through the library made for it.

`run` goes over the shards and seals what an exporter writes; `exporter` is what a format answers; `job` is what it is
given. A library is imported only in the file of its format."""
