// Key events, and the directory that they add up to (keys.md §1 to §4).
import { fromB64u, join, Refusal, utf8, ZERO } from "./bytes.mjs";
import { parseSignedDocument, strict, verifyQuorum } from "./frames.mjs";
import { AUTHORITY, DIGEST, parseTime } from "./header.mjs";
import { digest as digestOf, isSoundKey, kidOf, verifies } from "./primitives.mjs";
import { isObject } from "./strict_json.mjs";

const DAY_US = 86_400_000_000n;
const OVERLAP_US = 7n * DAY_US;
const WAIT_US = 3n * DAY_US;
const ALG = { "sign-ed25519": "Ed25519", "sign-mldsa65": "ML-DSA-65", "seal-xwing": "X-Wing", "api-ed25519": "Ed25519" };
const USES = { authority: Object.keys(ALG), auditor: ["api-ed25519"] };
const MEMBERS = ["at", "country", "exchange", "keys", "mandate", "name", "party", "prev", "role", "seq", "type", "v"];
const TYPES = ["enrol", "rotate", "recover", "suspend", "reinstate", "compromise"];
const INVISIBLE = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u00a0\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890-\\u0891\\u08e2\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f" +
    "\\u205f-\\u206f\\u3000\\ud800-\\uf8ff\\ufeff\\ufff9-\\ufffb\\u{110bd}\\u{110cd}\\u{13430}-\\u{1343f}" +
    "\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}\\u{f0000}-\\u{10ffff}]",
  "u",
);

const refused = (why) => new Refusal("keys.event-refused", why);

function need(holds, why) {
  if (!holds) throw refused(why);
}

const closed = (node, names) => isObject(node) && Object.keys(node).sort().join() === [...names].sort().join();
const text = (node, least, most) => typeof node === "string" && [...node].length >= least && [...node].length <= most;
const fits = (node, pattern) => typeof node === "string" && pattern.test(node);
const named = (node, table) => typeof node === "string" && Object.hasOwn(table, node);
const time = (node) => parseTime(node) !== undefined;

// ---- the closed format

function readDocument(raw) {
  const event = strict(raw, refused);
  const isCompromise = isObject(event) && event.type === "compromise";
  need(closed(event, isCompromise ? [...MEMBERS, "compromise"] : MEMBERS), "its members");
  need(event.v === "comity-key-event/1" && TYPES.includes(event.type) && text(event.exchange, 1, 128), "v, type, exchange");
  need(Number.isSafeInteger(event.seq) && event.seq >= 1 && time(event.at) && fits(event.party, AUTHORITY), "seq, at, party");
  need(event.prev === null || fits(event.prev, DIGEST), "prev");
  need(Array.isArray(event.keys) && event.keys.length <= 4, "keys");
  event.keys.forEach(checkEntry);
  const uses = event.keys.map((one) => one.use);
  need(new Set(uses).size === uses.length, "a use twice");
  if (event.type === "enrol") checkEnrolment(event, uses);
  else {
    need([event.role, event.mandate, event.name, event.country].every((one) => one === null), "members of an enrolment");
    need(uses.length > 0 === ["rotate", "recover"].includes(event.type), "keys of this type");
  }
  if (isCompromise) checkCompromise(event.compromise);
  return event;
}

function checkEnrolment(event, uses) {
  need(named(event.role, USES), "role");
  need(event.role === "auditor" ? ["full", "country"].includes(event.mandate) : event.mandate === null, "mandate");
  need(closed(event.name, ["official", "languages"]) && isObject(event.name.languages), "name");
  const languages = Object.entries(event.name.languages);
  need(languages.length <= 40 && languages.every(([code]) => /^[a-z]{2,3}$/.test(code)), "languages");
  for (const name of [event.name.official, ...languages.map(([, one]) => one)]) {
    need(text(name, 1, 200) && !INVISIBLE.test(name) && !/^ | $/.test(name), "a name");
  }
  need(text(event.country, 2, 2) && /^[A-Z]{2}$/.test(event.country) && event.party.startsWith(`${event.country}.`), "country");
  need([...uses].sort().join() === [...USES[event.role]].sort().join(), "the uses of its role");
}

