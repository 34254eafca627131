// Plots, drawn as SVG: bytes a second over time, and bars.

import { element, quiet, size } from "./made.js";

const KEPT_SECONDS = 600;
const SPAN_SECONDS = 5; // Of which a rate is the average: a tick alone jumps.
const pasts = new Map(); // Run -> [seconds, objects, bytes] as they were told.

function drawn(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function remember(run) {
  const now = Date.now() / 1000;
  const past = (pasts.get(run.run) || []).filter((one) => one[0] > now - KEPT_SECONDS);
  const last = past[past.length - 1];
  if (!last || now - last[0] >= 0.5) past.push([now, run.listed, run.bytes]);
  pasts.set(run.run, past);
  return past;
}

export function rate(past, place, which) {
  const [now, , ] = past[place];
  let then = place;
  while (then > 0 && now - past[then][0] < SPAN_SECONDS) then -= 1;
  return then === place ? 0 : Math.max(0, (past[place][which] - past[then][which]) / Math.max(0.001, now - past[then][0]));
}

export function rates(past) {
  if (past.length < 2) return quiet("The plot begins with the next look.");
  const values = past.map((one, place) => [one[0], rate(past, place, 2)]).slice(1);
  const most = Math.max(1, ...values.map((one) => one[1]));
  const begin = values[0][0], whole = Math.max(1, values[values.length - 1][0] - begin);
  const points = values.map(([at, value]) => `${((at - begin) / whole) * 100},${30 - (value / most) * 28}`).join(" ");
  const said = `bytes a second of the last ${Math.round(whole)} s, at most ${size(most)}/s`;
  return element("figure", {}, drawn("svg", { viewBox: "0 0 100 32", preserveAspectRatio: "none", role: "img", "aria-label": said },
    drawn("polyline", { points })), element("figcaption", { class: "quiet" }, said));
}

export function bars(rows, empty) {
  if (!rows.length) return quiet(empty);
  const most = Math.max(1, ...rows.map((row) => row.amount));
  return element("dl", { class: "bars" }, rows.map((row) => element("div", {}, element("dt", {}, row.label),
    element("dd", {}, element("progress", { max: most, value: row.amount, "aria-hidden": "true" }), " ", row.said))));
}
