// Steps 1 to 3 of the verification: from the bytes of a submission to an envelope of which nothing is proven
// (envelope.md §7, §8, §9, §11).
import { fromB64u, Refusal, toB64u, utf8 } from "./bytes.mjs";
import { ALGORITHMS, DIGEST, parseHeader } from "./header.mjs";
import { digest } from "./primitives.mjs";
import { isObject, NotStrictJson, parseStrictJson } from "./strict_json.mjs";

export const LIMITS = {
  wraps: 200,
  parts: 64,
  jws: 60000,
  inlinePart: 262144,
  inline: 1048576,
  submission: 1572864,
};
const WRAP_BYTES = 1168;
const KID = /^(?:operator|exchange\/[a-z][a-z0-9-]{0,31}|[A-Z]{2}\.[A-Z0-9]{2,16})#[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
export const TYP = "comity-env-1+jws";

const malformed = (why) => new Refusal("envelope.malformed", why);
const tooLarge = (what) => new Refusal("envelope.too-large", what);
export const partName = (index) => (index === 0 ? "body" : `p${index}`);

export function readDocument(raw, where) {
  try {
    return parseStrictJson(raw);
  } catch (broken) {
    if (broken instanceof NotStrictJson) throw malformed(`${where}: ${broken.message}`);
    throw broken;
  }
}

export function readObject(node, names, where) {
  if (!isObject(node)) throw malformed(`${where} is no object`);
  if (names.some((name) => !(name in node)) || Object.keys(node).length !== names.length) {
    throw malformed(`${where} has exactly ${names.join(", ")}`);
  }
  return node;
}

export function readList(node, most, where) {
  if (!Array.isArray(node)) throw malformed(`${where} is no list`);
  if (node.length > most) throw tooLarge(where);
  return node;
}

export function readText(node, where) {
  if (typeof node !== "string") throw malformed(`${where} is no text`);
  return node;
}

function readBytes(node, where, length) {
  const raw = fromB64u(node);
  if (raw === undefined || (length !== undefined && raw.length !== length)) throw malformed(where);
  return raw;
}

export function readDigest(node, where) {
  if (!DIGEST.test(readText(node, where))) throw malformed(`${where} is no digest`);
  return node;
}

export function readSize(node, where) {
  if (!Number.isSafeInteger(node) || node < 0) throw malformed(`${where} is no size`);
  return node;
}

// ---- JWS

export const protectedText = (alg, kid) => toB64u(utf8(`{"alg":"${alg}","kid":"${kid}","typ":"${TYP}"}`));

export function encodeJws(payload, signatures) {
  const listed = signatures.map((one) => `{"protected":"${one.protected}","signature":"${toB64u(one.value)}"}`);
  return utf8(`{"payload":"${payload}","signatures":[${listed.join(",")}]}`);
}

function readSignature(node) {
  const members = readObject(node, ["protected", "signature"], "a signature");
  const raw = readBytes(members.protected, "protected");
  const { alg, kid } = readObject(readDocument(raw, "protected"), ["alg", "kid", "typ"], "protected");
  readText(kid, "kid");
  if (!ALGORITHMS.includes(readText(alg, "alg"))) throw new Refusal("envelope.downgraded", "alg");
  if (!KID.test(kid) || members.protected !== protectedText(alg, kid)) throw malformed("protected is not in its one form");
  return { alg, kid, protected: members.protected, value: readBytes(members.signature, "signature") };
}

function readJws(node) {
  const document = readObject(node, ["payload", "signatures"], "the JWS");
  readText(document.payload, "payload");
  const signatures = readList(document.signatures, 2, "signatures").map(readSignature);
  for (const alg of ALGORITHMS) {
    if (!signatures.some((one) => one.alg === alg)) throw new Refusal("envelope.signature-missing", alg);
  }
  if (signatures[0].alg !== ALGORITHMS[0]) throw malformed("the signatures stand in another order");
  const manifestBytes = readBytes(document.payload, "payload");
  const encoded = encodeJws(document.payload, signatures);
  if (encoded.length > LIMITS.jws) throw tooLarge("JWS");
  return { payload: document.payload, signatures, encoded, digest: digest(encoded), manifestBytes };
}

// ---- manifest

function readManifest(raw) {
  const members = ["header", "key_commit", "parts", "recipients"];
  const document = readObject(readDocument(raw, "the manifest"), members, "the manifest");
  const manifest = {
    keyCommit: readBytes(document.key_commit, "key_commit", 32),
    header: readBytes(document.header, "header"),
    parts: readList(document.parts, LIMITS.parts, "parts").map((item, index) => {
      const part = readObject(item, ["name", "ct_sha256", "ct_len"], "a part");
      if (part.name !== partName(index)) throw malformed("a part's name");
      readDigest(part.ct_sha256, "ct_sha256");
      readSize(part.ct_len, "ct_len");
      return part;
    }),
    recipients: readList(document.recipients, LIMITS.wraps, "recipients").map((item) => {
      const one = readObject(item, ["kid", "wrap_sha256"], "a recipient");
      readText(one.kid, "kid");
      readDigest(one.wrap_sha256, "wrap_sha256");
      return one;
    }),
  };
  if (manifest.parts.length === 0) throw malformed("it has no body");
  if (new Set(manifest.recipients.map((one) => one.kid)).size !== manifest.recipients.length) throw malformed("a kid twice");
  return manifest;
}

// ---- what lies beside

function readWraps(node) {
  const wraps = new Map();
  for (const item of readList(node, LIMITS.wraps, "wraps")) {
    const { kid, wrap } = readObject(item, ["kid", "wrap"], "a wrap");
    readText(kid, "kid");
    const raw = readBytes(wrap, "wrap", WRAP_BYTES);
    if (wraps.has(kid)) throw malformed("a wrap twice");
    wraps.set(kid, raw);
  }
  return wraps;
}

function readParts(node) {
  const parts = new Map();
  let total = 0;
  for (const item of readList(node, LIMITS.parts, "parts")) {
    const { name, ct } = readObject(item, ["name", "ct"], "a part");
    readText(name, "name");
    const raw = readBytes(ct, "ct");
    if (parts.has(name)) throw malformed("a part twice");
    if (raw.length > LIMITS.inlinePart) throw tooLarge("a part");
    parts.set(name, raw);
    total += raw.length;
  }
  if (total > LIMITS.inline) throw tooLarge("parts");
  return parts;
}

export function parseSubmission(raw) {
  if (raw.length > LIMITS.submission) throw tooLarge("submission");
  const document = readObject(readDocument(raw, "the submission"), ["jws", "wraps", "parts"], "the submission");
  const jws = readJws(document.jws);
  const wraps = readWraps(document.wraps);
  const parts = readParts(document.parts);
  const manifest = readManifest(jws.manifestBytes);
  return { jws, wraps, parts, manifest, header: parseHeader(manifest.header) };
}

// The canonical JWS as the ledger keeps it, with nothing beside it.
export function parseJws(raw) {
  if (raw.length > LIMITS.jws) throw tooLarge("JWS");
  const jws = readJws(readDocument(raw, "the JWS"));
  if (!Buffer.from(jws.encoded).equals(Buffer.from(raw))) throw malformed("the JWS is not in its canonical form");
  const manifest = readManifest(jws.manifestBytes);
  return { jws, wraps: new Map(), parts: new Map(), manifest, header: parseHeader(manifest.header) };
}
