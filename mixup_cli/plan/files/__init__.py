"""Plans as files: CSV or Parquet, written for others to filter and edit, read back and checked.

What a plan file may say, and which cells must be true, is in docs/format.md."""
