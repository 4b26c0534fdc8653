"""A witness of ledgers: it cosigns the checkpoints that continue what it cosigned before, and no others.

It belongs to nobody's exchange. It knows the keys of the logs that it was told of, and what it saw of them last.
"""
