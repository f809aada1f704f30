"""What the process does with its terminal: messages, progress bars, signals.

`show` prints, `signals` turns Ctrl-C and SIGTERM into an orderly end. It knows nothing about data sets."""
