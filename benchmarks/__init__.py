"""Measures what the template does and what it bakes, beside peers where that is possible: `python -m benchmarks`."""
