/**
 * The events of a workspace as they happen, over whatever the network lets through.
 *
 * Server-sent events first; where they do not come through, held polls, and after a minute server-sent events again. All
 * ways share one cursor, so what happens during a break or between two ways is told afterwards, once.
 */
import { Refusal } from "./api.js";

const TYPES = ["link.created", "link.updated", "link.deleted", "link.expired", "link.clicked"];
/** A stream that has not begun by then is held back by something in between. */
const OPEN_WITHIN_MS = 5_000;
/** So many breaks running, and a way counts as closed. */
const BREAKS = 3;
/** How long it does: networks change, and people move between them. */
const CLOSED_FOR_MS = 60_000;
/** What has lasted that long was no failure. */
const LASTING_MS = 5_000;
/** How long a poll is held: below the half minute after which some proxies give up. */
const HELD_S = 25;
/** Waits between tries: full jitter below a bound that doubles from the first to the last of these. */
const WAITS_MS = [500, 30_000];

/** The way is broken, not the caller's right to it. */
class Break extends Error {}

/**
 * Each way follows the events from `link.cursor` on. It tells `link` what it hears, ends with the milliseconds after which
 * the server wants it back, and throws when it breaks.
 */
const WAYS = { sse, socket, poll };

export class Live {
  #api;
  #ear;
  #forced;
  #over = new AbortController();
  #openedAt = null;
  #way = null;
  #breaks = 0;
  #tries = 0;
  #closedUntil = 0;
  /** Where to go on; `null` where everything is to be read anew. */
  cursor = null;

