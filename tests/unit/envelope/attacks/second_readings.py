"""Forms in which two readers would read two things in the same bytes, or one thing in two forms."""

from __future__ import annotations

import json

from shared.errors import EnvelopeMalformed as Malformed
from shared.errors import EnvelopePartMismatch as PartMismatch
from shared.errors import EnvelopeUnknownField as UnknownField
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.attacks.catalogue import attack
from tests.unit.envelope.workshop import Forgery, forge, header_document


@attack(Malformed, "parse")
def a_member_of_the_submission_stands_twice() -> bytes:
    """Two `wraps`: one reader takes the first, another the last."""
    raw = forge().submission()
    return raw[:-1] + b',"wraps":[]}'


@attack(Malformed, "parse")
def a_member_of_the_manifest_stands_twice() -> bytes:
    """Two `recipients` in the signed manifest."""
    forgery = Forgery().seal()
    return forgery.sign(payload=json.dumps(forgery.manifest).encode()[:-1] + b',"recipients":[]}').submission()


@attack(Malformed, "parse")
def a_member_of_the_header_stands_twice() -> bytes:
    """Two `urgency` in the signed header."""
    forgery = Forgery().seal()
    raw = json.dumps(forgery.header).encode()[:-1] + b',"urgency":"emergency"}'
    forgery.manifest["header"] = encode_b64u(raw)
    return forgery.sign().submission()


@attack(UnknownField, "parse")
def the_header_has_a_field_of_its_own() -> bytes:
    """A name in clear, where only codes may stand."""
    return forge(subject="a person's name").submission()


@attack(Malformed, "parse")
def a_code_reads_backwards() -> bytes:
    """A right-to-left override in the type of a measure, which would show as another type."""
    return Forgery(header=header_document(measures={"M1": "bank-\u202eatad"})).seal().sign().submission()


@attack(Malformed, "parse")
def the_header_holds_a_nul() -> bytes:
    """An exchange's name that ends early for some readers."""
    return Forgery(header=header_document(exchange="comity.example/log\x00.evil.example")).seal().sign().submission()


@attack(Malformed, "parse")
def base64_is_not_canonical() -> bytes:
    """The unused low bits of the last character are set: another text of the same bytes."""
    forgery = forge()
    document = forgery.document()
    text = document["parts"][2]["ct"]
    assert len(text) % 4 != 0
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    document["parts"][2]["ct"] = text[:-1] + last[last.index(text[-1]) + 1]
    return json.dumps(document).encode()


@attack(Malformed, "parse")
def base64_is_padded() -> bytes:
    """`=` at the end of a signature."""
    forgery = forge()
    forgery.jws["signatures"][0]["signature"] += "=="
    return forgery.submission()


@attack(Malformed, "parse")
def the_part_is_named_by_its_sender() -> bytes:
    """A part's name that tells something."""
    forgery = Forgery().seal()
    forgery.parts = {{"p2": "suspect"}.get(name, name): ct for name, ct in forgery.parts.items()}
    return forgery.list_parts().sign().submission()


@attack(Malformed, "parse")
def a_recipients_key_is_named_twice() -> bytes:
    """Two wraps for Brussels, of which a reader would take one."""
    forgery = Forgery().seal()
    forgery.manifest["recipients"].append(forgery.manifest["recipients"][0])
    return forgery.sign().submission()


@attack(PartMismatch, "verify")
def a_size_is_misstated() -> bytes:
    """The digest of a part is right and its length is not: whoever makes room by the length would be misled."""
    forgery = Forgery().seal()
    forgery.manifest["parts"][1]["ct_len"] += 1
    return forgery.sign().submission()


@attack(Malformed, "parse")
def a_size_is_a_boolean() -> bytes:
    """`"ct_len": true`."""
    forgery = Forgery().seal()
    forgery.manifest["parts"][0]["ct_len"] = True
    return forgery.sign().submission()
