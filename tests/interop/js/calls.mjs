// Signed calls and receipts (api-signatures.md).
import { fromB64u, Refusal, same, toB64u, utf8 } from "./bytes.mjs";
import { kidOf, publicOf, random, sha256, sign, verifies } from "./primitives.mjs";
import { parseTime } from "./header.mjs";
import { canonicalJson, isObject, parseStrictJson } from "./strict_json.mjs";

const TAG = "comity-v1";
const LABEL = "comity";
const ALWAYS = ["@method", "@authority", "@target-uri"];
const CONTENT = ["content-type", "content-digest"];
const PARAMETERS = ["alg", "created", "expires", "keyid", "nonce", "tag"];
const LIFE_S = 60;
const SKEW_US = 10_000_000n;
const LAST_SECOND = 253402300799;

const invalid = (why) => new Refusal("call.signature-invalid", why);
const base64 = (raw) => Buffer.from(raw).toString("base64");
export const contentDigest = (body) => `sha-256=:${base64(sha256(body))}:`;
export const coveredOf = (hasBody) => (hasBody ? [...ALWAYS, ...CONTENT] : ALWAYS);

// ---- signing

export async function signCall({ method, url, body, contentType, seed, keyid, created }) {
  const hasBody = body.length > 0;
  const headers = hasBody ? { "Content-Type": contentType, "Content-Digest": contentDigest(body) } : {};
  const names = coveredOf(hasBody).map((name) => `"${name}"`).join(" ");
  const nonce = toB64u(random(16));
  const member = `(${names});created=${created};expires=${created + LIFE_S};nonce="${nonce}";keyid="${keyid}";alg="ed25519";tag="${TAG}"`;
  const base = signatureBase(readOurs(member), method, url, lowered(Object.entries(headers)));
  headers["Signature-Input"] = `${LABEL}=${member}`;
  headers.Signature = `${LABEL}=:${base64(await sign("Ed25519", seed, utf8(base)))}:`;
  return headers;
}

// ---- verifying: `headers` is a list of pairs, `keys` kid → raw Ed25519 key, `now` microseconds

export async function verifyCall({ method, url, headers, hasBody, keys, now }) {
  const fields = lowered(headers);
  const { input, signature } = oursOf(fields);
  const ours = readOurs(input);
  const key = keys.get(ours.parameters.keyid);
  if (key === undefined) throw new Refusal("call.key-unknown", String(ours.parameters.keyid));
  checkProfile(ours, hasBody);
  const base = signatureBase(ours, method, url, fields);
  if (!(await verifies("Ed25519", key, readSignature(signature), utf8(base)))) throw invalid("of another key or call");
  checkTimes(ours.parameters, now);
  return {
    keyid: ours.parameters.keyid,
    base,
    text: `${base}\nsignature: ${toB64u(readSignature(signature))}`,
    digest: hasBody ? fields.get("content-digest") : undefined,
  };
}

export function verifyBody(call, body) {
  const found = body.length > 0 ? contentDigest(body) : undefined;
  if (call.digest !== found) throw new Refusal("call.digest-mismatch", "another body");
}

function lowered(headers) {
  const fields = new Map();
  for (const [given, raw] of headers) {
    const name = given.toLowerCase();
    const value = raw.replace(/^[ \t]+|[ \t]+$/g, "");
    fields.set(name, fields.has(name) ? `${fields.get(name)}, ${value}` : value);
  }
  return fields;
}

function oursOf(fields) {
  const [input, signature] = ["signature-input", "signature"].map((name) => fields.get(name) ?? "");
  if (input.length > 4096 || signature.length > 4096) throw invalid("a field of more than 4096 characters");
  if (!input.includes(`tag="${TAG}"`) || signature === "") throw new Refusal("call.unsigned", "no signature with our tag");
  const [inputs, signatures] = [input, signature].map(readDictionary);
  const tagged = [...inputs].filter(([, member]) => member.includes(`;tag="${TAG}"`)).map(([label]) => label);
  if (tagged.length !== 1 || tagged[0] !== LABEL || !signatures.has(LABEL)) throw invalid("not one signature, labelled comity");
  return { input: inputs.get(LABEL), signature: signatures.get(LABEL) };
}

