"""What an authority does with its own keys to an envelope of another, and with another's recipients."""

from __future__ import annotations

import json
from hashlib import sha256

from client.signing import WRAP_SUITE
from shared.envelope.encoding import wrap_info
from shared.errors import EnvelopeCannotOpen as CannotOpen
from shared.errors import EnvelopeKeyForeign as KeyForeign
from shared.errors import EnvelopeRecipientsMismatch as RecipientsMismatch
from shared.errors import EnvelopeSignatureInvalid as SignatureInvalid
from shared.errors import RecipientUnknown
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.attacks.catalogue import attack
from tests.unit.envelope.workshop import FIXED_SECRET, Forgery, forge, header_document, party, sealing_keys_of


@attack(KeyForeign, "verify")
def another_authority_signs_it_as_it_stands() -> bytes:
    """Brussels signs what Rabat sealed, under its own keys."""
    forgery = Forgery().seal()
    forgery.signers = (party("BE.PF"), party("BE.PF"))
    return forgery.sign().submission()


@attack(KeyForeign, "verify")
def two_authorities_sign_one_each() -> bytes:
    """Rabat's Ed25519 signature beside Brussels' ML-DSA-65 signature."""
    forgery = Forgery().seal()
    forgery.signers = (party("MA.PGR"), party("BE.PF"))
    return forgery.sign().submission()


@attack(SignatureInvalid, "verify")
def another_authority_signs_under_the_senders_key_id() -> bytes:
    """Brussels signs and writes Rabat's key ids beside its signatures."""
    first, second = party("MA.PGR").signing_kids
    forgery = Forgery().seal()
    forgery.signers = (party("BE.PF"), party("BE.PF"))
    return forgery.sign({"Ed25519": {"kid": first}, "ML-DSA-65": {"kid": second}}).submission()


@attack(CannotOpen, "open")
def a_recipient_forwards_the_text_as_its_own() -> bytes:
    """Paris, which can open it, sends Rabat's parts to Brussels in a dossier of its own, with fresh wraps."""
    return _sent_on_by("FR.BEPI", FIXED_SECRET)


@attack(CannotOpen, "open")
def one_who_never_received_it_sends_it_on() -> bytes:
    """Madrid, which got hold of the sealed parts and of no secret, sends them to Brussels as its own."""
    return _sent_on_by("ES.SGCJI", sha256(b"a secret of Madrid's own").digest())


@attack(RecipientsMismatch, "verify")
def a_recipient_is_added_behind_the_header() -> bytes:
    """The secret is sealed to Madrid too, which the header does not name."""
    forgery = Forgery().seal()
    kid = party("ES.SGCJI").sealing_kid
    forgery.wraps[kid] = WRAP_SUITE.encrypt(
        forgery.secret, sealing_keys_of("ES.SGCJI")["ES.SGCJI"].hpke_key, wrap_info(forgery.context, kid)
    )
    return forgery.list_parts().sign().submission()


@attack(RecipientsMismatch, "verify")
def a_recipient_is_left_out() -> bytes:
    """The header names Paris, and nothing is sealed to it."""
    forgery = Forgery().seal()
    del forgery.wraps[party("FR.BEPI").sealing_kid]
    return forgery.list_parts().sign().submission()


@attack(RecipientsMismatch, "verify")
def the_sender_is_left_out() -> bytes:
    """The sender could not show afterwards what it sent."""
    forgery = Forgery().seal()
    del forgery.wraps[party("MA.PGR").sealing_kid]
    return forgery.list_parts().sign().submission()


@attack(RecipientsMismatch, "verify")
def it_is_sealed_to_a_key_that_nobody_registered() -> bytes:
    """Brussels' key is replaced by another under Brussels' name."""
    forgery = Forgery().seal()
    kid = party("BE.PF").sealing_kid
    forgery.wraps = {("BE.PF#" + "A" * 43 if one == kid else one): wrap for one, wrap in forgery.wraps.items()}
    return forgery.list_parts().sign().submission()


@attack(RecipientsMismatch, "verify", at_exchange=RecipientUnknown)
def it_is_addressed_to_a_stranger() -> bytes:
    """The header names an authority that has no sealing key."""
    forgery = Forgery().seal()
    forgery.header["recipients"] = ["BE.PF", "IT.MGIUS"]
    forgery.manifest["header"] = encode_b64u(json.dumps(forgery.header).encode())
    return forgery.sign().submission()


def _sent_on_by(thief: str, secret: bytes) -> bytes:
    original = forge(sender="MA.PGR")
    basis: dict[str, object] = {"BE.PF": {"primary": "reciprocity", "cited": [], "group": None}}
    stolen = Forgery(header=header_document(sender=thief, recipients=["BE.PF"], basis=basis), secret=secret).seal()
    stolen.parts = original.parts
    stolen.signers = (party(thief), party(thief))
    return stolen.list_parts().sign().submission()
