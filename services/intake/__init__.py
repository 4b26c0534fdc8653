"""Intake: is this message genuine, new, well-formed, and a legal move? Owns the legs' legal state."""
