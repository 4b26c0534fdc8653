"""What somebody who holds no key does to an envelope on its way: alters, swaps, strips, adds, replays."""

from __future__ import annotations

import json

from shared.errors import EnvelopeExpired as Expired
from shared.errors import EnvelopeMalformed as Malformed
from shared.errors import EnvelopePartMismatch as PartMismatch
from shared.errors import EnvelopeSignatureInvalid as SignatureInvalid
from shared.errors import EnvelopeSignatureMissing as SignatureMissing
from shared.errors import EnvelopeTooLarge as TooLarge
from shared.errors import EnvelopeWrapMismatch as WrapMismatch
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.attacks.catalogue import attack
from tests.unit.envelope.workshop import forge, later, party, seal


@attack(PartMismatch, "verify")
def a_part_is_cut() -> bytes:
    """The last byte of an attachment is gone."""
    forgery = forge()
    forgery.parts["p1"] = forgery.parts["p1"][:-1]
    return forgery.submission()


@attack(PartMismatch, "verify")
def two_parts_are_swapped() -> bytes:
    """Each of two sealed parts lies under the other's name."""
    forgery = forge()
    forgery.parts["p1"], forgery.parts["p2"] = forgery.parts["p2"], forgery.parts["p1"]
    return forgery.submission()


@attack(PartMismatch, "verify")
def a_part_is_added() -> bytes:
    """A part lies beside the others that the manifest does not name."""
    forgery = forge()
    forgery.parts["p3"] = forgery.parts["p2"]
    return forgery.submission()


@attack(SignatureInvalid, "verify")
def a_header_byte_is_changed() -> bytes:
    """`routine` becomes `urgent ` in the signed header, all lengths kept, and nothing is signed anew."""
    forgery = forge()
    changed = json.dumps({**forgery.header, "urgency": "urgent"}, ensure_ascii=False).encode()
    forgery.manifest["header"] = encode_b64u(changed)
    forgery.jws["payload"] = encode_b64u(json.dumps(forgery.manifest).encode())
    return forgery.submission()


@attack(SignatureInvalid, "verify")
def it_is_re_addressed() -> bytes:
    """Madrid takes the place of Paris in the header, the manifest and the wraps, and nothing is signed anew."""
    forgery = forge()
    madrid = party("ES.SGCJI").sealing_kid
    header = {**forgery.header, "recipients": ["BE.PF", "ES.SGCJI"]}
    header["basis"] = {"BE.PF": header["basis"]["BE.PF"], "ES.SGCJI": header["basis"]["FR.BEPI"]}
    forgery.wraps = {
        madrid if kid == party("FR.BEPI").sealing_kid else kid: wrap for kid, wrap in forgery.wraps.items()
    }
    forgery.manifest["header"] = encode_b64u(json.dumps(header, ensure_ascii=False).encode())
    forgery.list_parts()
    forgery.jws["payload"] = encode_b64u(json.dumps(forgery.manifest).encode())
    return forgery.submission()


@attack(SignatureInvalid, "verify")
def a_signature_is_of_another_envelope() -> bytes:
    """Both signatures are genuine, of another envelope of the same sender."""
    forgery, other = forge(), forge(urgency="urgent")
    forgery.jws["signatures"] = other.jws["signatures"]
    return forgery.submission()


@attack(SignatureInvalid, "verify")
def only_the_lattice_signature_is_forged() -> bytes:
    """Ed25519 is broken, say, and ML-DSA-65 is not: one genuine signature is not enough."""
    forgery = forge()
    forgery.jws["signatures"][1]["signature"] = encode_b64u(bytes(3309))
    return forgery.submission()


@attack(SignatureInvalid, "verify")
def only_the_classical_signature_is_forged() -> bytes:
    """ML-DSA-65 is broken, say, and Ed25519 is not: one genuine signature is not enough."""
    forgery = forge()
    forgery.jws["signatures"][0]["signature"] = encode_b64u(bytes(64))
    return forgery.submission()


@attack(SignatureMissing, "parse")
def the_second_signature_is_missing() -> bytes:
    """The ML-DSA-65 signature is stripped."""
    forgery = forge()
    del forgery.jws["signatures"][1]
    return forgery.submission()


@attack(SignatureMissing, "parse")
def one_signature_stands_twice() -> bytes:
    """Two signatures, both Ed25519."""
    forgery = forge()
    forgery.jws["signatures"][1] = forgery.jws["signatures"][0]
    return forgery.submission()


@attack(TooLarge, "parse")
def a_third_signature_is_added() -> bytes:
    """A third signature, so that a careless reader finds the one it likes."""
    forgery = forge()
    forgery.jws["signatures"].append(forgery.jws["signatures"][0])
    return forgery.submission()


@attack(Malformed, "parse")
def the_signatures_change_places() -> bytes:
    """The same two signatures in the other order would give the same envelope a second digest."""
    forgery = forge()
    forgery.jws["signatures"].reverse()
    return forgery.submission()


@attack(Malformed, "parse")
def a_signature_has_an_unprotected_header() -> bytes:
    """An unprotected header names another key, unsigned."""
    forgery = forge()
    forgery.jws["signatures"][0]["header"] = {"kid": party("BE.PF").signing_kids[0]}
    return forgery.submission()


@attack(WrapMismatch, "verify")
def a_wrap_is_missing() -> bytes:
    """Paris is listed and signed for, and its wrap is left out."""
    forgery = forge()
    del forgery.wraps[party("FR.BEPI").sealing_kid]
    return forgery.submission()


@attack(WrapMismatch, "verify")
def a_wrap_is_changed() -> bytes:
    """One bit of Brussels' wrap is flipped."""
    forgery = forge()
    kid = party("BE.PF").sealing_kid
    forgery.wraps[kid] = forgery.wraps[kid][:-1] + bytes([forgery.wraps[kid][-1] ^ 1])
    return forgery.submission()


@attack(WrapMismatch, "verify")
def a_wrap_is_added() -> bytes:
    """A wrap for Madrid lies beside the others."""
    forgery = forge()
    forgery.wraps[party("ES.SGCJI").sealing_kid] = forgery.wraps[party("BE.PF").sealing_kid]
    return forgery.submission()


@attack(Expired, "verify", now=later(15))
def it_is_replayed_after_it_expired() -> bytes:
    """A genuine envelope, submitted again when the exchange may have forgotten its id."""
    return seal().submission
