"""Ratios against the raw drivers and against what a user would pick instead.

``python -m benchmarks`` measures; ``docs/benchmarks.md`` explains. Nothing here asserts a time.
"""
