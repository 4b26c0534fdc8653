"""What this authority sent before, to be sealed anew: the message that could not be opened, or was not delivered.

What never reached a mailbox cannot be fetched from the exchange either. The outbox keeps what was submitted from here;
only parts that went ahead of it, too large for a submission, lie nowhere any more once the exchange had them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from client.desk.approvals import APPROVALS
from client.opening import OpenedMessage, open_message
from client.register import Register
from client.rewraps import opener_of
from client.sealing import Attachment
from client.signing import AuthorityKeys
from shared.domain.ids import parse_time
from shared.envelope.container import parse_submission
from shared.envelope.valid_keys import valid_keys
from shared.errors import EnvelopePartMismatch, NotInRegister, NotThere, OriginalGone
from shared.keys.directory import Directory


def sent_before(
    fetch: Callable[[str], OpenedMessage], register: Register, keys: AuthorityKeys, directory: Directory, message: str
) -> tuple[dict[str, Any], list[Attachment]]:
    """Content and attachments; who approved it is to be said anew. `fetch` opens what the exchange has. Raises
    OriginalGone, and what opening raises."""
    try:
        opened = fetch(message)
    except NotThere:
        opened = _kept(register, keys, directory, message)
    content = {name: value for name, value in opened.content.items() if name != APPROVALS}
    return content, [Attachment(one.name, one.media_type, one.data) for one in opened.attachments]


def _kept(register: Register, keys: AuthorityKeys, directory: Directory, message: str) -> OpenedMessage:
    """As it was submitted from here, by the directory of now: who sent it is ourselves."""
    kept = register.message(message)
    try:
        received = parse_submission(register.submission(message).container)
    except NotInRegister:
        raise OriginalGone(message=message) from None
    if kept is None:
        raise OriginalGone(message=message)
    at = parse_time(kept.recorded_at)
    own_kid = next(kid for kid in received.wraps if kid.partition("#")[0] == keys.authority)
    valid = valid_keys(received, directory, at)
    try:
        return open_message(
            received,
            opener=opener_of(received, own_kid, keys, register.rewraps),
            own_kid=own_kid,
            exchange=directory.exchange,
            now=at,
            signing_keys=valid.signing,
            sealing_kids=valid.sealing,
        )
    except EnvelopePartMismatch:
        raise OriginalGone(message=message) from None
