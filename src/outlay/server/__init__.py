"""The owner process: one store, its live questions, its pages and its API. Thin: what it shows is asked elsewhere."""
