"""The command line: the only room that knows options, variables and the terminal.

`start` is the entry point, `app` puts the commands together and ends the process with an exit code. No other
room imports it."""
