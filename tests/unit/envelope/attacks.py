"""The attacks and mistakes that an envelope must survive: each function makes one, named for it.

Each states the code that refuses it and how far it gets: `parse` (the submission is not even read), `verify` (the
exchange refuses it) or `open` (the exchange cannot see it, the recipient refuses). `tests/vectors/make_envelope.py`
writes one golden file for each; the tests run the functions as well as the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from client.sealing import Attachment
from client.signing import WRAP_SUITE
from shared.envelope.encoding import MAX_INLINE_PART_BYTES, MAX_JWS_BYTES, MAX_SUBMISSION_BYTES, wrap_info
from shared.envelope.padding import pad_part
from shared.errors import ComityError
from shared.errors import EnvelopeActContradicted as ActContradicted
from shared.errors import EnvelopeCannotOpen as CannotOpen
from shared.errors import EnvelopeDowngraded as Downgraded
from shared.errors import EnvelopeExpired as Expired
from shared.errors import EnvelopeFutureDated as FutureDated
from shared.errors import EnvelopeKeyForeign as KeyForeign
from shared.errors import EnvelopeKeyUnknown as KeyUnknown
from shared.errors import EnvelopeMalformed as Malformed
from shared.errors import EnvelopePartMismatch as PartMismatch
from shared.errors import EnvelopeRecipientsMismatch as RecipientsMismatch
from shared.errors import EnvelopeSignatureInvalid as SignatureInvalid
from shared.errors import EnvelopeSignatureMissing as SignatureMissing
from shared.errors import EnvelopeTooLarge as TooLarge
from shared.errors import EnvelopeUnknownField as UnknownField
from shared.errors import EnvelopeWrapMismatch as WrapMismatch
from shared.errors import EnvelopeWrongExchange as WrongExchange
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.workshop import (
    NOW,
    Forgery,
    forge,
    header_document,
    later,
    party,
    seal,
    sealing_keys_of,
)

Stage = Literal["parse", "verify", "open"]
OTHER_SECRET = sha256(b"another secret").digest()


@dataclass(frozen=True)
class Attack:
    name: str
    claim: str
    make: Callable[[], bytes]
    refused_with: type[ComityError]
    stage: Stage
    now: datetime
    golden: bool


CATALOGUE: dict[str, Attack] = {}


def attack(
    refused_with: type[ComityError], stage: Stage, *, now: datetime = NOW, golden: bool = True
) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Enter the function in the catalogue. `golden=False` for what is large by nature."""

    def enter(make: Callable[[], bytes]) -> Callable[[], bytes]:
        name = make.__name__.replace("_", "-")
        CATALOGUE[name] = Attack(name, (make.__doc__ or "").strip(), make, refused_with, stage, now, golden)
        return make

    return enter


# --- on the way, by somebody who holds no key ------------------------------------------------------------------------


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


# --- by another authority --------------------------------------------------------------------------------------------


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
    """Paris, which can open it, sends Rabat's parts to Brussels under a header of its own, with fresh wraps."""
    original = forge(sender="MA.PGR")
    stolen = Forgery(header=header_document(sender="FR.BEPI", recipients=["BE.PF"], basis=None, leg="BE.PF"))
    stolen.seal()
    stolen.parts = original.parts
    stolen.signers = (party("FR.BEPI"), party("FR.BEPI"))
    return stolen.list_parts().sign().submission()


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


@attack(RecipientsMismatch, "verify")
def it_is_addressed_to_a_stranger() -> bytes:
    """The header names an authority that has no sealing key."""
    forgery = Forgery().seal()
    forgery.header["recipients"] = ["BE.PF", "IT.MGIUS"]
    forgery.manifest["header"] = encode_b64u(json.dumps(forgery.header).encode())
    return forgery.sign().submission()


# --- by the sender itself --------------------------------------------------------------------------------------------


