// Byte strings, base64url in its one canonical text, and the refusal that everything here ends in (envelope.md §1).

export class Refusal extends Error {
  constructor(code, why) {
    super(`${code}: ${why}`);
    this.code = code;
  }
}

export const join = (...pieces) => new Uint8Array(Buffer.concat(pieces.map((one) => Buffer.from(one))));
export const utf8 = (text) => new Uint8Array(Buffer.from(text, "utf8"));
export const ZERO = new Uint8Array(1);
export const same = (left, right) => Buffer.from(left).equals(Buffer.from(right));

export function unsigned(value, length) {
  const raw = new Uint8Array(length);
  let rest = BigInt(value);
  for (let at = length - 1; at >= 0; at -= 1, rest >>= 8n) raw[at] = Number(rest & 255n);
  return raw;
}

export const toB64u = (raw) => Buffer.from(raw).toString("base64url");

// The bytes, or undefined for a text that is not the canonical one.
export function fromB64u(text) {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const raw = new Uint8Array(Buffer.from(text, "base64url"));
  return toB64u(raw) === text ? raw : undefined;
}
