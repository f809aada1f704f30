"""Random numbers, as functions of (seed, stream, row): words, the Beta law, largest remainders.

No state, no global generator: any range of rows is one vectorised call. What a word decides is a table in
docs/format.md."""