@attack(CannotOpen, "open")
def recipients_get_unequal_secrets() -> bytes:
    """Brussels' wrap holds another secret than Paris': each would open a different text."""
    return Forgery().seal(secrets_of={"BE.PF": OTHER_SECRET}).sign().submission()


@attack(CannotOpen, "open")
def the_commitment_is_of_no_secret() -> bytes:
    """`key_commit` fits none of the wraps."""
    forgery = Forgery().seal()
    forgery.manifest["key_commit"] = encode_b64u(forgery.commit(OTHER_SECRET))
    return forgery.sign().submission()


@attack(CannotOpen, "open")
def a_wrap_is_noise() -> bytes:
    """Brussels' wrap is signed for and opens under no key."""
    forgery = Forgery().seal()
    forgery.wraps[party("BE.PF").sealing_kid] = bytes(1168)
    return forgery.list_parts().sign().submission()


@attack(CannotOpen, "open")
def a_wrap_is_of_another_message() -> bytes:
    """Brussels' wrap was sealed for another header: the same secret, another context."""
    forgery, other = Forgery().seal(), Forgery(header=header_document(urgency="urgent")).seal()
    kid = party("BE.PF").sealing_kid
    forgery.wraps[kid] = other.wraps[kid]
    return forgery.list_parts().sign().submission()


@attack(CannotOpen, "open")
def a_part_ends_at_a_chunk() -> bytes:
    """An attachment is cut where a chunk ends, then signed: every chunk that is there decrypts."""
    forgery = Forgery(attachments=[Attachment("long.txt", "text/plain", bytes(20_000))]).seal()
    forgery.parts["p1"] = forgery.parts["p1"][: 56 + 16384 + 16]
    return forgery.list_parts().sign().submission()


@attack(CannotOpen, "open")
def two_parts_are_swapped_and_signed() -> bytes:
    """The sender signs its own parts under each other's names."""
    forgery = Forgery().seal()
    forgery.parts["p1"], forgery.parts["p2"] = forgery.parts["p2"], forgery.parts["p1"]
    return forgery.list_parts().sign().submission()


@attack(CannotOpen, "open")
def the_padding_holds_a_message() -> bytes:
    """Bytes hidden where only zero may stand."""
    padded = pad_part(b"short")[:-6] + b"hidden"
    return Forgery(padded={"p2": padded}).seal().sign().submission()


@attack(CannotOpen, "open")
def the_padding_is_longer_than_padme() -> bytes:
    """A part padded to a length of the sender's choice: a covert channel, and a second text for one plaintext."""
    return Forgery(padded={"p2": pad_part(b"short") + bytes(1024)}).seal().sign().submission()


@attack(CannotOpen, "open")
def the_true_length_exceeds_the_part() -> bytes:
    """The length field promises more bytes than there are."""
    padded = (2**63).to_bytes(8, "big") + bytes(1016)
    return Forgery(padded={"p2": padded}).seal().sign().submission()


@attack(ActContradicted, "open")
def the_body_contradicts_the_act() -> bytes:
    """The exchange is told one deadline, the recipient another."""
    return _with_body(act={"deadline": "2027-03-31"})


@attack(ActContradicted, "open")
def the_body_has_an_act_of_its_own() -> bytes:
    """The sealed act says more than the header's."""
    return _with_body(act={"deadline": "2027-01-31", "ground": "political"})


@attack(ActContradicted, "open")
def the_body_says_true_where_the_header_says_one() -> bytes:
    """`true` is not 1, though some languages take them for equal."""
    forgery = Forgery(header=header_document(act={"approvals": 1}))
    return forgery.seal({**forgery.body(), "act": {"approvals": True}}).sign().submission()


@attack(ActContradicted, "open")
def the_body_is_of_another_kind() -> bytes:
    """The header is a request, the sealed body a withdrawal."""
    return _with_body(kind="withdraw")


@attack(CannotOpen, "open")
def the_body_is_not_strict_json() -> bytes:
    """A member stands twice in the sealed body: two readers would read two messages."""
    forgery = Forgery()
    raw = json.dumps(forgery.body()).encode()
    return Forgery(padded={"body": pad_part(raw[:-1] + b',"kind":"withdraw"}')}).seal().sign().submission()


