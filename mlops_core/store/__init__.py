"""The database: the only importer of duckdb."""
