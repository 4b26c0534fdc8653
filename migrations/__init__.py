"""The one linear history of the schema, for SQLite and PostgreSQL."""
