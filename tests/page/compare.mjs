// Compares two chapters by their chapter.json: the same structure and words, and numbers within a tolerance, as processors differ
// in the last bits. Usage: node compare.mjs COMMITTED.json MADE.json
import { readFileSync } from "node:fs";

const RELATIVE = 0.02;
const ABSOLUTE = 2e-3;
const SHOWN = 12;

const [committed, made] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
const differences = [];

const near = (a, b) => Math.abs(a - b) <= Math.max(ABSOLUTE, RELATIVE * Math.max(Math.abs(a), Math.abs(b)));

// Words and the numbers among them; "1.2e-10" and "3.4e-11" are both as good as zero.
const NUMBER = /-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/g;

function compareText(at, a, b) {
  const sameWords = a.replace(NUMBER, "#") === b.replace(NUMBER, "#");
  const numbers = (text) => (text.match(NUMBER) ?? []).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  if (!sameWords || left.some((value, i) => !near(value, right[i]))) differences.push(`${at}: "${a}" became "${b}"`);
}

function compare(at, a, b) {
  if (typeof a === "number" && typeof b === "number") {
    if (!near(a, b)) differences.push(`${at}: ${a} became ${b}`);
  } else if (typeof a === "string" && typeof b === "string") {
    if (a !== b) compareText(at, a, b);
  } else if (a && b && typeof a === "object" && typeof b === "object") {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (!(key in a) || !(key in b)) differences.push(`${at}.${key}: is in one of the two only`);
      else compare(`${at}.${key}`, a[key], b[key]);
    }
  } else if (a !== b) {
    differences.push(`${at}: ${JSON.stringify(a)} became ${JSON.stringify(b)}`);
  }
}

compare("chapter", committed, made);
if (differences.length > 0) {
  console.error(`The committed chapter is not what the program makes now (${differences.length} differences):`);
  differences.slice(0, SHOWN).forEach((line) => console.error(`  ${line.slice(0, 300)}`));
  console.error("Run `just report` (cargo run --release -- report) and commit reports/.");
  process.exit(1);
}
console.log("The committed chapter agrees with the one made now.");
