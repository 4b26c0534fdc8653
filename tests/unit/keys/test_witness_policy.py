"""Witness policies as texts (`shared/keys/witness_policy.py`), by the rules and the example of C2SP tlog-policy."""

from __future__ import annotations

import pytest

from shared.errors import TrustFileInvalid
from shared.keys.witness_policy import MAX_OF_EACH, parse_witness_policy

EXAMPLE = """
log the-log https://log.example/

# two organisations
witness X1 x1
witness X2 x2 https://x2.example/witness
 witness\tX3 x3
group X-witnesses 2 X1 X2 X3
witness Y1 y1
witness Y2 y2
witness Y3 y3
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


@pytest.mark.parametrize(
    ("cosigned", "is_met"),
    [
        ("X1 X2 Y3", True),
        ("X1 X2 X3 Y1 Y2 Y3", True),
        ("X1 X2", False),
        ("X1 Y1 Y2 Y3", False),
        ("", False),
        ("X-witnesses Y-witnesses", False),
        ("X-and-Y", False),
    ],
)
def test_the_specifications_example_weighs_two_organisations(cosigned: str, is_met: bool) -> None:
    assert parse_witness_policy(EXAMPLE).is_met_by(cosigned.split()) is is_met


def test_the_example_is_read_whole() -> None:
    policy = parse_witness_policy(EXAMPLE)
    assert (policy.logs, list(policy.witnesses)) == (("the-log",), ["X1", "X2", "X3", "Y1", "Y2", "Y3"])
    assert policy.witnesses["X2"].url == "https://x2.example/witness"
    assert policy.told() == "2 of (2 of (X1, X2, X3), 1 of (Y1, Y2, Y3))"


@pytest.mark.parametrize("text", ["none", "quorum none\n", "witness w key\nquorum none"])
def test_none_asks_for_nobody(text: str) -> None:
    policy = parse_witness_policy(text)
    assert policy.quorum is None
    assert policy.is_met_by(())


def test_one_witness_may_be_the_quorum() -> None:
    policy = parse_witness_policy("witness w key\nquorum w")
    assert policy.is_met_by({"w"})
    assert not policy.is_met_by({"v"})


WRONG = {
    "empty": "",
    "no quorum": "witness w key\n",
    "two quorums": "witness w key\nquorum w\nquorum w\n",
    "a quorum of nobody known": "quorum w\n",
    "a quorum before its witness": "quorum w\nwitness w key\n",
    "an unknown line": "witness w key\nwatch w\nquorum w\n",
    "a witness without key": "witness w\nquorum none\n",
    "a witness with too much": "witness w key url more\nquorum none\n",
    "a witness twice": "witness w key\nwitness w other\nquorum w\n",
    "a group with the name of a witness": "witness w key\ngroup w any w\nquorum w\n",
    "a witness named none": "witness none key\nquorum none\n",
    "a group of nobody": "witness w key\ngroup g any\nquorum g\n",
    "a group of all of nobody": "witness w key\ngroup g all\nquorum g\n",
    "a group of none": "witness w key\ngroup g any none\nquorum g\n",
    "a group of itself": "witness w key\ngroup g any g\nquorum g\n",
    "a member of two groups": "witness w key\ngroup g any w\ngroup h any w\nquorum g\n",
    "a member that counts twice": "witness w key\ngroup g 2 w w\nquorum g\n",
    "a threshold of nothing": "witness w key\ngroup g 0 w\nquorum g\n",
    "a threshold beyond its members": "witness w key\ngroup g 2 w\nquorum g\n",
    "a threshold that is no number": "witness w key\ngroup g one w\nquorum g\n",
    "a threshold with a zero before it": "witness w key\ngroup g 01 w\nquorum g\n",
    "a log twice": "log l\nlog l\nquorum none\n",
    "a carriage return": "witness w key\r\nquorum w\r\n",
    "a NUL": "witness w\0 key\nquorum none\n",
    "too many witnesses": "".join(f"witness w{n} k\n" for n in range(MAX_OF_EACH + 1)) + "quorum none\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_policy_with_a_fault_is_refused(text: str) -> None:
    with pytest.raises(TrustFileInvalid):
        parse_witness_policy(text)


def test_as_many_as_the_specification_asks_for_are_taken() -> None:
    names = [f"w{number}" for number in range(MAX_OF_EACH)]
    lines = [f"witness {name} key" for name in names] + [f"group g 2 {' '.join(names)}", "quorum g"]
    assert parse_witness_policy("\n".join(lines)).is_met_by({"w0", "w31"})
