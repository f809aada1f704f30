"""Tables of labels beside samples: metadata.csv, `--labels-from`, JSON lines, Parquet.

`rows` reads any table, `matching` finds the picture of a row, `labels` says what its cells mean."""
