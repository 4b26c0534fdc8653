// The header's closed table (envelope.md §3).
import { Refusal } from "./bytes.mjs";
import { isObject, NotStrictJson, parseStrictJson } from "./strict_json.mjs";

export const SUITE = "comity-env/1";
export const ALGORITHMS = ["Ed25519", "ML-DSA-65"];
const MAX_HEADER_BYTES = 16384;
const MAX_RECIPIENTS = 199;
const MAX_LIFETIME_US = 90n * 86_400_000_000n;

export const AUTHORITY = /^[A-Z]{2}\.[A-Z0-9]{2,16}$/;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const CODE = /^[a-z0-9][a-z0-9.:()+-]{0,63}$/;
const MEASURE = /^M[1-9][0-9]{0,2}$/;
export const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{6}))?Z$/;

// Microseconds since 1970 as BigInt, or undefined.
export function parseTime(text) {
  const found = typeof text === "string" ? TIME.exec(text) : null;
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  if (year < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return BigInt(date.getTime()) * 1000n + BigInt(found[7] ?? 0);
}

const text = (pattern) => (node) => typeof node === "string" && pattern.test(node);
const between = (least, most) => (node) => typeof node === "string" && [...node].length >= least && [...node].length <= most;
const orNull = (is) => (node) => node === null || is(node);
const listOf = (is, least, most) => (node) => Array.isArray(node) && node.length >= least && node.length <= most && node.every(is);
const mapOf = (isName, isValue, most) => (node) =>
  isObject(node) && Object.keys(node).length <= most && Object.entries(node).every(([name, value]) => isName(name) && isValue(value));
const oneOf = (...values) => (node) => values.includes(node);

const BASIS = { primary: text(CODE), cited: listOf(text(CODE), 0, 10), group: orNull(text(CODE)) };

const FIELDS = {
  v: oneOf(1),
  suite: between(0, 64),
  exchange: between(1, 128),
  id: text(ID),
  dossier: text(ID),
  profile: text(CODE),
  kind: text(CODE),
  sender: text(AUTHORITY),
  recipients: listOf(text(AUTHORITY), 1, MAX_RECIPIENTS),
  leg: orNull(text(AUTHORITY)),
  measures: mapOf(text(MEASURE), text(CODE), 50),
  basis: orNull(mapOf(text(AUTHORITY), (node) => checkMembers(node, BASIS, "basis"), 199)),
  urgency: oneOf("routine", "urgent", "emergency"),
  handling: listOf(text(CODE), 0, 10),
  in_reply_to: orNull(text(ID)),
  seen: orNull(text(DIGEST)),
  sent_at: (node) => parseTime(node) !== undefined,
  expires_at: (node) => parseTime(node) !== undefined,
  required_sigs: listOf((node) => typeof node === "string", 0, 4),
  act: isObject,
};

function checkMembers(node, table, where) {
  if (!isObject(node)) throw malformed(`${where} is no object`);
  for (const [name, is] of Object.entries(table)) {
    if (!(name in node)) throw malformed(`${where} lacks ${name}`);
    if (!is(node[name])) throw malformed(`${where}.${name}`);
  }
  for (const name of Object.keys(node)) {
    if (!Object.hasOwn(table, name)) throw new Refusal("envelope.unknown-field", `${where}.${name}`);
  }
  return true;
}

const malformed = (why) => new Refusal("envelope.malformed", why);

export function parseHeader(raw) {
  if (raw.length > MAX_HEADER_BYTES) throw new Refusal("envelope.too-large", "header");
  let header;
  try {
    header = parseStrictJson(raw);
  } catch (broken) {
    if (broken instanceof NotStrictJson) throw malformed(`the header: ${broken.message}`);
    throw broken;
  }
  if (isObject(header) && Array.isArray(header.recipients) && header.recipients.length > MAX_RECIPIENTS) {
    throw new Refusal("envelope.too-large", "recipients");
  }
  checkMembers(header, FIELDS, "header");
  if (header.suite !== SUITE || JSON.stringify(header.required_sigs) !== JSON.stringify(ALGORITHMS)) {
    throw new Refusal("envelope.downgraded", "suite or required_sigs");
  }
  if (header.recipients.includes(header.sender)) throw malformed("the sender among the recipients");
  if (new Set(header.recipients).size !== header.recipients.length) throw malformed("a recipient twice");
  if (parseTime(header.expires_at) <= parseTime(header.sent_at)) throw malformed("it expires before it is sent");
  if (parseTime(header.expires_at) - parseTime(header.sent_at) > MAX_LIFETIME_US) {
    throw new Refusal("envelope.lives-too-long", header.expires_at);
  }
  return header;
}
