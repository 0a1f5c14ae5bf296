"""Immutable snapshots of scans in Parquet, and SQL over them."""
