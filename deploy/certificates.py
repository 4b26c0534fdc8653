"""A certificate for each of the exchange's servers, from an authority that is thrown away once it has signed them.

Rules:
1. The authority's private key is never written where it stays: nobody can sign a further server into the exchange.
   Whoever wants to renew makes all of them anew and hands out the new `ca.pem`.
2. Keys are on P-256: X.509 with Ed25519 is refused by some of the libraries that verify here.
3. `openssl` makes them: deploying needs no Python package.

Not here: certificates for the API, which the proxy before the gateway has from a public authority.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

DAYS: Final = 397
"""How long they are valid: a little more than a year, so that renewing is a yearly date."""
CA_FILE: Final = "ca.pem"
CERTIFICATE_FILE: Final = "tls.crt"
KEY_FILE: Final = "tls.key"
_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class CertificatesFailed(Exception):
    """The certificates could not be made."""


def make_certificates(directory: Path, servers: Mapping[str, Sequence[str]]) -> None:
    """For each server a directory with its certificate and key, and beside them the authority's certificate.

    `servers` says, by name, under which hosts each is reached. Nothing is made where all files are there already.
    Raises CertificatesFailed.
    """
    wanted = [directory / CA_FILE]
    wanted += [directory / server / file for server in servers for file in (CERTIFICATE_FILE, KEY_FILE)]
    if all(file.exists() for file in wanted):
        return
    if shutil.which("openssl") is None:
        raise CertificatesFailed("openssl is not installed; on Debian or Ubuntu: apt-get install openssl")
    for file in wanted:
        file.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        authority = Path(scratch)
        _make_authority(authority)
        for server, hosts in servers.items():
            place = directory / server
            place.mkdir(parents=True, exist_ok=True)
            _make_server(authority, place, hosts)
        shutil.copyfile(authority / CA_FILE, directory / CA_FILE)


def _make_authority(place: Path) -> None:
    subject = ("-subj", "/CN=Comity's servers", "-days", str(DAYS))
    uses = (
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-addext",
        "basicConstraints=critical,CA:TRUE,pathlen:0",
    )
    _openssl("req", "-x509", *_NEW_KEY, "-keyout", place / "ca.key", "-out", place / CA_FILE, *subject, *uses)


def _make_server(authority: Path, place: Path, hosts: Sequence[str]) -> None:
    request, extensions = authority / "request.pem", authority / "extensions"
    _openssl("req", *_NEW_KEY, "-keyout", place / KEY_FILE, "-out", request, "-subj", f"/CN={hosts[0]}")
    extensions.write_text(
        f"subjectAltName={','.join(f'DNS:{host}' for host in hosts)}\n"
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    signed_by = ("-CA", authority / CA_FILE, "-CAkey", authority / "ca.key", "-CAcreateserial", "-sha256")
    asked = ("-in", request, "-extfile", extensions, "-days", str(DAYS))
    _openssl("x509", "-req", *asked, *signed_by, "-out", place / CERTIFICATE_FILE)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise CertificatesFailed(f"openssl {arguments[0]}: {done.stderr.strip()}")
