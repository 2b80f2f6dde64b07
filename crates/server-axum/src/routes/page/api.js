/**
 * The API of the server that this page came from: by a key, or by the session that this browser has.
 */

/** The longest wait for an answer; the server's own limit is 30 s, so that its answer comes first. */
const PATIENCE_MS = 35_000;

/** An answer that is an error, in the one shape that the API has for them. */
export class Refusal extends Error {
  constructor(status, error, retryAfter) {
    super(error?.message ?? `The server answered with status ${status}`);
    this.status = status;
    this.code = error?.code ?? "";
    /** Faulty fields: `{field, issue}`. */
    this.details = error?.details ?? [];
    this.retryAfterMs = (Number(retryAfter) || 0) * 1_000;
  }

  /** Whether asking again is useless until somebody signs in anew, or has more rights. */
  get isFinal() {
    return this.status === 401 || this.status === 403;
  }
}

export class Api {
  #key;
  #over = new AbortController();

  /** With a key, or, without one, by the session of this browser. */
  constructor(key = null) {
    this.#key = key;
  }

  get hasKey() {
    return this.#key !== null;
  }

  /** Breaks off what is under way, for good: nothing of it comes after whoever asked has left. */
  close() {
    this.#over.abort();
  }

  get(path, options) {
    return this.#ask("GET", path, options);
  }

  post(path, body, options) {
    return this.#ask("POST", path, { ...options, body });
  }

  /**
   * What opens one live stream, for its address: neither `EventSource` nor `WebSocket` can send a key. With a session
   * there is none, since the cookie comes along; that the session still holds is asked all the same, because a stream
   * that is refused tells no script why.
   */
  async admission(signal) {
    if (this.hasKey) return { ticket: (await this.post("/v1/events/tickets", undefined, { signal })).ticket };
    await this.get("/auth/session", { signal });
    return {};
  }

  async #ask(method, path, { body, headers = {}, signal, patience = PATIENCE_MS } = {}) {
    const limits = [this.#over.signal, AbortSignal.timeout(patience), ...(signal ? [signal] : [])];
    const limit = AbortSignal.any(limits);
    const answer = await fetch(path, {
      method,
      headers: {
        Accept: "application/json",
        ...(this.hasKey && { Authorization: `Bearer ${this.#key}` }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      // Two signs at once, a key and a cookie, would be refused.
      credentials: this.hasKey ? "omit" : "same-origin",
      cache: "no-store",
      signal: limit,
    });
    const value = answer.status === 204 ? null : await answer.json().catch(() => null);
    // An answer that was broken off is none, rather than an empty one.
    limit.throwIfAborted();
    if (answer.ok) return value;
    throw new Refusal(answer.status, value?.error, answer.headers.get("Retry-After"));
  }
}

/** A name for one request that may be sent twice. `crypto.randomUUID` would be there over HTTPS alone. */
export function requestName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
