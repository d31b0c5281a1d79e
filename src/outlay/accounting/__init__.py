"""Statements of what was spent: the assessment, and exports that others can read."""
