"""CIFAR-10 and CIFAR-100, as Python or binary archives, packed or not.

Pickles are screened and read by `safe_pickle`: nothing in an archive is ever executed."""
