"""Four senders of AS2 messages: signed, encrypted, with a signed receipt in the answer.

    python drive.py PLAN.json RESULT.json

Messages are built before the window. Every receipt is verified after it, and the server's own status of every message
is read: what is not `processed` and `S` on both sides fails the round.
"""

import http.client
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import django
from prepare import PASSPHRASE, RECEIVER, SENDERS
from pyas2lib import Mdn, Message, Organization, Partner
from typing_extensions import override


class Sender(threading.Thread):
    """One message at a time, the next when the receipt is there; what it does not get to is not sent."""

    def __init__(self, name: str, port: int, built: list[Message], over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.as2_name = name
        self.port = port
        self.waiting = built
        self.over = over
        self.sent: list[tuple[Message, float, float, bytes]] = []
        self.failed: dict[str, int] = {}

    @override
    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while self.waiting and not self.over.is_set():
            message = self.waiting.pop()
            began = time.monotonic()
            try:
                connection.request("POST", "/pyas2/as2receive", message.content, message.headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as broken:
                connection.close()
                self._fail(type(broken).__name__)
                continue
            if answer.status != 200:
                self._fail(f"status {answer.status}")
                continue
            head = "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders()).encode()
            self.sent.append((message, began, time.monotonic(), head + b"\r\n" + body))
        connection.close()

    def _fail(self, why: str) -> None:
        self.failed[why] = self.failed.get(why, 0) + 1


def build(keys: dict[str, dict[str, str]], sender: str, payload: bytes) -> Message:
    own = keys[sender]
    private = own["private"].encode()
    organization = Organization(
        as2_name=sender, sign_key=private, sign_key_pass=PASSPHRASE, decrypt_key=private, decrypt_key_pass=PASSPHRASE
    )
    certificate = keys[RECEIVER]["public"].encode()
    partner = Partner(
        as2_name=RECEIVER,
        verify_cert=certificate,
        encrypt_cert=certificate,
        validate_certs=False,
        sign=True,
        digest_alg="sha256",
        encrypt=True,
        enc_alg="aes_256_cbc",
        mdn_mode="SYNC",
        mdn_digest_alg="sha256",
    )
    message = Message(organization, partner)
    message.build(
        payload,
        filename="letter.bin",
        subject="letter",
        content_type="application/octet-stream",
        disposition_notification_to="sender@example.org",
    )
    return message


def judge(sender: Sender) -> None:
    """Every receipt: signed by the recipient, of this very message, processed."""
    for message, _, _, answer in sender.sent:
        status, detail = Mdn().parse(answer, lambda message_id, recipient, one=message: one)
        if status != "processed":
            sender._fail(f"receipt: {status} {detail}"[:200])


def statuses(message_ids: set[str]) -> dict[str, int]:
    """What the server's database says of these messages, other than success; and how many it does not know."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "as2_settings"
    django.setup()
    from pyas2.models import Message as Stored

    known = dict(Stored.objects.filter(direction="IN").values_list("message_id", "status"))
    odd = {f"server: status {known.get(one, 'none')}": 0 for one in message_ids if known.get(one) != "S"}
    for one in message_ids:
        if known.get(one) != "S":
            odd[f"server: status {known.get(one, 'none')}"] += 1
    return odd


def main(plan: dict[str, Any]) -> dict[str, Any]:
    keys = json.loads(Path(plan["keys"]).read_text())
    over = threading.Event()
    payload = os.urandom(plan["bytes"])
    each = plan["messages"] // len(SENDERS) + 1
    senders = [Sender(name, plan["port"], [build(keys, name, payload) for _ in range(each)], over) for name in SENDERS]
    for sender in senders:
        sender.start()
    time.sleep(plan["warm_up_s"])
    opened = time.monotonic()
    until = opened + plan["seconds"]
    while time.monotonic() < until and any(sender.is_alive() for sender in senders):
        time.sleep(0.02)
    closed = time.monotonic()
    ran_out = any(not sender.is_alive() for sender in senders)
    over.set()
    failed: dict[str, int] = {"messages ran out": 1} if ran_out else {}
    for sender in senders:
        sender.join()
        judge(sender)
        failed |= sender.failed
    sent = [one for sender in senders for one in sender.sent]
    failed |= statuses({message.message_id for message, *_ in sent})
    return {
        "seconds": closed - opened,
        "delivered_in_window": sum(opened <= ended < closed for _, _, ended, _ in sent),
        "lost": 0,
        "repeated": 0,
        "failed": failed,
        "latency_s": [ended - began for _, began, ended, _ in sent if opened <= began < closed],
    }


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps(main(given)))
