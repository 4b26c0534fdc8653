"""How often a service looks for garbage in cycles."""

from __future__ import annotations

import gc
from typing import Final

COLLECT_EVERY: Final = 20_000
"""Objects more than were freed, until the youngest are searched for cycles."""


def collect_seldom() -> None:
    """What is loaded by now lives as long as the process, and what a batch makes dies by itself:
    searching both for cycles at the usual rate was a tenth of a busy gateway's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 20, 20)
