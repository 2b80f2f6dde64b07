/**
 * The live page: links, and their clicks as they come.
 */
import { Api, Refusal, requestName } from "./api.js";
import { Chart } from "./chart.js";
import { Live } from "./live.js";

const KEY = "waypost-key";
const PAGE = 20;
const WAYS = { sse: "server-sent events", socket: "WebSocket", poll: "long poll" };

const $ = (id) => document.getElementById(id);
const numbers = new Intl.NumberFormat();
const chart = new Chart($("chart"));

let api = null;
let live = null;
/** What is known of each link that is shown, by id: `{link, counts, row}`. */
const shown = new Map();
let watched = null;
let next = null;
/** The create under way or last refused, so that sending the same again makes one link. */
let draft = { text: "", name: "" };

// Who is there

async function start() {
  const key = sessionStorage.getItem(KEY);
  if (key) return enter(new Api(key));
  await enter(new Api()).catch(() => show("login"));
}

/** Shows the links, if whoever is there may see them, and follows the events. */
async function enter(candidate) {
  live?.stop();
  api?.close();
  api = candidate;
  try {
    if (!candidate.hasKey) await candidate.get("/auth/session");
    await load();
  } catch (fault) {
    if (fault.isFinal) sessionStorage.removeItem(KEY);
    if (api === candidate) leave();
    throw fault;
  }
  show("work");
  const forced = new URLSearchParams(location.search).get("transport");
  live = new Live(api, { state, event: heard, begin: load }, forced);
}

function leave() {
  live?.stop();
  api?.close();
  [api, live, next] = [null, null, null];
  shown.clear();
  $("links").replaceChildren();
  $("last").textContent = "";
  unwatch();
  state({ phase: "out" });
  show("login");
}

function show(section) {
  for (const id of ["login", "work"]) $(id).hidden = id !== section;
  $("leave").hidden = section !== "work";
}

$("login-form").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const key = $("key").value.trim();
  $("login-fault").textContent = "";
  // With it off, the form is not sent by the Enter key either: one login, one connection.
  $("enter").disabled = true;
  try {
    await enter(new Api(key));
    if ($("keep").checked) sessionStorage.setItem(KEY, key);
    $("key").value = "";
    $("destination").focus();
  } catch (fault) {
    $("login-fault").textContent = fault.message;
    $("key").focus();
  } finally {
    $("enter").disabled = false;
  }
});

$("leave").addEventListener("click", async () => {
  const isSession = !api.hasKey;
  if (isSession) await api.post("/auth/logout").catch(complain);
  sessionStorage.removeItem(KEY);
  leave();
  $("key").focus();
});

// Links

/** Reads the newest links anew, and what is watched. Rows that stay are kept, with the focus that they may have. */
async function load() {
  const page = await api.get(`/v1/links?limit=${PAGE}`);
  const fresh = new Set(page.data.map((link) => link.id));
  for (const id of [...shown.keys()]) if (!fresh.has(id) && id !== watched) remove(id);
  turn(page);
  if (watched) await count(watched);
}

/** Shows a page of links, and whether there is another. */
function turn(page) {
  for (const link of page.data) put(link);
  next = page.next_cursor;
  $("more").hidden = !page.has_more;
}

/** Shows a link as it is now, unless something newer is known of it. */
function put(link) {
  const known = shown.get(link.id);
  if (known && known.link.version > link.version) return;
  const entry = known ?? { row: makeRow(link.id), counts: { counted: 0 } };
  entry.link = link;
  // Counts only grow; an event may be older than what was read since.
  entry.counts = link.clicks > entry.counts.counted ? { counted: link.clicks } : entry.counts;
  shown.set(link.id, entry);
  if (!known) insert(entry);
  draw(entry);
}

/** Puts a row to its place, the newest first. */
function insert(entry) {
  const made = (id) => Date.parse(shown.get(id).link.created_at);
  const older = [...$("links").children].find((row) => made(row.id) < made(entry.row.id));
  $("links").insertBefore(entry.row, older ?? null);
  $("none").hidden = true;
}

function makeRow(id) {
  const row = $("row").content.firstElementChild.cloneNode(true);
  row.id = id;
  part(row, "watch").addEventListener("click", () => (watched === id ? unwatch() : watch(id)));
  part(row, "copy").addEventListener("click", ({ target }) => copy(shown.get(id).link.short_url, target));
  return row;
}

const part = (row, name) => row.querySelector(`[data-part=${name}]`);

function draw({ link, counts, row }) {
  const address = part(row, "address");
  [address.textContent, address.href] = [link.short_url, link.short_url];
  part(row, "destination").textContent = link.destination;
  part(row, "status").textContent = link.status === "active" ? "" : link.status.replace("_", " ");
  part(row, "clicks").textContent = numbers.format(counts.counted);
  part(row, "watch").setAttribute("aria-label", `Watch ${link.slug}`);
  part(row, "watch").setAttribute("aria-pressed", String(watched === link.id));
  part(row, "copy").setAttribute("aria-label", `Copy the short address of ${link.slug}`);
  if (watched === link.id) drawWatched();
}

