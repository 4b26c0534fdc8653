"""The tests: unit, conformance, connected, migration, faults, acceptance; `python -m tests` runs them all."""
