/** Types that the sources share and do not publish. */
import type { Gap, Problem } from "../index.js";
export type * from "../index.js";

/** What came over the stream as one event. `id`: the last one so far, "" if none. */
export interface Frame {
  type: string;
  id: string;
  data: any;
}

/** A place in a video's log: behind the entry with this number. */
export interface Place {
  epoch: string;
  seq: number;
}

/** What a frame means at a place. `again`: take the same frame once more when this is dealt with. */
export type Step =
  | { kind: "entry" | "old" | "other" }
  | { kind: "reset"; reason: string; again: boolean }
  | { kind: "hole"; from: number; to: number; reason: string; again: boolean };

/** Where frames come from. Started once, stopped once. */
export interface Source {
  start(): void;
  stop(): void;
  /** From the reader's cursor again. */
  restart(): void;
  /** Something has changed (a network, a page that woke up): do not wait, and do not trust. */
  poke(): void;
}

/** Who gets them. */
export interface Reader {
  /** Where the next connection begins. */
  cursor(): string | undefined;
  frames(frames: Frame[]): void;
  /** It ended, and will be opened again. */
  lost(reason: string): void;
  /** It will not be opened again. */
  refused(problem: Problem): void;
  /** Anything came, heartbeats too. */
  heard?(): void;
  /** Read the newest comments as a page, until somebody answers: where the source cannot tell older ones. */
  begin(count: number): Promise<void>;
  /** The rules of the video as they are now. */
  state(): object;
}
export type MakeSource = (reader: Reader) => Source;

/** Who tells the page. */
export interface Teller {
  tell(type: string, data: any, source: "stream" | "history"): void;
  gap(gap: Gap): void;
  reset(reason: string): void;
  live(): void;
  lost(reason: string): void;
  refused(problem: Problem): void;
  /** The cursor may be another one. */
  moved(): void;
  state(): object;
}

export interface Call {
  /** Becomes JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  /** Where a token is not sent unless it is needed. */
  reads?: boolean;
  signal?: AbortSignal;
  /** For how long it is sent again; not at all by default. */
  withinMs?: number;
}

/** Between tabs. */
export type Message =
  | { kind: "join" | "beat" | "leader"; from: string }
  | { kind: "welcome"; from: string; to: string; frames: Frame[]; lost: string | undefined }
  | { kind: "frames"; from: string; frames: Frame[] }
  | { kind: "lost"; from: string; reason: string };
