"""Driftdeck measured against its targets; `python -m benchmarks` runs it, docs/benchmarks.md says how."""