function readDictionary(field) {
  const members = new Map();
  const one = /[ \t]*([a-z*][a-z0-9_.*-]*)=((?:[^",\\]|"(?:[^"\\]|\\["\\])*")*)(,|$)/y;
  for (let more = ","; more === ","; ) {
    const found = one.exec(field);
    if (found === null || members.has(found[1])) throw invalid("no dictionary, or a label twice");
    members.set(found[1], found[2].replace(/[ \t]+$/, ""));
    more = found[3];
  }
  return members;
}

function readOurs(member) {
  const found = /^\(((?:"[^"\n]*"(?: "[^"\n]*")*)?)\)((?:;[a-z]+=(?:[0-9]{1,15}|"[^"\\\n]*"))*)$/.exec(member);
  if (found === null) throw invalid("no list in its serialized form");
  const components = found[1] === "" ? [] : found[1].slice(1, -1).split('" "');
  const parameters = Object.create(null);
  for (const [, name, digits, text] of found[2].matchAll(/;([a-z]+)=(?:([0-9]+)|"([^"]*)")/g)) {
    if (name in parameters) throw invalid("a parameter twice");
    parameters[name] = digits === undefined ? text : Number(digits);
  }
  return { components, parameters, text: member };
}

function checkProfile({ components, parameters }, hasBody) {
  if (Object.keys(parameters).sort().join() !== PARAMETERS.join()) throw invalid("other parameters");
  if (parameters.alg !== "ed25519" || parameters.tag !== TAG) throw invalid("another alg or tag");
  if (!/^[A-Za-z0-9_-]{22,86}$/.test(parameters.nonce)) throw invalid("its nonce");
  if (hasBody !== undefined && [...components].sort().join() !== [...coveredOf(hasBody)].sort().join()) throw invalid("other components");
}

function signatureBase({ components, text }, method, url, fields) {
  const address = /^(https?):\/\/([A-Za-z0-9.\-:[\]]+)([/?][\x21-\x7e]*)?$/.exec(url);
  if (address === null) throw invalid("no encoded absolute URL");
  const authority = address[2].toLowerCase().replace(address[1] === "https" ? /:443$/ : /:80$/, "");
  const values = new Map([...CONTENT.filter((name) => fields.has(name)).map((name) => [name, fields.get(name)]),
    ["@method", method], ["@authority", authority], ["@target-uri", url]]);
  const lines = components.map((name) => {
    const value = values.get(name);
    if (value === undefined || !/^[\x00-\x09\x0b\x0c\x0e-\x7f]*$/.test(value)) throw invalid(`the call has no ${name}`);
    return `"${name}": ${value}\n`;
  });
  return `${lines.join("")}"@signature-params": ${text}`;
}

function readSignature(member) {
  const found = /^:([A-Za-z0-9+/]*={0,2}):$/.exec(member);
  const raw = found && Buffer.from(found[1], "base64");
  if (!found || raw.toString("base64") !== found[1]) throw invalid("no canonical base64");
  return new Uint8Array(raw);
}

function secondsOf(value) {
  if (!Number.isSafeInteger(value) || value > LAST_SECOND) throw invalid("created or expires");
  return value;
}

function checkTimes(parameters, now) {
  const [created, expires] = [secondsOf(parameters.created), secondsOf(parameters.expires)];
  if (expires - created < 1 || expires - created > LIFE_S) throw invalid("its life");
  const [begin, end] = [created, expires].map((seconds) => BigInt(seconds) * 1_000_000n);
  if (now < begin - SKEW_US || now > end + SKEW_US) throw new Refusal("call.clock-skew", "another time");
}

// ---- the text that an evidence keeps

export async function verifyText(text, keys) {
  if (text.length > 16384) throw invalid("too long");
  const end = text.lastIndexOf("\nsignature: ");
  const base = text.slice(0, Math.max(end, 0));
  const params = base.lastIndexOf('\n"@signature-params": ');
  if (end < 0 || params < 0) throw invalid("its last lines");
  const components = new Map();
  for (const line of base.slice(0, params).split("\n")) {
    const found = /^"([^"\n]*)": ([^\n]*)$/.exec(line);
    if (found === null || components.has(found[1])) throw invalid("a line");
    components.set(found[1], found[2]);
  }
  const ours = readOurs(base.slice(params + 22));
  if (ours.components.join('"') !== [...components.keys()].join('"')) throw invalid("its list");
  const signature = fromB64u(text.slice(end + 12));
  if (signature?.length !== 64) throw invalid("its signature");
  secondsOf(ours.parameters.created);
  secondsOf(ours.parameters.expires);
  checkProfile(ours, components.has("content-digest"));
  const key = keys.get(ours.parameters.keyid);
  if (key === undefined) throw new Refusal("call.key-unknown", ours.parameters.keyid);
  if (!(await verifies("Ed25519", key, signature, utf8(base)))) throw invalid("of another key or text");
  return { keyid: ours.parameters.keyid, target: components.get("@target-uri"), created: ours.parameters.created };
}

// ---- what the gateway signs: receipts, and statements about the directory

const TIMES = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;
const isText = (one) => typeof one === "string";
const isTime = (one) => isText(one) && TIMES.test(one) && parseTime(one) !== undefined;
const headOf = (typ, raw) => toB64u(utf8(canonicalJson({ alg: "Ed25519", kid: kidOf("exchange/gateway", raw), typ })));

async function signMembers(typ, members, seed) {
  const signed = `${headOf(typ, publicOf("Ed25519", seed))}.${toB64u(utf8(canonicalJson(members)))}`;
  return `${signed}.${toB64u(await sign("Ed25519", seed, utf8(signed)))}`;
}

async function verifyMembers(typ, code, text, raw, fits) {
  const refused = (why) => new Refusal(code, why);
  const [head, payload, last, ...more] = text.split(".");
  if (text.length > 4096 || more.length > 0 || head !== headOf(typ, raw)) throw refused("its form or its key");
  const signature = fromB64u(last);
  if (signature?.length !== 64 || !(await verifies("Ed25519", raw, signature, utf8(`${head}.${payload}`)))) {
    throw refused("its signature");
  }
  let members;
  try {
    members = parseStrictJson(fromB64u(payload));
  } catch {
    throw refused("its payload");
  }
  if (!isObject(members) || !same(utf8(canonicalJson(members)), fromB64u(payload)) || !fits(members)) throw refused("its payload");
  return members;
}

const named = (members, names) => Object.keys(members).sort().join() === names.join();

const isReceipt = (members) =>
  named(members, ["decide_by", "envelope_sha256", "exchange", "message", "received_at", "sender"])
  && Object.values(members).every(isText) && [members.decide_by, members.received_at].every(isTime);

const isNumbered = (number, digest) => Number.isInteger(number) && number >= 0 && (number === 0 ? digest === null : isText(digest));

const isStatement = (members) =>
  named(members, ["at", "exchange", "head", "index", "registry", "registry_digest"])
  && isText(members.exchange) && isTime(members.at)
  && isNumbered(members.index, members.head) && isNumbered(members.registry, members.registry_digest);

export const signReceipt = (members, seed) => signMembers("comity-receipt", members, seed);
export const verifyReceipt = (text, raw) => verifyMembers("comity-receipt", "client.receipt-invalid", text, raw, isReceipt);
export const verifyStatement = (text, raw) => verifyMembers("comity-directory", "client.directory-undated", text, raw, isStatement);
