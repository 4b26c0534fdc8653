// Frames between services (frames.md) and the roster that names them (keys.md §2, §5).
import { fromB64u, join, Refusal, same, toB64u, unsigned, utf8, ZERO } from "./bytes.mjs";
import { parseTime } from "./header.mjs";
import { gcmOpen, gcmSeal, hpkeOpen, hpkeSeal, isSoundKey, kidOf, random, sha256, sign, verifies } from "./primitives.mjs";
import { canonicalJson, isObject, parseStrictJson } from "./strict_json.mjs";

const EPOCH = join(utf8("comity-epoch/1"), ZERO);
const FRAME = join(utf8("comity-frame/1"), ZERO);
const MAGIC = Uint8Array.of(0x43, 0x4d, 0x46, 1);
const MAX_FRAME_BYTES = 8 * 1024 * 1024;
const MAX_ITEMS = 1000;
const HOUR_US = 3_600_000_000n;
const NAME = /^[a-z][a-z0-9.-]{0,63}$/;
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const refused = (why) => new Refusal("frame.refused", why);

class Reader {
  constructor(raw) {
    this.raw = raw;
    this.at = 0;
  }

  take(length) {
    if (this.at + length > this.raw.length) throw refused("it is cut");
    this.at += length;
    return this.raw.slice(this.at - length, this.at);
  }

  integer(length) {
    return BigInt(`0x${Buffer.from(this.take(length)).toString("hex")}`);
  }

  name() {
    const text = Buffer.from(this.take(Number(this.integer(1)))).toString("latin1");
    if (!NAME.test(text)) throw refused("a name");
    return text;
  }

  id() {
    const digits = Buffer.from(this.take(16)).toString("hex");
    const text = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    if (!UUID7.test(text)) throw refused("an id");
    return text;
  }

  end() {
    if (this.at !== this.raw.length) throw refused("bytes follow");
  }
}

// ---- opening: `roster`: what verifyRoster gave; `openers`: kid → seed; `now` microseconds

export async function openFrame(raw, { destination, service, roster, openers, producers, now, retentionUs, checkAge = true }) {
  const frame = parseFrame(raw);
  if (frame.destination !== destination) throw refused("for another destination");
  const epoch = parseEpoch(frame.header);
  if (epoch.consumer !== service) throw refused("for another service");
  if (!(producers[destination] ?? []).includes(epoch.producer)) throw refused("its producer may not speak here");
  const key = await openEpoch(epoch, roster, openers);
  const plaintext = await gcmOpen(key, unsigned(frame.counter, 12), frame.ciphertext, join(FRAME, frame.clear)).catch(() =>
    Promise.reject(refused("it does not decrypt")),
  );
  if (frame.counter >= 2n ** 20n || frame.sealedAt < epoch.madeAt || frame.sealedAt >= epoch.notAfter) throw refused("its epoch");
  if (checkAge && (now - frame.sealedAt > retentionUs || frame.sealedAt - now > 60_000_000n)) throw refused("its age");
  return { producer: epoch.producer, frameId: frame.frameId, sealedAt: frame.sealedAt, items: parseItems(plaintext) };
}

function parseFrame(raw) {
  if (raw.length > MAX_FRAME_BYTES) throw refused("too large");
  const reader = new Reader(raw);
  if (!same(reader.take(4), MAGIC)) throw refused("no frame");
  const destination = reader.name();
  if (reader.integer(1) !== 1n) throw refused("its kind");
  const frameId = reader.id();
  const counter = reader.integer(8);
  const sealedAt = reader.integer(8);
  const header = reader.take(Number(reader.integer(2)));
  const length = Number(reader.integer(4));
  const clear = raw.slice(0, reader.at);
  const ciphertext = reader.take(length);
  reader.end();
  return { destination, frameId, counter, sealedAt, header, clear, ciphertext };
}

