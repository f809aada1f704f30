"""Engines run callables: in threads (`local`) or in worker processes (`processes`).

They know tasks and results, not samples. What all engines keep is in `base` and in the contract suite."""
