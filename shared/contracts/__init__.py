"""Frozen models of what crosses the bus and what stands in tables; no I/O, no behaviour."""
