"""What the exchange signed for a caller, by the key that it had then: receipts, statements about its directory.

The trust file's receipt key counts for all of them; a former one for what says that it was signed in its time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from shared.apisig.directory_statements import DirectoryStatement, verify_statement
from shared.apisig.receipts import Receipt, verify_receipt
from shared.errors import Rejection
from shared.keys.public import Ed25519Public
from shared.keys.trust import Trust

T = TypeVar("T")


def verify_own_receipt(text: str, trust: Trust) -> Receipt:
    """The receipt in this text, if this exchange signed it. Raises ReceiptInvalid."""
    return _verify(lambda key: verify_receipt(text, key), lambda one: one.received_at, trust)


def verify_own_statement(text: str, trust: Trust) -> DirectoryStatement:
    """The statement in this text, if this exchange signed it. Raises DirectoryUndated."""
    return _verify(lambda key: verify_statement(text, key), lambda one: one.at, trust)


def _verify(read: Callable[[Ed25519Public], T], said_at: Callable[[T], datetime], trust: Trust) -> T:
    for former in trust.former_receipt_keys:
        with suppress(Rejection):
            said = read(former.key)
            if said_at(said) <= former.until:
                return said
    return read(trust.receipt_key)
