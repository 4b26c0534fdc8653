"""Who gets an envelope: whoever its signed manifest is sealed to, and nobody else."""

from __future__ import annotations

from shared.envelope.manifest import Manifest
from shared.keys.public import parse_kid


def readers_of(manifest: Manifest) -> dict[str, str]:
    """Reader → the kid that its wrap is sealed to, in the order of the manifest."""
    return {parse_kid(recipient.kid).owner: recipient.kid for recipient in manifest.recipients}
