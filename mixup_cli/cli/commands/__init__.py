"""One file for each command: what it takes, what it calls, what it prints.

A command opens the source, calls one function of `runs`, `checks` or `report`, and shows the result. No decisions
here."""
