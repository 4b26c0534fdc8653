"""Whom this process trusts to be its database or its broker."""

from __future__ import annotations

import ssl
from pathlib import Path

from shared.errors import SettingsRefused


def trusting(ca: Path | None) -> ssl.SSLContext | None:
    """For connections to a server that this CA, and no other, certified for the name by which it is called.

    TLS 1.2 at least. None without a CA. Raises SettingsRefused for a file that holds no certificate.
    """
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as unreadable:  # an SSLError is one
        raise SettingsRefused(why=f"{ca} holds no certificate of a CA in PEM ({unreadable.strerror})") from None
