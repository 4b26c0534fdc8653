"""Behaviour written once and run on every adapter of a port: both ways to run promise the same."""