  /**
   * `ear` is told `state({phase, way, until, why})`, `event(event)`, and `begin()` when events come from now on and what
   * was before must be read. `forced` names the only way that is tried.
   */
  constructor(api, ear, forced = null) {
    [this.#api, this.#ear, this.#forced] = [api, ear, Object.hasOwn(WAYS, forced) ? forced : null];
    this.#run();
  }

  stop() {
    this.#over.abort();
  }

  get signal() {
    return this.#over.signal;
  }

  admission() {
    return this.#api.admission(this.signal);
  }

  ask(path) {
    return this.#api.get(path, { signal: this.signal, patience: (HELD_S + 10) * 1_000 });
  }

  /** The way is open, and stands at `cursor` if it knows. */
  opened(cursor = null) {
    if (this.#openedAt !== null) return;
    this.#openedAt = Date.now();
    const isNew = this.cursor === null;
    this.cursor ??= cursor;
    this.#ear.state({ phase: "live", way: this.#way });
    if (isNew) this.#ear.begin();
  }

  heard(event, cursor) {
    this.cursor = cursor;
    this.#ear.event(event);
  }

  /** The events between the last one and this place are not told. */
  missed(cursor) {
    this.cursor = cursor;
    this.#ear.begin();
  }

  /** Whether the way of last resort should make room for a better one. */
  get isOver() {
    return this.signal.aborted || (this.#forced === null && Date.now() >= this.#closedUntil);
  }

  async #run() {
    while (!this.signal.aborted) {
      const way = this.#forced ?? (Date.now() < this.#closedUntil ? "poll" : "sse");
      [this.#way, this.#openedAt] = [way, null];
      this.#ear.state({ phase: "connecting", way });
      let wait = 0;
      let why = "the server asked to come back";
      try {
        wait = await WAYS[way](this);
        this.#tries = 0;
        if (way === "sse") this.#breaks = 0;
      } catch (fault) {
        if (this.signal.aborted) return;
        if (fault instanceof Refusal && fault.isFinal) {
          this.#ear.state({ phase: "refused", way, why: fault.message });
          return;
        }
        if (fault.code === "INVALID_CURSOR") this.cursor = null;
        const hasLasted = this.#openedAt !== null && Date.now() - this.#openedAt > LASTING_MS;
        this.#tries = hasLasted ? 1 : this.#tries + 1;
        // That the server cannot be reached at all, which shows before a stream is asked for, is not the way's fault.
        if (way === "sse" && fault instanceof Break) {
          this.#breaks = fault.isBlocked ? BREAKS : hasLasted ? 1 : this.#breaks + 1;
          if (this.#breaks >= BREAKS) this.#closedUntil = Date.now() + CLOSED_FOR_MS;
        }
        wait = Math.max(fault.retryAfterMs ?? 0, Math.random() * Math.min(WAITS_MS[0] * 2 ** this.#tries, WAITS_MS[1]));
        why = fault instanceof Break || fault instanceof Refusal ? fault.message : "the server is out of reach";
      }
      if (wait > 0) await this.#pause(wait, way, why);
    }
  }

  /** Waits, or until the browser has a network again. */
  #pause(wait, way, why) {
    this.#ear.state({ phase: "waiting", way, until: Date.now() + wait, why });
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        removeEventListener("online", done);
        resolve();
      };
      const timer = setTimeout(done, wait);
      addEventListener("online", done);
      this.signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** Server-sent events. A ticket opens one connection, so a stream that breaks is not left to the browser. */
async function sse(link) {
  const query = await queryOf(link);
  const source = new EventSource(`/v1/events/stream?${query}`);
  return settle(link, () => source.close(), (opened, resolve, reject) => {
    source.onopen = opened;
    source.onerror = () => reject(new Break("the stream broke off"));
    for (const type of TYPES) {
      source.addEventListener(type, (message) => link.heard(JSON.parse(message.data), message.lastEventId));
    }
    for (const type of ["reset", "skipped"]) {
      source.addEventListener(type, (message) => link.missed(message.lastEventId));
    }
    source.addEventListener("closing", (message) => resolve(JSON.parse(message.data).reconnect_after_ms));
  });
}

/** A WebSocket with one subscription. */
async function socket(link) {
  const { ticket } = await link.admission();
  const url = new URL("/v1/events/socket", location.href.replace(/^http/, "ws"));
  if (ticket) url.searchParams.set("ticket", ticket);
  const socket = new WebSocket(url, "waypost.v1");
  return settle(link, () => socket.close(), (opened, resolve, reject) => {
    socket.onopen = () => {
      const place = link.cursor && { cursor: link.cursor };
      socket.send(JSON.stringify({ type: "subscribe", id: "page", types: TYPES, ...place }));
    };
    socket.onclose = ({ code }) => reject(new Break(`the socket was closed (${code})`));
    const told = {
      subscribed: ({ cursor }) => opened(cursor),
      event: ({ event }) => link.heard(event, event.cursor),
      reset: ({ cursor }) => link.missed(cursor),
      skipped: ({ cursor }) => link.missed(cursor),
      closing: ({ reconnect_after_ms }) => resolve(reconnect_after_ms),
      error: ({ error }) => reject(new Refusal(0, error)),
    };
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      told[frame.type]?.(frame);
    };
  });
}

/** Held polls, until a better way may be tried. The first is not held, so that it is soon known whether they work. */
async function poll(link) {
  const place = (cursor) => (cursor ? { cursor } : { from: "now" });
  for (let wait = 0; ; wait = HELD_S) {
    const query = new URLSearchParams({ types: TYPES, wait, ...place(link.cursor) });
    const page = await link.ask(`/v1/events?${query}`);
    link.opened(page.next_cursor);
    for (const event of page.data) link.heard(event, event.cursor);
    link.cursor = page.next_cursor;
    if (link.isOver) return 0;
  }
}

async function queryOf(link) {
  const admission = await link.admission();
  return new URLSearchParams({ types: TYPES, ...(link.cursor && { cursor: link.cursor }), ...admission });
}

/** Follows a connection to its end, which is `close`d then, and gives up on one that does not open in time. */
function settle(link, close, follow) {
  const end = new AbortController();
  return new Promise((resolve, reject) => {
    const late = () => reject(Object.assign(new Break("nothing came within 5 s"), { isBlocked: true }));
    const timer = setTimeout(late, OPEN_WITHIN_MS);
    const opened = (cursor) => {
      clearTimeout(timer);
      link.opened(typeof cursor === "string" ? cursor : null);
    };
    link.signal.addEventListener("abort", () => reject(link.signal.reason), { signal: end.signal });
    end.signal.addEventListener("abort", () => clearTimeout(timer));
    follow(opened, resolve, reject);
  }).finally(() => {
    end.abort();
    close();
  });
}
