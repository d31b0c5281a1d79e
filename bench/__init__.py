"""Measurements. Each script prints ratios against a reference of the same run; `python -m bench` lists and runs them."""
