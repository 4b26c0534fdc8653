// Steps 4 to 11 (envelope.md §11). `keys`: kid → {alg, public}; `sealing`: authority → kid; `now`: microseconds.
import { Refusal, utf8 } from "./bytes.mjs";
import { parseTime } from "./header.mjs";
import { digest, verifies } from "./primitives.mjs";

const SKEW_US = 120_000_000n;

export async function verifyEnvelope(received, { exchange, now, keys, sealing, wrapsFor, skewUs = SKEW_US }) {
  const { header, jws, manifest } = received;
  for (const one of jws.signatures) {
    if (one.kid.split("#")[0] !== header.sender) throw new Refusal("envelope.key-foreign", one.kid);
    if (keys.get(one.kid)?.alg !== one.alg) throw new Refusal("envelope.key-unknown", one.kid);
  }
  for (const one of jws.signatures) {
    const covered = utf8(`${one.protected}.${jws.payload}`);
    if (!(await verifies(one.alg, keys.get(one.kid).public, one.value, covered))) {
      throw new Refusal("envelope.signature-invalid", one.alg);
    }
  }
  if (header.exchange !== exchange) throw new Refusal("envelope.wrong-exchange", header.exchange);
  if (now >= parseTime(header.expires_at)) throw new Refusal("envelope.expired", header.expires_at);
  if (parseTime(header.sent_at) > now + skewUs) throw new Refusal("envelope.future-dated", header.sent_at);
  const expected = [...header.recipients, header.sender].map((authority) => sealing.get(authority));
  if (JSON.stringify(expected) !== JSON.stringify(manifest.recipients.map((one) => one.kid))) {
    throw new Refusal("envelope.recipients-mismatch", "other keys, or another order");
  }
  verifyWraps(received, wrapsFor);
  verifyParts(received);
  return received;
}

function verifyWraps({ manifest, wraps }, wrapsFor) {
  const listed = new Map(manifest.recipients.map((one) => [one.kid, one.wrap_sha256]));
  for (const kid of wrapsFor ?? listed.keys()) {
    if (!wraps.has(kid)) throw new Refusal("envelope.wrap-mismatch", kid);
  }
  for (const [kid, wrap] of wraps) {
    if (listed.get(kid) !== digest(wrap)) throw new Refusal("envelope.wrap-mismatch", kid);
  }
}

function verifyParts({ manifest, parts }) {
  const listed = new Map(manifest.parts.map((one) => [one.name, one]));
  for (const [name, ct] of parts) {
    const part = listed.get(name);
    if (part === undefined || part.ct_len !== ct.length || part.ct_sha256 !== digest(ct)) {
      throw new Refusal("envelope.part-mismatch", name);
    }
  }
}