function parseEpoch(raw) {
  const reader = new Reader(raw);
  if (reader.integer(1) !== 1n) throw refused("an epoch of another version");
  const [producer, consumer] = [reader.name(), reader.name()];
  const digest = reader.take(32);
  reader.take(16);
  const [madeAt, notAfter] = [reader.integer(8), reader.integer(8)];
  const bound = raw.slice(0, reader.at);
  const wrap = reader.take(1168);
  const signed = raw.slice(0, reader.at);
  const signature = reader.take(64);
  reader.end();
  return { producer, consumer, kid: `exchange/${consumer}#${toB64u(digest)}`, madeAt, notAfter, bound, wrap, signed, signature };
}

async function openEpoch(epoch, roster, openers) {
  const producer = roster.get(epoch.producer);
  if (producer === undefined) throw refused("its producer is not on the roster");
  const ofThen = [producer, ...producer.former.filter(({ until }) => epoch.madeAt <= until)];
  const signed = await Promise.all(
    ofThen.map((keys) => verifies("Ed25519", keys.sign, epoch.signature, join(EPOCH, epoch.signed))),
  );
  if (!signed.includes(true)) throw refused("the epoch's signature");
  const life = epoch.notAfter - epoch.madeAt;
  if (life <= 0n || life > HOUR_US) throw refused("the epoch's life");
  if (!openers.has(epoch.kid)) throw refused("sealed to another key");
  return hpkeOpen(openers.get(epoch.kid), join(EPOCH, epoch.bound), epoch.wrap).catch(() => Promise.reject(refused("the wrap")));
}

function parseItems(raw) {
  const reader = new Reader(raw);
  const count = Number(reader.integer(2));
  if (count < 1 || count > MAX_ITEMS) throw refused("its number of items");
  const items = [];
  for (let number = 0; number < count; number += 1) {
    const [id, type, v] = [reader.id(), reader.name(), Number(reader.integer(2))];
    if (v === 0) throw refused("an item of version 0");
    items.push({ id, type, v, data: reader.take(Number(reader.integer(4))) });
  }
  reader.end();
  return items;
}

// ---- sealing: the second frame of a new epoch, or with `fixed` the vector's

const named = (text) => join(unsigned(text.length, 1), utf8(text));
const idBytes = (text) => new Uint8Array(Buffer.from(text.replaceAll("-", ""), "hex"));

export async function sealFrame({ destination, producer, consumer, seed, recipient, frameId, counter, madeAt, sealedAt, items }, fixed) {
  const key = fixed?.key ?? random(32);
  const bound = join(
    unsigned(1, 1), named(producer), named(consumer), sha256(recipient), fixed?.epoch ?? random(16),
    unsigned(madeAt, 8), unsigned(madeAt + HOUR_US, 8),
  );
  const signed = join(bound, await hpkeSeal(recipient, join(EPOCH, bound), key, fixed?.encapsulation));
  const header = join(signed, await sign("Ed25519", seed, join(EPOCH, signed)));
  const listed = items.map(({ id, type, v, data }) => join(idBytes(id), named(type), unsigned(v, 2), unsigned(data.length, 4), data));
  const plaintext = join(unsigned(items.length, 2), ...listed);
  const clear = join(
    MAGIC, named(destination), unsigned(1, 1), idBytes(frameId), unsigned(counter, 8), unsigned(sealedAt, 8),
    unsigned(header.length, 2), header, unsigned(plaintext.length + 16, 4),
  );
  return join(clear, await gcmSeal(key, unsigned(counter, 12), plaintext, join(FRAME, clear)));
}

// ---- signed documents and the roster

export function parseSignedDocument(raw, refuse) {
  if (raw.length > 40000) throw refuse("too large");
  const outer = strict(raw, refuse);
  if (!isObject(outer) || Object.keys(outer).sort().join() !== "document,signatures") throw refuse("its members");
  const { signatures } = outer;
  if (!Array.isArray(signatures) || signatures.length < 1 || signatures.length > 8) throw refuse("its signatures");
  const listed = signatures.map((one) => {
    if (!isObject(one) || Object.keys(one).sort().join() !== "kid,sig" || typeof one.kid !== "string") throw refuse("a signature");
    return { kid: one.kid, value: fromB64u(one.sig) ?? raise(refuse("a signature")) };
  });
  const document = fromB64u(outer.document) ?? raise(refuse("its document"));
  if (!same(utf8(canonicalJson(outer)), raw)) throw refuse("not canonical");
  return { document, signatures: listed, digest: toB64u(sha256(document)) };
}

