// The cryptography of the pages, each piece from the library that its row names.
import { createHash, createHmac, hkdfSync, webcrypto } from "node:crypto";
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { ml_dsa44, ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";
import { join, same, toB64u, unsigned, utf8, ZERO } from "./bytes.mjs";

const { subtle } = webcrypto;
const ENC_BYTES = 1120;
const CHUNK_BYTES = 16384;
const TAG_BYTES = 16;
const COBBLESTONE = join(utf8("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"), ZERO);

export const random = (length) => webcrypto.getRandomValues(new Uint8Array(length));
export const sha256 = (raw) => new Uint8Array(createHash("sha256").update(raw).digest());
export const digest = (raw) => toB64u(sha256(raw));
export const kidOf = (owner, raw) => `${owner}#${digest(raw)}`;
export const hkdf = (secret, info) => new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(32), info, 32));

function expandSha512(prk, info, length) {
  let output = new Uint8Array();
  let block = new Uint8Array();
  for (let counter = 1; output.length < length; counter += 1) {
    block = createHmac("sha512", prk).update(block).update(info).update(Uint8Array.of(counter)).digest();
    output = join(output, block);
  }
  return output.slice(0, length);
}

// ---- AES-256-GCM

const aesKey = (raw, use) => subtle.importKey("raw", raw, "AES-GCM", false, [use]);

export async function gcmSeal(key, nonce, plaintext, aad = new Uint8Array()) {
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aad };
  return new Uint8Array(await subtle.encrypt(algorithm, await aesKey(key, "encrypt"), plaintext));
}

export async function gcmOpen(key, nonce, ciphertext, aad = new Uint8Array()) {
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aad };
  return new Uint8Array(await subtle.decrypt(algorithm, await aesKey(key, "decrypt"), ciphertext));
}

// ---- Cobblestone-256 (envelope.md §5)

function cobblestoneKeys(key, salt, context) {
  const derived = expandSha512(key, join(COBBLESTONE, salt, context), 32 + 12 + 32);
  return { key: derived.slice(0, 32), nonce: derived.slice(32, 44), commitment: derived.slice(44) };
}

const chunkNonce = (base, index) => unsigned(BigInt(`0x${Buffer.from(base).toString("hex")}`) ^ BigInt(index), 12);

export async function cobblestoneSeal(key, context, plaintext, salt = random(24)) {
  const keys = cobblestoneKeys(key, salt, context);
  const pieces = [salt, keys.commitment];
  for (let index = 0; index * CHUNK_BYTES <= plaintext.length; index += 1) {
    const chunk = plaintext.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    pieces.push(await gcmSeal(keys.key, chunkNonce(keys.nonce, index), chunk));
  }
  return join(...pieces);
}

export async function cobblestoneOpen(key, context, ct) {
  const keys = cobblestoneKeys(key, ct.slice(0, 24), context);
  if (!same(keys.commitment, ct.slice(24, 56))) throw new Error("another key, or another context");
  const pieces = [];
  for (let index = 0, at = 56; ; index += 1, at += CHUNK_BYTES + TAG_BYTES) {
    const sealed = ct.slice(at, at + CHUNK_BYTES + TAG_BYTES);
    pieces.push(await gcmOpen(keys.key, chunkNonce(keys.nonce, index), sealed));
    if (sealed.length < CHUNK_BYTES + TAG_BYTES) return join(...pieces);
  }
}

// ---- HPKE base mode with X-Wing (envelope.md §6)

const kem = new XWing();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

// `randomness`: 64 bytes for vectors, ML-KEM's message then the ephemeral X25519 scalar.
export async function hpkeSeal(publicKey, info, plaintext, randomness) {
  const recipientPublicKey = await kem.deserializePublicKey(Uint8Array.from(publicKey));
  const sender = await suite.createSenderContext({ recipientPublicKey, info, ekm: randomness });
  return join(new Uint8Array(sender.enc), new Uint8Array(await sender.seal(plaintext)));
}

export async function hpkeOpen(seed, info, wrap) {
  const recipientKey = await kem.deserializePrivateKey(Uint8Array.from(seed));
  const recipient = await suite.createRecipientContext({ recipientKey, info, enc: wrap.slice(0, ENC_BYTES) });
  return new Uint8Array(await recipient.open(wrap.slice(ENC_BYTES)));
}

export async function xwingPublic(seed) {
  const pair = await kem.generateKeyPairDerand(Uint8Array.from(seed));
  return new Uint8Array(await kem.serializePublicKey(pair.publicKey));
}

// ---- signatures

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

const ed25519Private = (seed) => subtle.importKey("pkcs8", join(PKCS8_ED25519, seed), "Ed25519", false, ["sign"]);

const SCHEMES = {
  Ed25519: {
    public: (seed) => ed25519.getPublicKey(seed),
    sign: async (seed, data) => new Uint8Array(await subtle.sign("Ed25519", await ed25519Private(seed), data)),
    verify: async (raw, signature, data) =>
      subtle.verify("Ed25519", await subtle.importKey("raw", raw, "Ed25519", false, ["verify"]), signature, data),
  },
  "ML-DSA-44": {
    public: (seed) => ml_dsa44.keygen(seed).publicKey,
  },
  "ML-DSA-65": {
    public: (seed) => ml_dsa65.keygen(seed).publicKey,
    sign: async (seed, data, deterministic = false) =>
      ml_dsa65.sign(data, ml_dsa65.keygen(seed).secretKey, deterministic ? { extraEntropy: false } : {}),
    verify: async (raw, signature, data) => signature.length === 3309 && ml_dsa65.verify(signature, data, raw),
  },
};

export const publicOf = (alg, seed) => SCHEMES[alg].public(seed);
export const sign = (alg, seed, data, deterministic) => SCHEMES[alg].sign(seed, data, deterministic);

export async function verifies(alg, raw, signature, data) {
  try {
    return await SCHEMES[alg].verify(raw, signature, data);
  } catch {
    return false;
  }
}

// ---- checks of public keys (keys.md §1)

const P = 2n ** 255n - 19n;
const Q = 3329;

function ed25519IsSound(raw) {
  try {
    return !ed25519.Point.fromBytes(raw, false).isSmallOrder();
  } catch {
    return false;
  }
}

function x25519IsSound(raw) {
  if (BigInt(`0x${Buffer.from(raw).reverse().toString("hex")}`) >= P) return false;
  try {
    x25519.scalarMult(unsigned(8, 32).reverse(), raw); // clamped to a multiple of 8: refused if [8]u is infinity
    return true;
  } catch {
    return false;
  }
}

function mlkemIsReduced(raw) {
  for (let at = 0; at < 1152; at += 3) {
    if ((raw[at] | ((raw[at + 1] & 15) << 8)) >= Q || ((raw[at + 1] >> 4) | (raw[at + 2] << 4)) >= Q) return false;
  }
  return true;
}

export function isSoundKey(alg, raw) {
  if (alg === "Ed25519") return raw.length === 32 && ed25519IsSound(raw);
  if (alg === "ML-DSA-65") return raw.length === 1952;
  if (alg === "ML-DSA-44") return raw.length === 1312;
  return alg === "X-Wing" && raw.length === 1216 && mlkemIsReduced(raw.slice(0, 1184)) && x25519IsSound(raw.slice(1184));
}
