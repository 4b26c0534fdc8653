"""Errors as values."""

from __future__ import annotations

import pickle

from shared.errors import Busy, NotThere, ReceiptInvalid


def test_an_error_goes_from_process_to_process_with_its_facts() -> None:
    """Workers seal letters and verify ledgers: what they meet is told, and not that an error could not be told."""
    for error in (Busy(retry_after_s=3), NotThere(), ReceiptInvalid(message="one", why="another key")):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  # made in the line itself
        assert (type(again), again.facts, str(again)) == (type(error), error.facts, str(error))
