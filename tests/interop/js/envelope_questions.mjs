// What a test may ask about envelopes. Byte strings are base64url, texts of documents are texts.
import { fromB64u, toB64u, utf8 } from "./bytes.mjs";
import { parseTime } from "./header.mjs";
import { openMessage, openPart } from "./opening.mjs";
import { parseJws, parseSubmission } from "./reading.mjs";
import { sealMessage } from "./sealing.mjs";
import { verifyEnvelope } from "./verifying.mjs";

const mapOf = (members, change) => new Map(Object.entries(members).map(([name, value]) => [name, change(value)]));
const listed = (attachments) => attachments.map(({ name, media_type, data }) => ({ name, media_type, data: toB64u(data) }));

// The circumstances: who may sign with what, who is sealed to under which kid, where, and when.
const circumstances = ({ keys, sealing, exchange, now }) => ({
  keys: mapOf(keys, ({ alg, raw }) => ({ alg, public: fromB64u(raw) })),
  sealing: mapOf(sealing, (kid) => kid),
  exchange,
  now: parseTime(now),
});

export async function open({ submission, circumstances: given, kid, seed, uploaded = {} }, stage) {
  stage.at = "parse";
  const received = parseSubmission(fromB64u(submission));
  for (const [name, ct] of Object.entries(uploaded)) received.parts.set(name, fromB64u(ct));
  stage.at = "verify";
  await verifyEnvelope(received, circumstances(given));
  stage.at = "open";
  const opened = await openMessage(received, kid, fromB64u(seed));
  return { digest: received.jws.digest, content: opened.content, attachments: listed(opened.attachments) };
}

// One disclosed part, by who has the JWS of the ledger, the ciphertext and that part's key.
export async function disclosed({ jws, circumstances: given, name, ct, key }) {
  const received = parseJws(utf8(jws));
  received.parts.set(name, fromB64u(ct));
  await verifyEnvelope(received, { ...circumstances(given), wrapsFor: [] });
  return toB64u(await openPart(received, name, fromB64u(key)));
}

export async function seal({ header, content, attachments, seeds, sealing, fixed }) {
  const documents = attachments.map((one) => ({ ...one, data: fromB64u(one.data) }));
  const drawn = fixed && {
    secret: fromB64u(fixed.secret),
    salts: fixed.salts.map(fromB64u),
    encapsulations: fixed.encapsulations.map(fromB64u),
  };
  const keys = Object.fromEntries(Object.entries(seeds).map(([alg, seed]) => [alg, fromB64u(seed)]));
  const sealed = await sealMessage(utf8(header), content, documents, keys, mapOf(sealing, fromB64u), drawn);
  const uploads = Object.fromEntries(sealed.uploads.map(({ name, ct }) => [name, toB64u(ct)]));
  return { submission: toB64u(sealed.submission), digest: sealed.digest, uploads };
}
