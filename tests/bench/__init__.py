"""The benchmark: `make bench`, or `python -m tests.bench`. See docs/performance.md."""