function checkEntry(entry) {
  need(closed(entry, ["use", "public", "not_before", "not_after", "proof"]) && named(entry.use, ALG), "an entry");
  need(text(entry.public, 0, 4000) && time(entry.not_before) && time(entry.not_after), "an entry");
  const life = parseTime(entry.not_after) - parseTime(entry.not_before);
  need(life > 0n && life <= 1096n * DAY_US, "its window");
  const { proof } = entry;
  need(Array.isArray(proof) && proof.length >= 1 && proof.length <= 2 && proof.every((one) => text(one, 0, 8000)), "its proof");
}

function checkCompromise(compromise) {
  need(closed(compromise, ["kids", "since"]) && time(compromise.since) && Array.isArray(compromise.kids), "compromise");
  const { kids } = compromise;
  need(kids.length >= 1 && kids.length <= 16 && kids.every((one) => text(one, 1, 100)), "its kids");
}

// ---- verification and the fold

// `logged`: when the ledger logged each recovery, by its number; `compared`: kids that need not wait.
export class Directory {
  constructor(exchange, logged = new Map(), compared = []) {
    Object.assign(this, { logged, compared: new Set(compared) });
    Object.assign(this, { exchange, index: 0, head: null, lastAt: undefined, parties: new Map(), raws: new Map() });
  }

  async admit(raw, operators, quorum) {
    const signed = parseSignedDocument(raw, refused);
    const event = readDocument(signed.document);
    this.checkPlace(event);
    this.checkParty(event);
    if (event.type === "rotate") await this.verifyOwnSignatures(signed, event);
    else await verifyQuorum(signed, "comity-key-event/1", operators, quorum, refused);
    const keys = this.acceptKeys(event, operators);
    for (const key of keys) await this.verifyPossession(event, key, keys);
    this.apply(event, keys, signed.digest);
    return signed.digest;
  }

  checkPlace(event) {
    need(event.exchange === this.exchange && event.seq === this.index + 1 && event.prev === this.head, "its place");
    need(this.lastAt === undefined || parseTime(event.at) >= this.lastAt, "its time");
  }

  checkParty(event) {
    const party = this.parties.get(event.party);
    if (event.type === "enrol") return need(party === undefined, "enrolled already");
    need(party !== undefined, "not enrolled");
    need(!(party.suspended && ["rotate", "suspend"].includes(event.type)), "suspended");
    need(party.suspended || event.type !== "reinstate", "not suspended");
    need(party.role !== "auditor" || event.keys.every((one) => one.use === "api-ed25519"), "an auditor's key");
    if (event.compromise) this.checkStolen(event, party);
    return undefined;
  }

  checkStolen({ at, compromise: { kids, since } }, party) {
    need(parseTime(since) <= parseTime(at) && new Set(kids).size === kids.length, "its point of time, or a kid twice");
    for (const kid of kids) {
      const key = party.keys.find((one) => one.kid === kid);
      need(key !== undefined && (key.since === undefined || parseTime(since) < key.since), "a kid");
    }
  }

  async verifyOwnSignatures(signed, event) {
    const pair = ["sign-ed25519", "sign-mldsa65"].map((use) => this.counts(event.party, use, parseTime(event.at)));
    need(pair.every(Boolean) && signed.signatures.length === 2, "no pair in force, or not two signatures");
    for (const [index, key] of pair.entries()) {
      const { kid, value } = signed.signatures[index];
      const data = join(utf8("comity-key-event/1"), ZERO, signed.document);
      need(kid === key.kid && (await verifies(ALG[key.use], key.raw, value, data)), "a signature");
    }
  }

