"""Keeps facts: schema, idempotent append, rollups, derived tables, removal. Knows no questions."""
