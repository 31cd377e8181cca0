"""The only SQL: SQLite, SQLCipher and PostgreSQL through one code path."""
