// What a test may ask about frames and the roster.
import { fromB64u, toB64u, utf8 } from "./bytes.mjs";
import { openFrame, sealFrame, verifyRoster } from "./frames.mjs";
import { parseTime } from "./header.mjs";

const times = (given, ...names) => Object.fromEntries(names.map((name) => [name, parseTime(given[name])]));

const verified = new Map();

// Once for each roster that is trusted: its keys take some milliseconds to check.
async function serviceKeys(trusted) {
  const asked = JSON.stringify(trusted);
  const { document, operators, quorum, exchange } = trusted;
  if (!verified.has(asked)) verified.set(asked, await verifyRoster(utf8(document), operators.map(fromB64u), quorum, exchange));
  return verified.get(asked);
}

export async function roster(given) {
  const keys = await serviceKeys(given);
  return Object.fromEntries([...keys].map(([service, { sign, seal }]) => [service, { sign: toB64u(sign), seal: toB64u(seal) }]));
}

export async function frame({ raw, trusted, openers, retention_s, ...given }) {
  const opened = await openFrame(fromB64u(raw), {
    ...given,
    roster: await serviceKeys(trusted),
    openers: new Map(Object.entries(openers).map(([kid, seed]) => [kid, fromB64u(seed)])),
    now: parseTime(given.now),
    retentionUs: BigInt(retention_s) * 1_000_000n,
  });
  const items = opened.items.map(({ data, ...one }) => ({ ...one, data: Buffer.from(data).toString("utf8") }));
  return { producer: opened.producer, frame_id: opened.frameId, items };
}

export async function sealed_frame({ given, fixed }) {
  const items = given.items.map((one) => ({ ...one, data: utf8(one.data) }));
  const moments = times(given, "madeAt", "sealedAt");
  const keys = { seed: fromB64u(given.seed), recipient: fromB64u(given.recipient) };
  const drawn = fixed && Object.fromEntries(Object.entries(fixed).map(([name, value]) => [name, fromB64u(value)]));
  return toB64u(await sealFrame({ ...given, ...moments, ...keys, items }, drawn));
}
