// Strict JSON (envelope.md §1). JSON.parse cannot serve: it takes a member twice and rounds numbers.

const MAX_DEPTH = 16;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

export class NotStrictJson extends Error {}

export function parseStrictJson(raw) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new NotStrictJson("not UTF-8");
  }
  const reader = new Reader(text);
  const document = reader.value(0);
  reader.space();
  if (reader.at !== text.length) throw new NotStrictJson("something follows the document");
  return document;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  value(depth) {
    this.space();
    const first = this.text[this.at];
    if (first === "{") return this.object(depth + 1);
    if (first === "[") return this.array(depth + 1);
    if (first === '"') return this.string();
    for (const [word, value] of [["true", true], ["false", false], ["null", null]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.integer();
  }

  integer() {
    const found = /-?(?:0|[1-9][0-9]*)/y;
    found.lastIndex = this.at;
    const digits = found.exec(this.text)?.[0];
    if (digits === undefined) throw new NotStrictJson("no value");
    this.at += digits.length;
    const value = Number(digits);
    if (/[.eE]/.test(this.text[this.at] ?? "") || !Number.isSafeInteger(value)) throw new NotStrictJson("no integer of 53 bits");
    return value === 0 ? 0 : value;
  }

  string() {
    let value = "";
    for (this.at += 1; this.text[this.at] !== '"'; ) {
      const one = this.text[this.at];
      if (one === undefined || one < " ") throw new NotStrictJson("a text that does not end, or a control character");
      this.at += 1;
      value += one === "\\" ? this.escape() : one;
    }
    this.at += 1;
    if (!value.isWellFormed() || value.includes("\0")) throw new NotStrictJson("a lone surrogate or NUL");
    return value;
  }

  escape() {
    const kind = this.text[this.at];
    this.at += 1;
    if (kind === "u") {
      const digits = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new NotStrictJson("a broken escape");
      this.at += 4;
      return String.fromCharCode(parseInt(digits, 16));
    }
    if (!Object.hasOwn(ESCAPES, kind ?? "")) throw new NotStrictJson("an unknown escape");
    return ESCAPES[kind];
  }

  array(depth) {
    const items = [];
    this.enter(depth);
    if (this.taken("]")) return items;
    do items.push(this.value(depth));
    while (this.taken(","));
    this.need("]");
    return items;
  }

  object(depth) {
    const members = Object.create(null);
    this.enter(depth);
    if (this.taken("}")) return members;
    do {
      this.space();
      if (this.text[this.at] !== '"') throw new NotStrictJson("a member without name");
      const name = this.string();
      if (name in members) throw new NotStrictJson("a member stands twice");
      this.need(":");
      members[name] = this.value(depth);
    } while (this.taken(","));
    this.need("}");
    return members;
  }

  enter(depth) {
    if (depth > MAX_DEPTH) throw new NotStrictJson("nested too deep");
    this.at += 1;
  }

  taken(mark) {
    this.space();
    if (this.text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  need(mark) {
    if (!this.taken(mark)) throw new NotStrictJson(`no ${mark}`);
  }
}

export const isObject = (node) => node !== null && typeof node === "object" && !Array.isArray(node);

// Members sorted by code point, no white space, nothing escaped but what must be (keys.md).
export function canonicalJson(node) {
  if (Array.isArray(node)) return `[${node.map(canonicalJson).join(",")}]`;
  if (!isObject(node)) return JSON.stringify(node);
  const names = Object.keys(node).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(node[name])}`).join(",")}}`;
}
