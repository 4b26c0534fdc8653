"""The limits that the pages state are the code's."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.directory_statement import STATEMENT_AHEAD, STATEMENT_LIFE, WITHHELD_AFTER
from shared.apisig.compact_jws import MAX_CHARS
from shared.apisig.profile import LIFE_S, MAX_FIELD_CHARS, SKEW_S
from shared.apisig.request_text import MAX_TEXT_CHARS
from shared.frame.epoch import EPOCH_FRAMES, EPOCH_LIFE
from shared.frame.items import MAX_ITEMS
from shared.frame.open import FUTURE_S, MAX_CACHED_EPOCHS
from shared.frame.seal import MAX_FRAME_BYTES
from shared.keys.directory import ROTATION_OVERLAP
from shared.keys.event_document import MAX_COMPROMISED, MAX_VALIDITY
from shared.keys.roster import MAX_SERVICES
from shared.keys.signed_document import MAX_SIGNATURES, MAX_SIGNED_DOCUMENT_BYTES
from shared.keys.trust import MAX_TRUST_BYTES
from shared.keys.waiting import WAIT_FOR_NEW_KEY

SPEC = Path(__file__).parents[3] / "docs" / "spec"
STATED = {
    "api-signatures.md": (
        f"have at most {MAX_FIELD_CHARS} characters each",
        f"`expires` is 1 to {LIFE_S} s after `created`",
        f"`created` − {SKEW_S} s ≤ now ≤ `expires` + {SKEW_S} s",
        f"at most {MAX_TEXT_CHARS:,} characters",
        f"takes at most {MAX_CHARS} characters",
        f"{LIFE_S + 2 * SKEW_S} s at most",
    ),
    "frames.md": (
        f"| frame | {MAX_FRAME_BYTES // 2**20} MiB",
        f"| items in a frame | 1 to {MAX_ITEMS} |",
        f"one hour, 2^{EPOCH_FRAMES.bit_length() - 1} frames",
        f"| epochs kept open by a reader | {MAX_CACHED_EPOCHS},",
        f"| clock ahead | {FUTURE_S:.0f} s |",
    ),
    "keys.md": (
        f"{MAX_SIGNED_DOCUMENT_BYTES:,} bytes of the whole; 1 to {MAX_SIGNATURES} signatures",
        f"at most {MAX_VALIDITY.days} days",
        f"1 to {MAX_COMPROMISED} kids",
        f"until {ROTATION_OVERLAP.days} days after",
        f"1 to {MAX_SERVICES} services",
        f"most {MAX_TRUST_BYTES // 1024} KiB",
        f"at most {STATEMENT_LIFE.seconds} s before the client's clock and at most {STATEMENT_AHEAD.seconds} s ahead",
        f"logged more than {WITHHELD_AFTER.seconds // 60} minutes and {WITHHELD_AFTER.seconds % 60} seconds before",
        f"waits {WAIT_FOR_NEW_KEY.total_seconds() / 3600:.0f} hours",
    ),
}


@pytest.mark.parametrize(("page", "sentence"), [(page, one) for page, stated in STATED.items() for one in stated])
def test_the_page_states_the_limit_of_the_code(page: str, sentence: str) -> None:
    assert sentence in (SPEC / page).read_text(encoding="utf-8")


def test_an_epoch_is_the_hour_that_the_page_says() -> None:
    assert EPOCH_LIFE.total_seconds() == 3600
