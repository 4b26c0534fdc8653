"""`python -m tests.vectors.play`: golden files, Project Wycheproof, RFC 6962's roots and proofs; ends with their count.

Golden attacks are played against the parts that meet them in use (`tests/unit/attacks/judging.py`).
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import structlog

from shared.audit.tree import prove_consistency, prove_inclusion, root_at
from shared.envelope.container import parse_submission
from shared.keys.base64url import encode_b64u, parse_b64u
from tests.unit.attacks.judging import Court, expected_of_key, read_key
from tests.unit.audit.test_tree import CT_CONSISTENCY, CT_INCLUSION, CT_LEAVES, CT_ROOTS, reader_of
from tests.unit.envelope.workshop import open_as
from tests.vectors.golden import HERE, Golden, golden_attacks, submission_of
from tests.vectors.judged import Case, Group, expect, report
from tests.vectors.wycheproof import wycheproof_groups


def groups() -> Iterator[Group]:
    """Everything, judged one after another."""
    golden = golden_attacks()
    with tempfile.TemporaryDirectory() as folder:
        court = Court(Path(folder))
        for form, judge in (("stage", _envelope), ("steps", _steps)):
            cases = [case for one in golden if form in one.document for case in judge(one, court)]
            yield Group({"stage": "attacks on an envelope", "steps": "attacks on a past"}[form], tuple(cases))
        yield Group("the envelope that they alter", tuple(_complete(court)))
        court.close()
    yield Group("bad keys", tuple(case for one in golden if "refused" in one.document for case in _keys(one)))
    yield from wycheproof_groups()
    yield Group("RFC 6962 roots and proofs", tuple(_tree()))


def _envelope(golden: Golden, court: Court) -> Iterator[Case]:
    outcome = court.judge_envelope(submission_of(golden.document), golden.document["now"])
    yield expect(golden.name, (outcome.code, outcome.by), (golden.code, golden.by))


def _steps(golden: Golden, court: Court) -> Iterator[Case]:
    for step, outcome in zip(golden.document["steps"], court.judge_steps(golden.document), strict=True):
        yield expect(golden.name, (outcome.code, outcome.by), (step["outcome"], step["by"]))


def _complete(court: Court) -> Iterator[Case]:
    complete = json.loads((HERE / "envelope" / "complete.json").read_text(encoding="utf-8"))
    outcome = court.judge_envelope(submission_of(complete), complete["now"])
    yield expect("complete", (outcome.code, outcome.by), ("accepted", "recipient"))
    for reader in (*complete["recipients"], complete["sender"]):
        opened = open_as(reader, parse_submission(submission_of(complete)))
        documents = [encode_b64u(one.data) for one in opened.attachments]
        wanted = [one["data"] for one in complete["attachments"]]
        yield expect(f"complete, by {reader}", (opened.content, documents), (complete["content"], wanted))


def _keys(golden: Golden) -> Iterator[Case]:
    alg = golden.document["alg"]
    for bad in golden.document["refused"]:
        came = read_key(alg, parse_b64u(bad["public"]))
        yield expect(f"{golden.name}, {bad['what']}", came, expected_of_key(golden.code, came))


def _tree() -> Iterator[Case]:
    reader = reader_of(CT_LEAVES)
    for size, root in enumerate(CT_ROOTS):
        yield expect(f"the root of {size}", root_at(size, reader).hex(), root)
    for (index, size), proof in CT_INCLUSION.items():
        came = [one.hex() for one in prove_inclusion(index, size, reader)]
        yield expect(f"inclusion of {index} in {size}", came, proof)
    for (old, new), proof in CT_CONSISTENCY.items():
        yield expect(f"{old} before {new}", [one.hex() for one in prove_consistency(old, new, reader)], proof)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.exit(report("vectors", groups()))
