// Sealing (envelope.md §13). `fixed` makes vectors: it gives every byte that is otherwise drawn at random.
import { join, Refusal, toB64u, unsigned, utf8 } from "./bytes.mjs";
import { ALGORITHMS, parseHeader } from "./header.mjs";
import { contextOf, keyCommit, paddedLength, partContext, partKey, readBody, wrapInfo } from "./opening.mjs";
import { cobblestoneSeal, digest, hpkeSeal, kidOf, publicOf, random, sign, xwingPublic } from "./primitives.mjs";
import { encodeJws, LIMITS, partName, protectedText } from "./reading.mjs";

const pad = (plaintext) => join(unsigned(plaintext.length, 8), plaintext, new Uint8Array(paddedLength(plaintext.length) - 8 - plaintext.length));

// `header`: exact bytes; `keys`: the sender's seeds by algorithm; `sealing`: authority → raw X-Wing key.
export async function sealMessage(header, content, attachments, keys, sealing, fixed) {
  const stated = parseHeader(header);
  const recipients = stated.recipients.map((authority) => {
    const raw = sealing.get(authority);
    if (raw === undefined) throw new Refusal("envelope.recipients-mismatch", authority);
    return { kid: kidOf(authority, raw), raw };
  });
  const own = await xwingPublic(keys["X-Wing"]);
  recipients.push({ kid: kidOf(stated.sender, own), raw: own });
  if (attachments.length >= LIMITS.parts) throw new Refusal("envelope.too-large", "attachments");

  const entries = attachments.map(({ name, media_type, data }, index) => ({
    part: partName(index + 1), name, media_type, size: data.length, sha256: digest(data),
  }));
  const body = utf8(JSON.stringify({ v: 1, kind: stated.kind, act: stated.act, content, attachments: entries }));
  readBody(body);

  const secret = fixed?.secret ?? random(32);
  const context = contextOf(header);
  const parts = [];
  for (const [index, plaintext] of [body, ...attachments.map((one) => one.data)].entries()) {
    const name = partName(index);
    const key = partKey(secret, context, name);
    parts.push({ name, ct: await cobblestoneSeal(key, partContext(context, name), pad(plaintext), fixed?.salts[index]) });
  }
  const wraps = [];
  for (const [index, { kid, raw }] of recipients.entries()) {
    wraps.push({ kid, wrap: await hpkeSeal(raw, wrapInfo(context, kid), secret, fixed?.encapsulations[index]) });
  }
  const manifest = utf8(JSON.stringify({
    header: toB64u(header),
    key_commit: toB64u(keyCommit(secret, context)),
    parts: parts.map(({ name, ct }) => ({ name, ct_sha256: digest(ct), ct_len: ct.length })),
    recipients: wraps.map(({ kid, wrap }) => ({ kid, wrap_sha256: digest(wrap) })),
  }));
  const jws = await signManifest(manifest, stated.sender, keys, fixed !== undefined);
  const inline = partsThatFit(parts, LIMITS.submission - submissionOf(jws, wraps, []).length);
  const uploads = parts.filter((one) => !inline.includes(one));
  return { submission: submissionOf(jws, wraps, inline), digest: digest(jws), uploads };
}

function partsThatFit(parts, room) {
  const inline = [];
  let [left, total] = [room, 0];
  for (const part of parts) {
    const cost = Math.ceil((part.ct.length * 4) / 3) + `{"name":"${part.name}","ct":""},`.length;
    if (part.ct.length <= LIMITS.inlinePart && total + part.ct.length <= LIMITS.inline && cost <= left) {
      inline.push(part);
      total += part.ct.length;
      left -= cost;
    }
  }
  return inline;
}

async function signManifest(manifest, sender, keys, deterministic) {
  const payload = toB64u(manifest);
  const signatures = [];
  for (const alg of ALGORITHMS) {
    const covered = protectedText(alg, kidOf(sender, publicOf(alg, keys[alg])));
    const value = await sign(alg, keys[alg], utf8(`${covered}.${payload}`), deterministic);
    signatures.push({ protected: covered, value });
  }
  const jws = encodeJws(payload, signatures);
  if (jws.length > LIMITS.jws) throw new Refusal("envelope.too-large", "JWS");
  return jws;
}

function submissionOf(jws, wraps, parts) {
  const beside = {
    wraps: wraps.map(({ kid, wrap }) => ({ kid, wrap: toB64u(wrap) })),
    parts: parts.map(({ name, ct }) => ({ name, ct: toB64u(ct) })),
  };
  const body = join(utf8('{"jws":'), jws, utf8(`,${JSON.stringify(beside).slice(1)}`));
  if (body.length > LIMITS.submission) throw new Refusal("envelope.too-large", "submission");
  return body;
}
