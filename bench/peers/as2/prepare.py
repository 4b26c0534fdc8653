"""Makes the AS2 server's database and everybody's keys: python prepare.py KEYS.json

RSA-2048 for all. The recipient has its key in the database; the four senders' lie in KEYS.json for `drive.py`.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django

RECEIVER = "recipient"
SENDERS = ("sender-1", "sender-2", "sender-3", "sender-4")
PASSPHRASE = "benchmark"  # noqa: S105


def make_key(name: str) -> tuple[str, str]:
    """A private key with its certificate in one PEM, and the certificate alone."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    ).decode()
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return private + public, public


def main(keys_file: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "as2_settings"
    django.setup()
    from django.core.management import call_command
    from pyas2.models import Organization, Partner, PrivateKey, PublicCertificate

    call_command("migrate", verbosity=0)
    made = {name: make_key(name) for name in (RECEIVER, *SENDERS)}
    key = PrivateKey.objects.create(name=RECEIVER, key=made[RECEIVER][0].encode(), key_pass=PASSPHRASE)
    Organization.objects.create(name=RECEIVER, as2_name=RECEIVER, encryption_key=key, signature_key=key)
    for sender in SENDERS:
        certificate = PublicCertificate.objects.create(
            name=sender, certificate=made[sender][1].encode(), verify_cert=False
        )
        Partner.objects.create(
            name=sender,
            as2_name=sender,
            target_url="http://127.0.0.1/",
            encryption="aes_256_cbc",
            encryption_cert=certificate,
            signature="sha256",
            signature_cert=certificate,
            mdn=True,
            mdn_mode="SYNC",
            mdn_sign="sha256",
        )
    Path(keys_file).write_text(json.dumps({name: {"private": one[0], "public": one[1]} for name, one in made.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