  acceptKeys(event, operators) {
    const taken = new Set(operators.map(digestOf));
    return event.keys.map((entry) => {
      const raw = fromB64u(entry.public);
      need(raw !== undefined && isSoundKey(ALG[entry.use], raw), "a key");
      need(!taken.has(digestOf(raw)) && !this.raws.has(digestOf(raw)), "a key that is registered");
      taken.add(digestOf(raw));
      const window = { notBefore: parseTime(entry.not_before), notAfter: parseTime(entry.not_after) };
      return { use: entry.use, raw, kid: kidOf(event.party, raw), ...window, by: event.type, entry, since: undefined };
    });
  }

  async verifyPossession({ party, at }, key, keys) {
    const after = (use) => keys.find((one) => one.use === use) ?? this.counts(party, use, parseTime(at), true);
    const provers = key.use === "seal-xwing" ? ["sign-ed25519", "sign-mldsa65"].map(after) : [key];
    const { entry } = key;
    need(provers.every(Boolean) && provers.length === entry.proof.length, "a proof");
    const said = [party, entry.use, entry.not_before, entry.not_after].map(utf8).flatMap((one) => [one, ZERO]);
    const statement = join(utf8("comity-key-pop/1"), ZERO, ...said, key.raw);
    for (const [index, prover] of provers.entries()) {
      const value = fromB64u(entry.proof[index]);
      need(value !== undefined && (await verifies(ALG[prover.use], prover.raw, value, statement)), "a proof");
    }
  }

  apply(event, keys, head) {
    const party = this.parties.get(event.party) ?? { role: event.role, suspended: false, keys: [] };
    if (event.type === "suspend") party.suspended = true;
    if (event.type === "reinstate") party.suspended = false;
    for (const kid of event.compromise?.kids ?? []) {
      party.keys.find((one) => one.kid === kid).since = parseTime(event.compromise.since);
    }
    const signers = event.type === "rotate" ? ["sign-ed25519", "sign-mldsa65"].map((use) => this.newest(party, use, event)) : [];
    for (const key of keys) {
      key.seq = event.seq;
      key.roots = event.type === "rotate" ? new Set(signers.flatMap((one) => [...one.roots])) : new Set([key]);
    }
    party.keys.push(...keys);
    for (const key of keys) this.raws.set(digestOf(key.raw), event.party);
    this.parties.set(event.party, party);
    Object.assign(this, { index: event.seq, head, lastAt: parseTime(event.at) });
  }

  newest(party, use, { at }) {
    return party.keys.filter((one) => one.use === use && one.notBefore <= parseTime(at)).at(-1);
  }

  // A key that hangs on a recovery signs 72 hours after the ledger logged that, unless one of the two was compared.
  waits(key, at) {
    if (this.compared.has(key.kid)) return false;
    const open = [...key.roots].filter((root) => root.by === "recover" && !this.compared.has(root.kid));
    return open.some((root) => !this.logged.has(root.seq) || at < this.logged.get(root.seq) + WAIT_US);
  }

  accepted(name, use, at) {
    return this.standing(name, use, at).filter((key) => use === "seal-xwing" || !this.waits(key, at));
  }

  // The key that counts first, then those that its rotations replaced less than a week ago; waiting or not.
  standing(name, use, at, evenSuspended = false) {
    const party = this.parties.get(name);
    if (party === undefined || (party.suspended && !evenSuspended)) return [];
    const begun = party.keys.filter((one) => one.use === use && one.notBefore <= at).reverse();
    const stands = (key) => at < key.notAfter && key.since === undefined;
    if (begun.length === 0 || !stands(begun[0])) return [];
    const found = [begun[0]];
    for (let index = 1; index < begun.length; index += 1) {
      const newer = begun[index - 1];
      if (newer.by !== "rotate" || at >= newer.notBefore + OVERLAP_US) break;
      if (stands(begun[index])) found.push(begun[index]);
    }
    return found;
  }

  counts(name, use, at, evenSuspended) {
    return this.standing(name, use, at, evenSuspended)[0];
  }
}
