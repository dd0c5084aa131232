"""Tables of any size: CSV, TSV, JSONL, XLSX and Parquet, read and written a row at a time."""
