// What a test may ask about keys, kids and key events.
import { fromB64u, toB64u, utf8 } from "./bytes.mjs";
import { parseTime } from "./header.mjs";
import { Directory } from "./keys.mjs";
import { isSoundKey, kidOf, publicOf, xwingPublic } from "./primitives.mjs";

export async function kid({ alg, owner, seed }) {
  const raw = alg === "X-Wing" ? await xwingPublic(fromB64u(seed)) : publicOf(alg, fromB64u(seed));
  return { public: toB64u(raw), kid: kidOf(owner, raw) };
}

export const sound = ({ alg, key }) => isSoundKey(alg, fromB64u(key));

// The digests of the events, and the kids that are accepted then.
export async function directory({ exchange, operators, quorum, events, accepted = [], logged = [], compared = [] }) {
  const known = new Directory(exchange, new Map(logged.map(({ seq, at }) => [seq, parseTime(at)])), compared);
  const digests = [];
  for (const event of events) digests.push(await known.admit(utf8(event), operators.map(fromB64u), quorum));
  const kids = accepted.map(({ party, use, at }) => known.accepted(party, use, parseTime(at)).map((one) => one.kid));
  return { digests, kids };
}
