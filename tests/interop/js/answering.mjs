// One JSON question a line on standard input, one answer a line on standard output: `{"answer": …}`, or
// `{"refused": code, "stage": …}`. Anything else that goes wrong is `{"broken": …}` and fails the test that asked.
import { createInterface } from "node:readline";
import { Refusal } from "./bytes.mjs";
import * as calls from "./call_questions.mjs";
import * as envelopes from "./envelope_questions.mjs";
import * as frames from "./frame_questions.mjs";
import * as keys from "./key_questions.mjs";

const QUESTIONS = { ...envelopes, ...calls, ...frames, ...keys };

async function answer(line) {
  const { ask, ...question } = JSON.parse(line);
  const stage = { at: ask };
  try {
    return { answer: await QUESTIONS[ask](question, stage) };
  } catch (broken) {
    if (broken instanceof Refusal) return { refused: broken.code, stage: stage.at };
    return { broken: String(broken?.stack ?? broken) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
