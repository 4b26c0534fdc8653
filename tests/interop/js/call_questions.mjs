// What a test may ask about signed calls: of the implementation made from the page, and of a library that knows RFC 9421 alone.
import { httpbis } from "http-message-signatures";
import { fromB64u, utf8 } from "./bytes.mjs";
import { contentDigest, coveredOf, signCall, signReceipt, verifyBody, verifyCall, verifyReceipt, verifyStatement, verifyText } from "./calls.mjs";
import { parseTime } from "./header.mjs";
import { sign, verifies } from "./primitives.mjs";

const keysOf = (keys) => new Map(Object.entries(keys).map(([kid, raw]) => [kid, fromB64u(raw)]));

export async function call({ method, url, headers, body, has_body, keys, now }) {
  const verified = await verifyCall({ method, url, headers, hasBody: has_body, keys: keysOf(keys), now: parseTime(now) });
  verifyBody(verified, utf8(body));
  return { keyid: verified.keyid, base: verified.base, text: verified.text };
}

export const signed_call = ({ method, url, body, content_type, seed, keyid, created }) =>
  signCall({ method, url, body: utf8(body), contentType: content_type, seed: fromB64u(seed), keyid, created });

export const text = ({ text: kept, keys }) => verifyText(kept, keysOf(keys));
export const receipt = ({ receipt: given, key }) => verifyReceipt(given, fromB64u(key));
export const statement = ({ statement: given, key }) => verifyStatement(given, fromB64u(key));
export const signed_receipt = ({ members, seed }) => signReceipt(members, fromB64u(seed));

// ---- npm's http-message-signatures

export async function signed_by_library({ method, url, body, content_type, seed, keyid, created, nonce, changes = {} }) {
  const hasBody = body.length > 0;
  const headers = hasBody ? { "Content-Type": content_type, "Content-Digest": contentDigest(utf8(body)) } : {};
  const signing = async (data) => Buffer.from(await sign("Ed25519", fromB64u(seed), data));
  const moment = (seconds) => new Date(seconds * 1000);
  const signed = await httpbis.signMessage(
    {
      key: { id: keyid, alg: "ed25519", sign: signing },
      name: "comity",
      fields: [...coveredOf(hasBody)],
      params: ["created", "expires", "nonce", "keyid", "alg", "tag"],
      paramValues: { created: moment(created), expires: moment(created + 60), nonce, tag: "comity-v1" },
      ...changes,
    },
    { method, url, headers },
  );
  return signed.headers;
}

export async function verified_by_library({ method, url, headers, keys }) {
  const known = keysOf(keys);
  const found = await httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid }) =>
        known.has(keyid) && { id: keyid, algs: ["ed25519"], verify: (data, value) => verifies("Ed25519", known.get(keyid), value, data) },
      requiredParams: ["created", "expires", "nonce", "keyid", "alg", "tag"],
      requiredFields: ["@method", "@authority", "@target-uri"],
      tolerance: 10,
    },
    { method, url, headers },
  );
  return found;
}
