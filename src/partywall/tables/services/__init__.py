"""The tables, one module per AWS service, each exporting TABLES."""
