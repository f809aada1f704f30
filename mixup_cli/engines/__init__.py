"""Engines run callables: in threads (`local`), in worker processes (`processes`) or on a Ray cluster (`ray`).

They know tasks and results, not samples. What all engines keep is in `base` and in the contract suite. A new engine is
one file here, its word in `choices.EngineKind`, and its line in `Run.open_engine`.

The processes are our own, since no library keeps the contract. With pebble 5.2, a task whose process exits with code 0
is never reported, so the run waits for ever; values that tasks share would be sent with every task, since no message
reaches one worker alone; and Ctrl-C during the start prints a traceback for each worker. It would have saved about
100 of 440 lines. In `concurrent.futures`, one dead process breaks the pool and every task in it, without an exit code.
"""