@attack(CannotOpen, "open")
def the_body_misstates_an_attachment() -> bytes:
    """The digest in the body is not that of the attachment."""
    entries = Forgery().body()["attachments"]
    return _with_body(attachments=[{**entries[0], "sha256": "A" * 43}, entries[1]])


@attack(CannotOpen, "open")
def the_body_hides_an_attachment() -> bytes:
    """A part is sealed, signed and delivered, and the body does not list it."""
    return _with_body(attachments=Forgery().body()["attachments"][:1])


@attack(CannotOpen, "open")
def an_attachment_climbs_out_of_its_folder() -> bytes:
    """A file name with a path in it."""
    entries = Forgery().body()["attachments"]
    return _with_body(attachments=[{**entries[0], "name": "../../etc/cron.d/comity"}, entries[1]])


@attack(CannotOpen, "open")
def an_attachment_reads_backwards() -> bytes:
    """A right-to-left override makes `evidence[override]fdp.exe` read as a PDF."""
    entries = Forgery().body()["attachments"]
    return _with_body(attachments=[{**entries[0], "name": "evidence\u202efdp.exe"}, entries[1]])


@attack(WrongExchange, "verify")
def it_was_written_for_another_exchange() -> bytes:
    """A genuine envelope, replayed on an exchange that it does not name."""
    return forge(exchange="elsewhere.example/log").submission()


@attack(FutureDated, "verify")
def it_is_dated_in_the_future() -> bytes:
    """Sent, it says, three minutes from now."""
    return forge(sent_at="2026-11-22T09:33:00Z").submission()


@attack(Expired, "verify")
def it_has_expired() -> bytes:
    """It expires at this very second."""
    return forge(expires_at="2026-11-22T09:30:00Z").submission()


@attack(KeyUnknown, "verify")
def the_api_key_signs_it() -> bytes:
    """The sender's own API key, stolen from the machine that makes calls, in place of its signing key."""
    forgery = Forgery().seal()
    keys = party("MA.PGR")
    forgery.sign({"Ed25519": {"kid": keys.api_kid}})
    head = forgery.jws["signatures"][0]
    head["signature"] = encode_b64u(keys.api.sign(f"{head['protected']}.{forgery.jws['payload']}".encode()))
    return forgery.submission()


@attack(KeyUnknown, "verify")
def a_key_stands_in_for_another_algorithm() -> bytes:
    """The kid of the ML-DSA-65 key beside the Ed25519 signature."""
    return Forgery().seal().sign({"Ed25519": {"kid": party("MA.PGR").signing_kids[1]}}).submission()


# --- form: weaker than the suite -------------------------------------------------------------------------------------


@attack(Downgraded, "parse")
def required_sigs_are_weakened() -> bytes:
    """The header asks for one signature."""
    return forge(required_sigs=["Ed25519"]).submission()


@attack(Malformed, "parse")
def required_sigs_are_removed() -> bytes:
    """The header asks for none."""
    header = header_document()
    del header["required_sigs"]
    return Forgery(header=header).seal().sign().submission()


@attack(Downgraded, "parse")
def another_suite_is_named() -> bytes:
    """The header names a suite that does not exist."""
    return forge(suite="comity-env/0").submission()


@attack(Downgraded, "parse")
def the_algorithm_is_none() -> bytes:
    """`"alg": "none"`, the oldest of all."""
    return Forgery().seal().sign({"Ed25519": {"alg": "none"}}).submission()


@attack(Downgraded, "parse")
def the_algorithm_is_the_ambiguous_one() -> bytes:
    """`EdDSA`, which RFC 9864 deprecates because it names no curve."""
    return Forgery().seal().sign({"Ed25519": {"alg": "EdDSA"}}).submission()


