"""Forms that ask for less than the suite: fewer signatures, another algorithm, a key of the reader's undoing."""

from __future__ import annotations

from shared.errors import EnvelopeDowngraded as Downgraded
from shared.errors import EnvelopeMalformed as Malformed
from tests.unit.envelope.attacks.catalogue import attack
from tests.unit.envelope.workshop import Forgery, forge, header_document


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
