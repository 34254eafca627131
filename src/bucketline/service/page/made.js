// Elements, and how numbers are said. Keys come from strangers: text is only ever set as text.

export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) made.append(child instanceof Node ? child : String(child));
  }
  return made;
}

export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes || 0, place = 0;
  while (value >= 1024 && place < units.length - 1) { value /= 1024; place += 1; }
  return `${place ? value.toFixed(1) : Math.round(value)} ${units[place]}`;
}

export const count = (number) => (number === null || number === undefined ? "" : Number(number).toLocaleString("en"));

export const when = (seconds) =>
  (seconds ? `${new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 19)} UTC` : "");

export function span(seconds) {
  const all = Math.max(0, seconds);
  const d = Math.floor(all / 86400), h = Math.floor(all / 3600) % 24, m = Math.floor(all / 60) % 60, s = Math.floor(all % 60);
  return d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
}

// Of a run that crashed nobody knows when.
export const lasted = (run) =>
  (run.ended || run.state === "running" ? span((run.ended || Date.now() / 1000) - run.started) : "cut off");

export const state = (word) => element("span", { class: `state ${word}` }, word);

export const cell = (content, kind) => element("td", { class: kind || null }, content);

export const quiet = (text) => element("p", { class: "quiet" }, text);

export function table(heads, rows, empty) {
  if (!rows.length) return quiet(empty);
  const head = element("tr", {}, heads.map(([text, kind]) => element("th", { scope: "col", class: kind || null }, text)));
  return element("div", { class: "table" }, element("table", {}, element("thead", {}, head), element("tbody", {}, rows)));
}

export function cards(facts) {
  return element("dl", { class: "cards" },
    facts.filter((fact) => fact[1] !== "").map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

export const runLink = (run) => element("a", { href: `#/runs/${encodeURIComponent(run)}` }, run);

export function pages(here, words, { first, before, after }) {
  const link = (text, change) => element("a", { href: `${here}?${new URLSearchParams({ ...Object.fromEntries(words), ...change })}` }, text);
  return element("p", { class: "pages" }, first ? link("first page", first) : null, before ? link("newer", before) : null,
    after ? link("next page", after) : null);
}
