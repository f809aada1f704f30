"""Labelled texts as tokens: tables with a text column and lines that begin with their label (`reading`), tokenizer files
(`tokens`), and the source of both (`source`)."""
