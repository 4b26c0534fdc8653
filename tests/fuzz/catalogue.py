"""All targets by name. Whoever fuzzes imports this after the instrumentation is on."""

from __future__ import annotations

from tests.fuzz.calls import CALL_TARGETS
from tests.fuzz.documents import DOCUMENT_TARGETS
from tests.fuzz.envelopes import ENVELOPE_TARGETS
from tests.fuzz.frames import FRAME_TARGETS
from tests.fuzz.ledgers import LEDGER_TARGETS
from tests.fuzz.witnesses import WITNESS_TARGETS

TARGETS = {
    target.name: target
    for target in (
        *ENVELOPE_TARGETS,
        *FRAME_TARGETS,
        *LEDGER_TARGETS,
        *WITNESS_TARGETS,
        *CALL_TARGETS,
        *DOCUMENT_TARGETS,
    )
}
