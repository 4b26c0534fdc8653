"""An outsider cannot tell a dossier or a message that is not its own from one that does not exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from shared.domain.ids import new_uuid7
from tests.acceptance.refusals import BRUSSELS, MADRID, PARIS, RABAT, Bench, assert_refused
from tests.counterparty import Answer
from tests.exchange_process import now
from tests.unit.envelope.workshop import Forgery

Address = Callable[[Mapping[str, str]], str]
ADDRESSES: Final[dict[str, Address]] = {
    "a dossier": lambda letter: f"/v1/dossiers/{letter['dossier']}",
    "a message": lambda letter: f"/v1/messages/{letter['id']}",
    "its body": lambda letter: f"/v1/messages/{letter['id']}/parts/body",
    "its decision": lambda letter: f"/v1/messages/{letter['id']}/decision",
    "its evidences": lambda letter: f"/v1/messages/{letter['id']}/evidences",
}
_CLOCKED: Final = {"date"}


@pytest.fixture(scope="module")
def letter(bench: Bench) -> Forgery:
    return bench.accepted(bench[RABAT].letter())


@pytest.mark.parametrize("what", ADDRESSES)
def test_an_outsider_sees_the_same_as_of_something_that_does_not_exist(
    what: str, bench: Bench, letter: Forgery
) -> None:
    address = ADDRESSES[what]
    fresh = {"dossier": new_uuid7(now()), "id": new_uuid7(now())}
    with bench.only(Counter()):
        foreign = bench[MADRID].get(address(letter.header))
        assert_refused(foreign, 404, "call.not-there")
        assert _shown(foreign) == _shown(bench[MADRID].get(address(fresh)))
        assert _shown(foreign) == _shown(bench[MADRID].get(address({"dossier": "nothing", "id": "nothing"})))


@pytest.mark.parametrize("what", ["its decision", "a part of no name"])
def test_a_recipient_sees_no_more_than_is_its_own(what: str, bench: Bench, letter: Forgery) -> None:
    addresses: dict[str, Address] = {**ADDRESSES, "a part of no name": lambda one: f"/v1/messages/{one['id']}/parts/p9"}
    assert_refused(bench[PARIS].get(addresses[what](letter.header)), 404, "call.not-there")


def test_a_recipient_is_shown_its_own_leg_alone(bench: Bench, letter: Forgery) -> None:
    dossier = f"/v1/dossiers/{letter.header['dossier']}"
    assert [leg["requested"] for leg in bench[PARIS].get(dossier).document["legs"]] == [PARIS]
    assert [leg["requested"] for leg in bench[RABAT].get(dossier).document["legs"]] == [BRUSSELS, PARIS]


def test_nobody_finds_a_foreign_dossier_in_a_list_or_a_feed(bench: Bench, letter: Forgery) -> None:
    dossiers = bench[MADRID].get("/v1/dossiers").document["items"]
    assert letter.header["dossier"] not in [one["dossier"] for one in dossiers]
    assert letter.header["dossier"] not in [one["dossier"] for one in bench[MADRID].feed()]


def _shown(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in _CLOCKED}
    return answer.status, headers, answer.body
