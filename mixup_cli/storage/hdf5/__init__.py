"""Shards: HDF5 laid out by h5py, written with plain I/O, read back within bounds.

Code that must know HDF5 or h5py belongs here; what h5py raises is known to `library` alone."""
