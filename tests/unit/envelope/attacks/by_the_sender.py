"""What the sender itself signs that its recipients must not believe: two texts, a hidden one, a contradiction."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from client.sealing import Attachment
from shared.envelope.padding import pad_part
from shared.errors import EnvelopeActContradicted as ActContradicted
from shared.errors import EnvelopeCannotOpen as CannotOpen
from shared.errors import EnvelopeExpired as Expired
from shared.errors import EnvelopeFutureDated as FutureDated
from shared.errors import EnvelopeKeyUnknown as KeyUnknown
from shared.errors import EnvelopeLivesTooLong as LivesTooLong
from shared.errors import EnvelopeWrongExchange as WrongExchange
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.attacks.catalogue import attack
from tests.unit.envelope.workshop import Forgery, forge, header_document, party

OTHER_SECRET = sha256(b"another secret").digest()


@attack(CannotOpen, "open")
def recipients_get_unequal_secrets() -> bytes:
    """Brussels' wrap holds another secret than Paris': each would open a different text."""
    return Forgery().seal(secrets_of={"BE.PF": OTHER_SECRET}).sign().submission()


@attack(CannotOpen, "open")
def each_recipient_opens_another_part() -> bytes:
    """One attachment is sealed under Brussels' secret, the other under Paris', the body under Brussels': a reader that
    opens part by part, and does not look at the commitment first, shows Brussels what Paris never sees."""
    forgery = Forgery().seal(secrets_of={"BE.PF": OTHER_SECRET})
    for name, plaintext in (("body", json.dumps(forgery.body()).encode()), ("p1", b"for Brussels alone")):
        forgery.parts[name] = forgery.seal_part(name, pad_part(plaintext), OTHER_SECRET)
    return forgery.list_parts().sign().submission()


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


@attack(CannotOpen, "open")
def a_name_holds_a_nul() -> bytes:
    """A file name that ends, for a reader written in C, before its harmless ending: `evidence.exe[NUL].pdf`."""
    entries = Forgery().body()["attachments"]
    return _with_body(attachments=[{**entries[0], "name": "evidence.exe\x00.pdf"}, entries[1]])


@attack(CannotOpen, "open")
def a_text_of_the_body_holds_a_nul() -> bytes:
    """A NUL inside the sealed content."""
    return _with_body(content={"summary": "the whole story\x00 and what nobody sees"})


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


@attack(LivesTooLong, "parse")
def it_lives_longer_than_ninety_days() -> bytes:
    """To be handed in by somebody years from now, it ends ninety days and one second after it was sent."""
    return forge(expires_at="2027-02-20T09:29:01Z").submission()


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
def a_key_id_names_no_key() -> bytes:
    """The sender's name before the digest of a key that it never registered."""
    return Forgery().seal().sign({"ML-DSA-65": {"kid": "MA.PGR#" + "A" * 43}}).submission()


@attack(KeyUnknown, "verify")
def a_key_stands_in_for_another_algorithm() -> bytes:
    """The kid of the ML-DSA-65 key beside the Ed25519 signature."""
    return Forgery().seal().sign({"Ed25519": {"kid": party("MA.PGR").signing_kids[1]}}).submission()


def _with_body(**changes: Any) -> bytes:
    forgery = Forgery()
    return forgery.seal({**forgery.body(), **changes}).sign().submission()
