"""Tables of labels beside samples: metadata.csv and other CSV, JSON lines, Parquet.

`rows` reads any table, `matching` finds the image of a row, `labels` reads its cells; `metadata` uses all three."""
