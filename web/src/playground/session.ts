// One run at the server: asks one thing at a time, the most urgent first: a new run, another cell, then more epochs.
import {
  advanceRun,
  type Cell,
  fetchState,
  type Plane,
  Refusal,
  type Settings,
  type State,
  startRun,
} from "./api";

const MOST_EPOCHS = 50; // of one call
const PACE = 130; // milliseconds of a picture, at the automatic pace
const SHARE = 25; // at the automatic pace a step is at most 1/25 of the epochs so far: the start is seen in detail

/** Epochs of a step; "auto" grows with the epochs done and shrinks where the server is slow. */
export type Pace = "auto" | number;

export interface SessionEvents {
  /** A new state is there. */
  state: (state: State, plane: Plane) => void;
  /** Playing, busy or nothing of both. */
  activity: () => void;
  refused: (refusal: Refusal) => void;
}

export class Session {
  playing = false;
  busy = false;
  pace: Pace = "auto";
  settings: Settings;
  cell: Cell;
  state: State | undefined;
  readonly #events: SessionEvents;
  #run: string | undefined;
  #plane: Plane | undefined;
  #owed = 0; // epochs that were asked for step by step and are not done
  #epochsOfStep = 1;
  #abort = new AbortController();
  #turning = false;
  #closed = false;
  #refused = false;

  constructor(settings: Settings, cell: Cell, events: SessionEvents) {
    this.settings = settings;
    this.cell = cell;
    this.#events = events;
  }

  /** Begin anew with these settings; what is under way is dropped. */
  restart(settings: Settings): void {
    this.settings = settings;
    this.#refused = false;
    this.#run = undefined;
    this.#owed = 0;
    this.#epochsOfStep = 1;
    this.#abort.abort();
    this.#abort = new AbortController();
    void this.#turn();
  }

  look(cell: Cell): void {
    this.cell = cell;
    void this.#turn();
  }

  play(on: boolean): void {
    this.playing = on;
    this.#owed = 0;
    this.#events.activity();
    void this.#turn();
  }

  step(): void {
    this.playing = false;
    this.#owed += this.pace === "auto" ? 1 : this.pace;
    this.#events.activity();
    void this.#turn();
  }

  close(): void {
    this.#closed = true;
    this.playing = false;
    this.#abort.abort();
  }

  async #turn(): Promise<void> {
    if (this.#turning) return;
    this.#turning = true;
    try {
      while (!this.#closed && !this.#refused && this.#isWanting) {
        this.#setBusy(true);
        await this.#ask(this.#abort.signal);
        await nextFrame();
      }
    } finally {
      this.#turning = false;
      this.#setBusy(false);
    }
  }

  get #isElsewhere(): boolean {
    return this.state?.l2 !== this.cell.l2 || this.state?.dropout !== this.cell.dropout;
  }

  get #isWanting(): boolean {
    return this.#run === undefined || this.#isElsewhere || this.playing || this.#owed > 0;
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      await this.#askNext(signal);
    } catch (failure) {
      if (signal.aborted) return;
      this.#stop();
      if (failure instanceof Refusal) this.#events.refused(failure);
      else throw failure;
    }
  }

  async #askNext(signal: AbortSignal): Promise<void> {
    const { cell, settings } = this;
    if (this.#run === undefined) {
      const run = await startRun(settings, cell, signal);
      if (signal.aborted) return;
      this.#run = run.id;
      this.settings = run.settings;
      this.#plane = run.state.plane;
      this.#take(run.state);
    } else if (this.#isElsewhere) {
      const state = await fetchState(this.#run, cell, signal);
      if (!signal.aborted) this.#take(state);
    } else await this.#advance(this.#run, cell, signal);
  }

  async #advance(run: string, cell: Cell, signal: AbortSignal): Promise<void> {
    const epochs = this.#epochsNow();
    const before = this.state?.epoch ?? 0;
    const began = performance.now();
    const state = await advanceRun(run, epochs, cell, signal);
    if (signal.aborted) return;
    const done = state.epoch - before; // 0: paused within one, which the next call goes on with
    const each = (performance.now() - began) / Math.max(1, done);
    this.#epochsOfStep = Math.max(1, Math.floor(PACE / Math.max(each, 1)));
    this.#owed = Math.max(0, this.#owed - done);
    this.#take(state);
  }

  #epochsNow(): number {
    if (this.#owed > 0) return Math.min(this.#owed, MOST_EPOCHS);
    if (this.pace !== "auto") return this.pace;
    const epoch = this.state?.epoch ?? 0;
    return Math.max(1, Math.min(this.#epochsOfStep, Math.ceil(epoch / SHARE), MOST_EPOCHS));
  }

  #take(state: State): void {
    this.state = state;
    if (this.#plane) this.#events.state(state, this.#plane);
  }

  /** After a refusal nothing is asked again by itself: the reader decides. */
  #stop(): void {
    this.playing = false;
    this.#owed = 0;
    this.#refused = true;
    this.#events.activity();
  }

  #setBusy(busy: boolean): void {
    if (this.busy === busy) return;
    this.busy = busy;
    this.#events.activity();
  }
}

/** Wait until the picture is drawn; in a hidden tab, a while, so that a forgotten one rests. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    if (document.hidden) document.addEventListener("visibilitychange", () => resolve(), { once: true });
    else requestAnimationFrame(() => resolve());
  });
}
