"""Shards: HDF5 laid out by h5py, written with plain I/O, read back within bounds.

What must know the HDF5 format is here, and nothing else is."""