export function strict(raw, refuse) {
  try {
    return parseStrictJson(raw);
  } catch (broken) {
    throw refuse(broken.message);
  }
}

function raise(refusal) {
  throw refusal;
}

export async function verifyQuorum(signed, domain, operators, quorum, refuse) {
  const known = new Map(operators.map((raw) => [kidOf("operator", raw), raw]));
  const kids = signed.signatures.map((one) => one.kid);
  if (quorum < 1 || new Set(kids).size !== kids.length || kids.length < quorum) throw refuse("no quorum");
  for (const { kid, value } of signed.signatures) {
    if (!known.has(kid) || !(await verifies("Ed25519", known.get(kid), value, join(utf8(domain), ZERO, signed.document)))) {
      throw refuse("a signature");
    }
  }
}

// Whether it is an object with each of these members, perhaps the optional one, and no other.
function isClosed(node, names, optional) {
  if (!isObject(node)) return false;
  const members = Object.keys(node).filter((name) => name !== optional);
  return members.length === names.length && names.every((name) => members.includes(name));
}

function parsePair(node, refuse) {
  const [sign, seal] = [fromB64u(node.sign), fromB64u(node.seal)];
  if (!sign || !seal || !isSoundKey("Ed25519", sign) || !isSoundKey("X-Wing", seal)) throw refuse("a key");
  return { sign, seal };
}

function parseFormer(node, refuse) {
  if (!Array.isArray(node) || node.length > 2) throw refuse("former keys");
  return node.map((one) => {
    const until = isClosed(one, ["sign", "seal", "until"]) ? parseTime(one.until) : undefined;
    if (until === undefined) throw refuse("a former key");
    return { ...parsePair(one, refuse), until };
  });
}

function checkLogKeys(vkeys, exchange, refuse) {
  const named = Array.isArray(vkeys) && vkeys.every((one) => typeof one === "string" && one.startsWith(`${exchange}+`));
  if (!named || vkeys.length !== 2 || vkeys[0] === vkeys[1]) throw refuse("the log's keys");
}

// service → { sign, seal, former: [{ sign, seal, until }, …] }
export async function verifyRoster(raw, operators, quorum, exchange) {
  const refuse = (why) => new Refusal("keys.roster-refused", why);
  const signed = parseSignedDocument(raw, refuse);
  await verifyQuorum(signed, "comity-roster/1", operators, quorum, refuse);
  const document = strict(signed.document, refuse);
  const isOne = isClosed(document, ["v", "exchange", "issued_at", "services"], "log_vkeys");
  if (!isOne || document.v !== "comity-roster/1") throw refuse("its form");
  if (document.exchange !== exchange || parseTime(document.issued_at) === undefined) throw refuse("its exchange or time");
  if ("log_vkeys" in document) checkLogKeys(document.log_vkeys, exchange, refuse);
  const { services } = document;
  if (!Array.isArray(services) || services.length < 1 || services.length > 12) throw refuse("its services");
  const keys = new Map();
  for (const one of services) {
    if (!isClosed(one, ["service", "sign", "seal"], "former") || !/^[a-z][a-z0-9-]{0,31}$/.test(one.service)) {
      throw refuse("a service");
    }
    keys.set(one.service, { ...parsePair(one, refuse), former: "former" in one ? parseFormer(one.former, refuse) : [] });
  }
  const raws = [...keys.values()].flatMap((one) => [one, ...one.former]).flatMap(({ sign, seal }) => [toB64u(sign), toB64u(seal)]);
  if (keys.size !== services.length || new Set(raws).size !== raws.length) throw refuse("a service or key twice");
  return keys;
}
