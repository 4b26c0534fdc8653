"""The table of rights, played against a real exchange: every address × every caller, and what a refusal tells."""
