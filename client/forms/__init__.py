"""Forms: what the content of each kind of message holds. One JSON Schema (2020-12) for each kind, in `schemas/`."""
