"""Tables of any size: CSV, TSV, JSONL and Parquet, read and written a row at a time."""
