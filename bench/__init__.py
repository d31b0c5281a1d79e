"""Measurements. Each script prints ratios against a reference of the same run."""
