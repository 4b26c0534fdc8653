"""The attacks and mistakes that an envelope must survive: each function makes one, named for it.

Each states the code that refuses it and how far it gets: `parse` (the submission is not even read), `verify` (the
exchange refuses it) or `open` (the exchange cannot see it, the recipient refuses). `tests/vectors/make_envelope.py`
writes one golden file for each; the tests run the functions as well as the files.
"""

from tests.unit.envelope.attacks import (  # noqa: F401  # each module enters its attacks in the catalogue
    by_another_authority,
    by_the_sender,
    exhausting_forms,
    on_the_way,
    second_readings,
    weaker_suites,
)
from tests.unit.envelope.attacks.catalogue import CATALOGUE, Attack

__all__ = ["CATALOGUE", "Attack"]
