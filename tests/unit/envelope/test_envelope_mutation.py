"""No byte of a submission can change without a refusal: the exchange never verifies what its sender did not sign."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.envelope.workshop import refusal_of, seal

SUBMISSION = seal().submission
REACHED_BY_REFUSALS = {"parse", "verify"}


def test_no_flipped_bit_in_any_region_verifies() -> None:
    for position in range(0, len(SUBMISSION), 5):
        changed = bytearray(SUBMISSION)
        changed[position] ^= 1
        stage, _ = refusal_of(bytes(changed))
        assert stage in REACHED_BY_REFUSALS, f"byte {position}"


@settings(max_examples=300)
@given(st.integers(0, len(SUBMISSION) - 1), st.integers(0, 255))
def test_no_replaced_byte_verifies(position: int, value: int) -> None:
    changed = bytearray(SUBMISSION)
    changed[position] = value
    if bytes(changed) != SUBMISSION:
        assert refusal_of(bytes(changed))[0] in REACHED_BY_REFUSALS


@settings(max_examples=200)
@given(st.integers(0, len(SUBMISSION) - 1), st.integers(1, 400))
def test_no_submission_with_a_piece_cut_out_verifies(position: int, count: int) -> None:
    assert refusal_of(SUBMISSION[:position] + SUBMISSION[position + count :])[0] in REACHED_BY_REFUSALS
