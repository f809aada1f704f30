"""The plan as a thing of its own: written to a file, read back after others have filtered or edited it."""
