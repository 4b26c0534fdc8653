// Opening a verified envelope (envelope.md §12), and one part under its disclosed key (§14).
import { timingSafeEqual } from "node:crypto";
import { join, Refusal, utf8, ZERO } from "./bytes.mjs";
import { cobblestoneOpen, digest, hkdf, hpkeOpen, sha256 } from "./primitives.mjs";
import { LIMITS, partName, readDigest, readDocument, readList, readObject, readSize, readText } from "./reading.mjs";
import { SUITE } from "./header.mjs";
import { canonicalJson, isObject } from "./strict_json.mjs";

export const contextOf = (header) => join(utf8(SUITE), ZERO, sha256(header));
export const partKey = (secret, context, name) => hkdf(secret, join(context, ZERO, utf8("part"), ZERO, utf8(name)));
export const keyCommit = (secret, context) => hkdf(secret, join(context, ZERO, utf8("commit")));
export const partContext = (context, name) => join(context, ZERO, utf8(name));
export const wrapInfo = (context, kid) => join(context, ZERO, utf8(kid));

const cannotOpen = (why) => new Refusal("envelope.cannot-open", why);

export function paddedLength(length) {
  const total = 8 + length;
  const exponent = Math.floor(Math.log2(total));
  const bits = Math.floor(Math.log2(exponent)) + 1;
  const unit = 2 ** (exponent - bits);
  return Math.max(1024, Math.ceil(total / unit) * unit);
}

export function unpad(padded) {
  if (padded.length < 1024) throw cannotOpen("padding");
  const length = Number(Buffer.from(padded.slice(0, 8)).readBigUInt64BE());
  if (8 + length > padded.length || padded.length !== paddedLength(length)) throw cannotOpen("padding");
  if (padded.slice(8 + length).some((byte) => byte !== 0)) throw cannotOpen("padding");
  return padded.slice(8, 8 + length);
}

export async function openPart(received, name, key) {
  const ct = received.parts.get(name);
  if (ct === undefined) throw new Refusal("envelope.part-mismatch", name);
  const context = partContext(contextOf(received.manifest.header), name);
  return unpad(await cobblestoneOpen(key, context, ct).catch(() => Promise.reject(cannotOpen(name))));
}

export async function openMessage(received, ownKid, seed) {
  const context = contextOf(received.manifest.header);
  const wrap = received.wraps.get(ownKid);
  const secret = await hpkeOpen(seed, wrapInfo(context, ownKid), wrap).catch(() => Promise.reject(cannotOpen("the wrap")));
  if (secret.length !== 32 || !timingSafeEqual(keyCommit(secret, context), received.manifest.keyCommit)) {
    throw cannotOpen("the secret is not the committed one");
  }
  for (const { name } of received.manifest.parts) {
    if (!received.parts.has(name)) throw new Refusal("envelope.part-mismatch", name);
  }
  const plaintexts = new Map();
  for (const { name } of received.manifest.parts) {
    plaintexts.set(name, await openPart(received, name, partKey(secret, context, name)));
  }
  const body = readBody(plaintexts.get("body"));
  if (body.kind !== received.header.kind || canonicalJson(body.act) !== canonicalJson(received.header.act)) {
    throw new Refusal("envelope.act-contradicted", "kind or act");
  }
  if (body.attachments.length !== plaintexts.size - 1) throw cannotOpen("its list of attachments");
  const attachments = body.attachments.map((entry) => {
    const data = plaintexts.get(entry.part);
    if (data.length !== entry.size || digest(data) !== entry.sha256) throw cannotOpen(entry.part);
    return { ...entry, data };
  });
  return { content: body.content, attachments, secret };
}

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/;
const UNSAFE_NAME = /[/\\\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

export function readBody(raw) {
  try {
    const body = readObject(readDocument(raw, "body"), ["v", "kind", "act", "content", "attachments"], "body");
    if (body.v !== 1 || !isObject(body.act) || !isObject(body.content)) throw cannotOpen("its body");
    readText(body.kind, "kind");
    readList(body.attachments, LIMITS.parts - 1, "attachments").forEach((entry, index) => {
      readObject(entry, ["part", "name", "media_type", "size", "sha256"], "an attachment");
      if (entry.part !== partName(index + 1)) throw cannotOpen("an attachment's part");
      readFileName(readText(entry.name, "name"));
      if (!MEDIA_TYPE.test(readText(entry.media_type, "media_type"))) throw cannotOpen("a media type");
      readSize(entry.size, "size");
      readDigest(entry.sha256, "sha256");
    });
    return body;
  } catch (refused) {
    throw refused instanceof Refusal ? cannotOpen(refused.message) : refused;
  }
}

function readFileName(name) {
  if (/^[. ]*$/.test(name) || utf8(name).length > 200 || UNSAFE_NAME.test(name)) throw cannotOpen("a file name");
}
