"""Plans as files: CSV or Parquet, written for others to filter and edit, read back and checked.

docs/format.md says what a plan file may hold and which cells decide. Only Parquet needs a library, pyarrow."""
