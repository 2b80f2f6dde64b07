/**
 * A chart of what came in during the last minute: one bar a second.
 */

const SECONDS = 60;
const HEIGHT = 30;

export class Chart {
  #svg;
  #bars;
  /** Counts by second, the newest ones only. */
  #counts = new Map();

  /** Draws into an `<svg>`, which need not hold anything. */
  constructor(svg) {
    this.#svg = svg;
    svg.setAttribute("viewBox", `0 0 ${SECONDS} ${HEIGHT}`);
    this.#bars = Array.from({ length: SECONDS }, (_, place) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      bar.setAttribute("x", place + 0.1);
      bar.setAttribute("width", 0.8);
      return bar;
    });
    svg.replaceChildren(...this.#bars);
    this.draw();
  }

  clear() {
    this.#counts.clear();
    this.draw();
  }

  add(count, at = Date.now()) {
    const second = Math.floor(at / 1_000);
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + count);
    this.draw();
  }

  /** Draws the minute that ends now; to be called once a second. */
  draw() {
    const first = Math.floor(Date.now() / 1_000) - SECONDS + 1;
    for (const second of this.#counts.keys()) if (second < first) this.#counts.delete(second);
    const counts = this.#bars.map((_, place) => this.#counts.get(first + place) ?? 0);
    // A single click is no tower: the scale begins at four.
    const most = Math.max(4, ...counts);
    this.#bars.forEach((bar, place) => {
      const height = (counts[place] / most) * HEIGHT;
      bar.setAttribute("y", HEIGHT - height);
      bar.setAttribute("height", height);
    });
    const sum = counts.reduce((all, count) => all + count, 0);
    this.#svg.setAttribute("aria-label", `${sum} clicks in the last ${SECONDS} seconds`);
  }
}
