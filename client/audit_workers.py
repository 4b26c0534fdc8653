"""How many processes check signatures while one reads and judges."""

from __future__ import annotations

import os
from typing import Final

WORKERS: Final = min(2, (os.cpu_count() or 1) - 1)
"""The reading, on which all else waits, needs a core of its own [2 cores, 50,000 leaves: 8.1 s with one process beside
it, 15.1 s with two, 11.5 s with none]. Two keep up with it on every machine.

They verify signatures and nothing else. What besides needs no memory of earlier leaves, hashing and parsing, is 31 of
the reading's 114 µs a leaf; to hand back what was parsed takes 21 and 15 µs as objects, 9 and 6 as plain tuples that
are made into objects again. So two cores would gain a tenth at best, and only if the reading took over whatever its
workers did not get to."""
