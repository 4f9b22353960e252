// Hands out the machine's job slots: a stage takes one, several or all, in the order of asking.

export class Slots {
  readonly #total: number;
  #free: number;
  readonly #waiting: { want: number; start: () => void }[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /** Runs `work` once `want` slots are free; `all`, and more than there are, mean all. */
  async use<T>(want: number | 'all', work: () => Promise<T>): Promise<T> {
    const slots = want === 'all' ? this.#total : Math.min(want, this.#total);
    await new Promise<void>((start) => {
      this.#waiting.push({ want: slots, start });
      this.#serve();
    });
    try {
      return await work();
    } finally {
      this.#free += slots;
      this.#serve();
    }
  }

  /** First come, first served, so that a stage that wants all slots is not passed over for ever. */
  #serve(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.want <= this.#free;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#free -= next.want;
      next.start();
    }
  }
}
