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
/** How often it is looked whether an open stream keeps something back, and how long an event may be on its way. */
const [LOOK_EVERY_MS, ON_THE_WAY_MS] = [30_000, 2_000];
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
   * `ear` is told `state({phase, way, until, why})` and `event(event)`, and asked to `await begin()`: to read what there is,
   * since events are told from there on. `forced` names the only way that is tried.
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

  /** The way is open. */
  opened() {
    if (this.#openedAt !== null) return;
    this.#openedAt = Date.now();
    this.#ear.state({ phase: "live", way: this.#way });
  }

  heard(event, cursor) {
    this.cursor = cursor;
    this.#ear.event(event);
  }

  /** The place is gone from the log: everything is read anew, at once. */
  forget() {
    this.cursor = null;
    return 0;
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
        if (this.cursor === null) await this.#begin();
        wait = await WAYS[way](this);
        this.#tries = 0;
        if (way === "sse") this.#breaks = 0;
      } catch (fault) {
        if (this.signal.aborted) return;
        if (fault instanceof Refusal && fault.isFinal) {
          this.#ear.state({ phase: "refused", way, why: fault.message });
          return;
        }
        if (fault.code === "INVALID_CURSOR") this.forget();
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

  /** In this order, so that nothing falls between what is read and what is told. */
  async #begin() {
    const { next_cursor } = await this.ask("/v1/events?from=now&limit=1");
    await this.#ear.begin();
    this.cursor = next_cursor;
  }

  /** Waits, or until the browser has a network again. */
  async #pause(wait, way, why) {
    this.#ear.state({ phase: "waiting", way, until: Date.now() + wait, why });
    const waking = new AbortController();
    addEventListener("online", () => waking.abort(), { signal: waking.signal });
    await sleep(wait, AbortSignal.any([this.signal, waking.signal])).catch(() => {});
    waking.abort();
  }
}

/** Server-sent events. A ticket opens one connection, so a stream that breaks is not left to the browser. */
async function sse(link) {
  const query = new URLSearchParams({ types: TYPES, cursor: link.cursor, ...(await link.admission()) });
  const source = new EventSource(`/v1/events/stream?${query}`);
  return settle(link, () => source.close(), (opened, resolve, reject, signal) => {
    source.onopen = () => {
      opened();
      watchOver(link, signal).then(reject, () => {});
    };
    source.onerror = () => reject(new Break("the stream broke off"));
    for (const type of TYPES) {
      source.addEventListener(type, (message) => link.heard(JSON.parse(message.data), message.lastEventId));
    }
    source.addEventListener("reset", () => resolve(link.forget()));
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
      socket.send(JSON.stringify({ type: "subscribe", id: "page", types: TYPES, cursor: link.cursor }));
    };
    socket.onclose = ({ code }) => reject(new Break(`the socket was closed (${code})`));
    const told = {
      subscribed: opened,
      event: ({ event }) => link.heard(event, event.cursor),
      reset: () => resolve(link.forget()),
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
  for (let wait = 0; ; wait = HELD_S) {
    const page = await link.ask(`/v1/events?${new URLSearchParams({ types: TYPES, cursor: link.cursor, wait })}`);
    link.opened();
    for (const event of page.data) link.heard(event, event.cursor);
    link.cursor = page.next_cursor;
    if (link.isOver) return 0;
  }
}

/**
 * Gives a break once something happened that the stream keeps back. Some proxies collect an answer before they pass it on,
 * and of a stream that is open no script sees whether its bytes come.
 */
async function watchOver(link, signal) {
  for (let pause = OPEN_WITHIN_MS; ; pause = LOOK_EVERY_MS) {
    await sleep(pause, signal);
    const { cursor } = link;
    const asked = link.ask(`/v1/events?${new URLSearchParams({ types: TYPES, cursor, limit: 1 })}`);
    // A look that fails says nothing of the stream; the next one may.
    const page = await asked.catch(() => null);
    await sleep(ON_THE_WAY_MS, signal);
    if (page?.data.length > 0 && link.cursor === cursor) return blocked("something keeps the stream back");
  }
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    // Of a signal that was given before, no listener hears.
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => [clearTimeout(timer), reject(signal.reason)], { once: true });
  });
}

const blocked = (why) => Object.assign(new Break(why), { isBlocked: true });

/** Follows a connection to its end, which is `close`d then, and gives up on one that does not open in time. */
function settle(link, close, follow) {
  const end = new AbortController();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(blocked("nothing came within 5 s")), OPEN_WITHIN_MS);
    const opened = () => {
      clearTimeout(timer);
      link.opened();
    };
    link.signal.addEventListener("abort", () => reject(link.signal.reason), { signal: end.signal });
    end.signal.addEventListener("abort", () => clearTimeout(timer));
    follow(opened, resolve, reject, end.signal);
  }).finally(() => {
    end.abort();
    close();
  });
}
