"""What fields of leaves may hold, and what they may not, kind by kind."""

from __future__ import annotations

from typing import Any

from shared.audit.leaf_fields import Kind

MESSAGE = "019aa8f3-2d4b-7c11-8e5a-0123456789ab"
DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

EXAMPLES: dict[Kind, list[Any]] = {
    Kind.AUTHORITY: ["MA.PGR"],
    Kind.UUID7: [MESSAGE],
    Kind.DIGEST: [DIGEST],
    Kind.TIME: ["2026-11-22T09:30:00Z", "2026-11-22T09:30:00.000001Z"],
    Kind.NUMBER: [0, 2**53 - 1],
    Kind.CODE: ["envelope.signature-invalid", "0.1.0"],
    Kind.CODES: [[], ["ground-outside-instrument"]],
    Kind.TEXT: ["", "GET /v1/messages/1\n\u20ac é \u0001"],
    Kind.LEG_STATES: [
        [],
        [{"measures": {"M1": "refused"}}],
        [{"legs": ["BE.PF", "FR.BEPI"], "measures": {"M1": "submitted"}}],
    ],
    Kind.MEASURES: [["M1"], ["M1", "M50"]],
    Kind.REFUSALS: [
        [],
        [{"code": "call.unsigned", "count": 3}],
        [{"code": "call.busy", "count": 1, "party": "MA.PGR"}, {"code": "others", "count": 2, "party": "operator"}],
    ],
    Kind.OBJECT: [{}, {"é": [1, {"a": None}]}],
    Kind.OBJECT_OR_NULL: [None, {}],
}
NOT: dict[Kind, list[Any]] = {
    Kind.AUTHORITY: ["ma.pgr", "MA.PGR\n", "MA", "", None, 1],
    Kind.UUID7: [MESSAGE.upper(), "019aa8f3-2d4b-4c11-8e5a-0123456789ab", f"{MESSAGE}\n", None],
    Kind.DIGEST: [DIGEST[:-1], f"{DIGEST}=", DIGEST[:-1] + "V", None],
    Kind.TIME: ["2026-11-22T09:30:00", "2026-11-22T09:30:00+00:00", "2026-13-22T09:30:00Z", "", 0],
    Kind.NUMBER: [-1, 2**53, True, 1.0, "1", None],
    Kind.CODE: ["", "Upper", "two words", "x" * 129, "code\n", None],
    Kind.CODES: [None, "code", ["two words"], [1]],
    Kind.TEXT: [None, 1, "lone \ud800", "nul \x00"],
    Kind.MEASURES: [[], ["m1"], [1], "M1", {"M1": 1}, None],
    Kind.REFUSALS: [
        None,
        {},
        [{"code": "call.busy"}],
        [{"code": "call.busy", "count": -1}],
        [{"code": "two words", "count": 1}],
        [{"code": "call.busy", "count": 1, "party": "somebody"}],
        [{"code": "call.busy", "count": 1, "party": None}],
        [{"code": "call.busy", "count": 1, "ip": "x"}],
    ],
    Kind.LEG_STATES: [
        None,
        {},
        [{}],
        [{"legs": [], "measures": {}}],
        [{"legs": None, "measures": {}}],
        [{"legs": ["BE.PF"]}],
        [{"legs": ["be"], "measures": {}}],
        [{"legs": ["BE.PF"], "measures": {"M0": "submitted"}}],
        [{"legs": ["BE.PF"], "measures": {"M1": "A name"}}],
        [{"legs": ["BE.PF"], "measures": {}, "note": "x"}],
    ],
    Kind.OBJECT: [None, [], "text", {"a": 1.5}, {"a": {"b": float("nan")}}],
    Kind.OBJECT_OR_NULL: [[], "text", 0],
}
