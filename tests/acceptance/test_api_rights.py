"""The table of rights is what the exchange does: every address, every role, every part in a message or a dossier."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gateway.rights import RIGHTS, Relation, Role
from tests.authz.attempts import attempts
from tests.authz.estate import Estate, open_estate
from tests.authz.play import play_all


async def test_every_caller_gets_at_every_address_what_the_table_says(tmp_path: Path) -> None:
    async with open_estate(tmp_path) as estate:
        assert_nothing_is_left_out(estate)
        score = await play_all(estate)
    assert score.wrong == []
    assert score.outcomes.keys() >= {"200", "202", "401", "403", "404", "of nothing"}
    assert score.attempted >= 600


def assert_nothing_is_left_out(estate: Estate) -> None:
    """Each address meets each role, each role that can be suspended is, and where it matters, each part is taken."""
    played = list(attempts(estate))
    assert {(one.method, one.address) for one in played} == RIGHTS.keys()
    for address, right in RIGHTS.items():
        callers = [one for one in played if (one.method, one.address) == address]
        assert {one.caller.role for one in callers} == set(Role)
        suspended = {one.caller.role for one in callers if one.caller.is_suspended}
        assert suspended == set(Role) - {Role.operator, Role.anonymous}
        parts = Counter(one.part for one in callers if one.caller.role is Role.authority)
        assert not right.shown or parts.keys() == set(Relation)
