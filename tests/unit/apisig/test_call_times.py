"""A call lives for a minute, give or take the skew of two clocks, and by the verifier's time alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.apisig.sign import sign_request
from shared.apisig.verify import verify_request
from shared.errors import CallClockSkew, CallSignatureInvalid
from tests.unit.apisig.signed_calls import KEYID, KEYS, NOW, SECOND, SIGNER, URL, a_call, loosely_signed


@pytest.mark.parametrize("seconds", [-10, 0, 59, 60, 70])
def test_a_call_is_accepted_within_its_life_and_the_skew(seconds: int) -> None:
    assert a_call().verify(NOW + seconds * SECOND).created == NOW


@pytest.mark.parametrize(("seconds", "limit"), [(-11, "10"), (-3600, "10"), (71, "60"), (86_400, "60")])
def test_a_call_out_of_time_is_refused_with_the_limit_that_it_broke(seconds: int, limit: str) -> None:
    with pytest.raises(CallClockSkew, match=f"the limit is {limit} s"):
        a_call().verify(NOW + seconds * SECOND)


def test_a_shorter_life_counts() -> None:
    short = loosely_signed(life=5 * SECOND)
    assert short.verify(NOW + 15 * SECOND).expires == NOW + 5 * SECOND
    with pytest.raises(CallClockSkew):
        short.verify(NOW + 16 * SECOND)


def test_a_stricter_exchange_may_shorten_the_limits() -> None:
    assert loosely_signed(life=30 * SECOND).verify(max_age_s=30, skew_s=0).keyid == KEYID
    with pytest.raises(CallSignatureInvalid):
        a_call().verify(max_age_s=30)
    with pytest.raises(CallClockSkew):
        a_call().verify(NOW - SECOND, skew_s=0)


def test_the_clock_of_the_machine_plays_no_part() -> None:
    year = timedelta(days=365)
    headers = sign_request("GET", URL, b"", None, SIGNER, KEYID, NOW - 20 * year)
    assert verify_request("GET", URL, headers, b"", KEYS.get, NOW - 20 * year).created == NOW - 20 * year
    headers = sign_request("GET", URL, b"", None, SIGNER, KEYID, NOW + 20 * year)
    assert verify_request("GET", URL, headers, b"", KEYS.get, NOW + 20 * year).created == NOW + 20 * year
