/** What questions about the answer are told: nothing was sent, and nothing is set. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  statusCode: 200,
  headersSent: false,
  sent: false,
  writableEnded: false,
  writableFinished: false,
  destroyed: false,
  getHeader: () => undefined,
  get: () => undefined,
  hasHeader: () => false,
  getHeaders: () => ({}),
  getHeaderNames: () => [],
};

/**
 * The HTTP response that code written for HTTP finds on a message, which has none: calls and assignments have no effect.
 * Its methods return itself, so chains like `response.status(500).json(…)` work.
 */
export class IgnoredResponse {
  /** It was used, so the code that did believes that the client got an answer. */
  touched = false;

  readonly proxy: object = new Proxy(() => undefined, {
    get: (_target, name) => {
      this.touched = true;
      // Awaiting it must not wait for it.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      if (Object.hasOwn(ANSWERS, name)) return ANSWERS[name];
      return name === 'locals' ? {} : this.#method;
    },
    has: () => {
      this.touched = true;
      return true;
    },
    set: () => {
      this.touched = true;
      return true;
    },
  });

  readonly #method = (): object => this.proxy;
}