@attack(Malformed, "parse")
def the_protected_header_carries_a_key() -> bytes:
    """An embedded key for a reader that trusts what it is handed."""
    return Forgery().seal().sign({"Ed25519": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}}}).submission()


@attack(Malformed, "parse")
def the_protected_header_is_of_another_type() -> bytes:
    """A signature that was made for something else than an envelope."""
    return Forgery().seal().sign({"ML-DSA-65": {"typ": "JWT"}}).submission()


# --- form: a second reading of the same bytes ------------------------------------------------------------------------


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


# --- form: to exhaust the reader -------------------------------------------------------------------------------------


@attack(Malformed, "parse")
def json_is_nested_deeply() -> bytes:
    """Twenty thousand brackets."""
    return b'{"jws":' + b"[" * 20_000


@attack(Malformed, "parse")
def an_integer_is_huge() -> bytes:
    """A size of five thousand digits, quadratic to convert."""
    forgery = Forgery().seal()
    raw = json.dumps(forgery.manifest).encode().replace(b'"ct_len": ', b'"ct_len": ' + b"9" * 5000, 1)
    return forgery.sign(payload=raw).submission()


@attack(TooLarge, "parse")
def there_are_too_many_recipients() -> bytes:
    """201 authorities in the header."""
    forgery = Forgery().seal()
    names = [f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[n % 26]}X.A{n:03}" for n in range(201)]
    forgery.header |= {"recipients": names, "basis": None}
    forgery.manifest["header"] = encode_b64u(json.dumps(forgery.header).encode())
    return forgery.sign().submission()


@attack(TooLarge, "parse")
def there_are_too_many_wraps() -> bytes:
    """201 keys in the manifest."""
    forgery = Forgery().seal()
    one = forgery.manifest["recipients"][0]
    forgery.manifest["recipients"] = [{**one, "kid": f"BE.PF{n:03}"} for n in range(201)]
    return forgery.sign().submission()


@attack(TooLarge, "parse")
def there_are_too_many_parts() -> bytes:
    """65 parts in the manifest."""
    forgery = Forgery().seal()
    one = forgery.manifest["parts"][0]
    forgery.manifest["parts"] = [{**one, "name": "body" if n == 0 else f"p{n}"} for n in range(65)]
    return forgery.sign().submission()


@attack(TooLarge, "parse", golden=False)
def the_submission_is_oversize() -> bytes:
    """One byte more than a POST may have."""
    return forge().submission().ljust(MAX_SUBMISSION_BYTES + 1)


@attack(TooLarge, "parse", golden=False)
def a_part_inside_is_oversize() -> bytes:
    """One byte more than a part may have inside the submission."""
    forgery = Forgery().seal()
    forgery.parts["p1"] = bytes(MAX_INLINE_PART_BYTES + 1)
    return forgery.list_parts().sign().submission()


@attack(TooLarge, "parse", golden=False)
def the_parts_inside_are_oversize_together() -> bytes:
    """Four attachments, each of the size that one may have, leave no room for the body."""
    forgery = Forgery().seal()
    forgery.parts |= {f"p{n}": bytes(MAX_INLINE_PART_BYTES) for n in range(1, 5)}
    return forgery.list_parts().sign().submission()


@attack(TooLarge, "parse", golden=False)
def the_signed_manifest_is_oversize() -> bytes:
    """More than a ledger entry could hold."""
    forgery = Forgery().seal()
    return forgery.sign(payload=json.dumps(forgery.manifest).encode().ljust(MAX_JWS_BYTES)).submission()


@attack(TooLarge, "parse")
def the_header_is_oversize() -> bytes:
    """One byte more than 16 KiB."""
    forgery = Forgery().seal()
    forgery.manifest["header"] = encode_b64u(json.dumps(forgery.header).encode().ljust(16 * 1024 + 1))
    return forgery.sign().submission()


def _with_body(**changes: Any) -> bytes:
    forgery = Forgery()
    return forgery.seal({**forgery.body(), **changes}).sign().submission()