function remove(id) {
  shown.get(id)?.row.remove();
  shown.delete(id);
  if (watched === id) unwatch();
  $("none").hidden = shown.size > 0;
}

$("more").addEventListener("click", async () => {
  await api.get(`/v1/links?${new URLSearchParams({ limit: PAGE, cursor: next })}`).then(turn).catch(complain);
});

$("create").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const body = { destination: $("destination").value.trim() };
  if ($("slug").value.trim()) body.slug = $("slug").value.trim();
  const text = JSON.stringify(body);
  if (draft.text !== text) draft = { text, name: requestName() };
  faults([]);
  $("make").disabled = true;
  try {
    put(await api.post("/v1/links", body, { headers: { "Idempotency-Key": draft.name } }));
    draft = { text: "", name: "" };
    $("create").reset();
    $("destination").focus();
  } catch (fault) {
    const details = fault instanceof Refusal ? fault.details : [];
    faults(details);
    if (!details.length) complain(fault);
  } finally {
    $("make").disabled = false;
  }
});

/** Shows each fault at its field, and goes to the first; those of other fields are told below the form. */
function faults(details) {
  $("fault").textContent = "";
  const fields = ["destination", "slug"];
  for (const name of fields) {
    const issue = details.find(({ field }) => field === name)?.issue ?? "";
    $(`${name}-fault`).textContent = issue;
    $(name).setAttribute("aria-invalid", String(issue !== ""));
  }
  const others = details.filter(({ field }) => !fields.includes(field));
  $("fault").textContent = others.map(({ field, issue }) => `${field}: ${issue}`).join("; ");
  fields.map($).find((field) => field.getAttribute("aria-invalid") === "true")?.focus();
}

function complain(fault) {
  if (fault.name !== "AbortError") $("fault").textContent = fault.message;
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Over plain HTTP there is no clipboard: the address is at least easy to take.
    getSelection().selectAllChildren(part(button.closest("li"), "address"));
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

// One link's clicks

function watch(id) {
  unwatch();
  watched = id;
  $("watched").hidden = false;
  draw(shown.get(id));
  count(id).catch(complain);
}

function unwatch() {
  const before = shown.get(watched);
  watched = null;
  chart.clear();
  $("watched").hidden = true;
  if (before) draw(before);
}

/** Reads what was counted for a link since it was made. */
async function count(id) {
  const { link } = shown.get(id);
  const { total } = await api.get(`/v1/links/${id}/stats?${new URLSearchParams({ from: link.created_at })}`);
  const entry = shown.get(id);
  // What came while this was under way is in it, or newer.
  if (!entry || total.counted < entry.counts.counted) return;
  entry.counts = total;
  draw(entry);
}

function drawWatched() {
  const { link, counts } = shown.get(watched);
  const kinds = ["human", "bot", "duplicate"].filter((kind) => counts[kind] !== undefined);
  $("watched-link").textContent = link.short_url;
  $("total").textContent = numbers.format(counts.counted);
  $("kinds").textContent = kinds.map((kind) => `${numbers.format(counts[kind])} ${kind}`).join(", ");
}

/** Clicks that were counted. They come with the total, and without it where an older server tells of them. */
function clicked({ link: { id }, clicks, total }, at) {
  const entry = shown.get(id);
  if (!entry) return;
  const before = entry.counts;
  const sum = Object.fromEntries(Object.keys(before).map((kind) => [kind, before[kind] + clicks[kind]]));
  const counts = total ?? sum;
  if (counts.counted <= before.counted) return;
  entry.counts = counts;
  if (watched === id) chart.add(counts.counted - before.counted, at);
  draw(entry);
}

// What happens

/** The least that an event took to come, by the clock here: how far the clocks are apart, and a little more. */
let apart = Infinity;

function heard({ event, data, created_at }) {
  const at = Date.parse(created_at);
  apart = Math.min(apart, Date.now() - at);
  if (event === "link.clicked") clicked(data, at + apart);
  else if (event === "link.deleted") remove(data.link.id);
  else if (event === "link.created" || shown.has(data.link.id)) put(data.link);
  $("last").textContent = `${event} at ${new Date(at).toLocaleTimeString()}`;
}

/** How the connection stands. Only a change of it is announced, not each second of a wait. */
function state({ phase, way, until, why }) {
  const texts = {
    out: "Signed out",
    connecting: `Connecting over ${WAYS[way]}`,
    live: `Live over ${WAYS[way]}`,
    waiting: `Reconnecting: ${why}`,
    refused: `Refused: ${why}`,
  };
  $("state").textContent = texts[phase];
  Object.assign($("state").dataset, { phase, way: way ?? "" });
  $("countdown").dataset.until = until ?? "";
  tick();
}

function tick() {
  const until = Number($("countdown").dataset.until);
  $("countdown").textContent = until ? `in ${Math.max(0, Math.ceil((until - Date.now()) / 1_000))} s` : "";
  if (watched && !document.hidden) chart.draw();
}

setInterval(tick, 1_000);
start().catch((fault) => ($("login-fault").textContent = fault.message));
