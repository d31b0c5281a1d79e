"""Finds waste: one file a detector, returns findings, never acts."""
