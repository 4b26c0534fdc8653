"""Benchmarks with peers: each runs in the same minutes as what it is compared with, and says what it cannot say."""
