"""Reads result files: tables, figures, the page and comparisons. Knows nothing of how they were measured."""
