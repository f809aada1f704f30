"""CIFAR-10 and CIFAR-100, as Python or binary archives, packed or not.

`safe_pickle` screens and reads the pickles: nothing in an archive is ever executed."""
