"""Forms made to exhaust their reader: nested, endless, too many, too large."""

from __future__ import annotations

import json

from shared.envelope.encoding import MAX_INLINE_PART_BYTES, MAX_JWS_BYTES, MAX_SUBMISSION_BYTES
from shared.errors import CallTooLarge
from shared.errors import EnvelopeMalformed as Malformed
from shared.errors import EnvelopeTooLarge as TooLarge
from shared.keys.base64url import encode_b64u
from tests.unit.envelope.attacks.catalogue import attack
from tests.unit.envelope.workshop import Forgery, forge


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
def there_are_ten_thousand_parts() -> bytes:
    """10,000 parts in the manifest."""
    forgery = Forgery().seal()
    digest, names = "A" * 43, ["body", *(f"p{n}" for n in range(1, 10_000))]
    forgery.manifest["parts"] = [{"name": name, "ct_sha256": digest, "ct_len": 1} for name in names]
    return forgery.sign(payload=json.dumps(forgery.manifest, separators=(",", ":")).encode()).submission()


@attack(TooLarge, "parse", golden=False)
def ten_thousand_parts_lie_beside() -> bytes:
    """10,000 empty parts beside a manifest that names three."""
    document = forge().document()
    document["parts"] = [{"name": f"p{n}", "ct": ""} for n in range(10_000)]
    return json.dumps(document).encode()


@attack(TooLarge, "parse", golden=False, at_exchange=CallTooLarge)
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
