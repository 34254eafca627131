// The page: who asks, what is shown, and whether it is still true.

import { jobsPage, planPage } from "./jobs.js";
import { backupsPage, findingsPage, relaysPage, ringsPage, thawsPage } from "./kinds.js";
import { element } from "./made.js";
import { runPage, runsPage } from "./runs.js";

const STORED = "bucketline-token";
const LOOK_MS = 5000; // Also without news: volumes and staged objects have no events.
const NEWS_MS = 1000; // At least so long between two looks.
const STALE_MS = 8000;
const main = document.getElementById("main");
const stale = document.getElementById("stale");
const enter = document.getElementById("enter");
let token = sessionStorage.getItem(STORED) || "";
let timer = 0, shownAt = 0, heard = Date.now();
let turn = 0; // Of what is shown: answers for an earlier one are dropped.
let ears = null; // Ends the stream of events.
let complaint = ""; // Of an order; until the next one.

const send = (path, method, signal) =>
  fetch(`..${path}`, { method: method || "GET", headers: { Authorization: `Bearer ${token}` }, signal });

async function answered(path, method) {
  const answer = await send(path, method);
  if (answer.status === 401) { forget("That token is not taken."); throw new Error("401"); }
  if (answer.ok) { heard = Date.now(); return answer; }
  const told = await answer.json().catch(() => ({}));
  throw new Error(told.error ? told.error.message : `status ${answer.status}`);
}

// What a person typed may be no such word; then it is the name of nothing.
const plain = (word) => { try { return decodeURIComponent(word); } catch { return word; } };

const ask = async (path) => (await answered(path)).json();

async function* linesOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    yield* lines;
  }
}

async function* told(path) {
  for await (const line of linesOf(await answered(path, "POST"))) if (line) yield JSON.parse(line);
}

function forget(why) {
  token = "";
  sessionStorage.removeItem(STORED);
  clearTimeout(timer);
  if (ears) ears.abort();
  turn += 1;
  main.replaceChildren();
  alertLine("");
  enter.hidden = false;
  document.getElementById("refused").textContent = why || "";
  document.getElementById("token").focus();
}

function alertLine(text) {
  if (stale.textContent !== text) stale.textContent = text;
  stale.hidden = !text;
}

function tellAge() {
  const seconds = Math.round((Date.now() - heard) / 1000);
  const old = token && seconds * 1000 > STALE_MS ? `No answer for ${seconds} s. What is shown is old.` : "";
  alertLine(old || complaint);
}

async function order(job, verb) {
  complaint = "";
  try { await answered(`/v1/jobs/${encodeURIComponent(job)}/${verb}`, "POST"); }
  catch (error) { if (error.message !== "401") complaint = `${job}: ${error.message}`; }
  tellAge();
  show();
}

async function save(path, name) {
  try {
    const url = URL.createObjectURL(await (await answered(path)).blob());
    element("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  } catch (error) { complaint = `${name}: ${error.message}`; tellAge(); }
}

// Who goes by keyboard stays where they were, although everything around is new.
function draw(made) {
  const active = document.activeElement;
  const isInside = active && active !== main && main.contains(active);
  if (isInside && active.closest("form")) return;
  const mark = (one) => `${one.tagName} ${one.getAttribute("href") || one.textContent}`;
  const before = isInside ? mark(active) : "";
  const open = [...main.querySelectorAll("details")].map((one) => one.open);
  main.replaceChildren(...made.filter((one) => one !== null));
  main.querySelectorAll("details").forEach((one, place) => { one.open = Boolean(open[place]); });
  const again = before && [...main.querySelectorAll("a, button, summary")].find((one) => mark(one) === before);
  if (again) again.focus({ preventScroll: true });
}

function pageOf(parts, words) {
  const [kind, name] = parts;
  if (kind === "runs" && name) return runPage(ask, words, name, save);
  if (kind === "rings" && name) return findingsPage(ask, words, name);
  const pages = { relays: relaysPage, backups: backupsPage, thaws: thawsPage, rings: ringsPage };
  if (kind === "jobs") return jobsPage(ask, order);
  return (pages[kind] || runsPage)(ask, words);
}

async function show() {
  clearTimeout(timer);
  if (!token) { forget(""); return; }
  enter.hidden = true;
  const mine = ++turn;
  const [path, query] = (location.hash.slice(1) || "/runs").split("?");
  const words = new URLSearchParams(query || ""), parts = path.split("/").slice(1).map(plain);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${parts[0]}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  shownAt = Date.now();
  try {
    if (parts[0] === "jobs" && parts[2] === "plan") {
      await planPage(told, parts[1], (made) => { if (mine === turn) draw(made); });
      return;
    }
    const made = await pageOf(parts, words);
    if (mine !== turn) return;
    draw(made);
    main.dataset.shown = path;
  } catch (error) {
    if (mine !== turn || error.message === "401") return;
    if (!(error instanceof TypeError)) main.replaceChildren(element("p", { class: "failed" }, error.message));
  }
  if (mine === turn) timer = setTimeout(show, LOOK_MS);
}

async function listen() {
  const mine = new AbortController();
  if (ears) ears.abort();
  ears = mine;
  while (token && !mine.signal.aborted) {
    try {
      const answer = await send("/v1/events", "GET", mine.signal);
      if (answer.status === 401) { forget("That token is not taken."); return; }
      if (answer.ok && Date.now() - heard > STALE_MS) show(); // It is back.
      for await (const line of linesOf(answer)) {
        heard = Date.now();
        if (line === "event: run" && !location.hash.endsWith("/plan")) soon();
      }
    } catch (error) { if (mine.signal.aborted) return; }
    await new Promise((go) => setTimeout(go, 2000));
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(show, Math.max(0, shownAt + NEWS_MS - Date.now()));
}

enter.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("token");
  token = field.value.trim();
  field.value = "";
  sessionStorage.setItem(STORED, token);
  heard = Date.now();
  show().then(() => main.focus());
  listen();
});
document.getElementById("leave").addEventListener("click", () => forget(""));
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
window.addEventListener("hashchange", () => { complaint = ""; main.replaceChildren(); main.focus(); show(); });
setInterval(tellAge, 1000);

const given = location.hash.match(/^#token=(bl_[\w-]+)(.*)$/);
if (given) { // From a link: kept for this tab, and taken out of its address.
  token = given[1];
  sessionStorage.setItem(STORED, token);
  history.replaceState(null, "", `#${given[2] || "/runs"}`);
}
show();
if (token) listen();
