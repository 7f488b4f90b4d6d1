/** Types of @livecomments/client. What comes over the wire keeps its names (`author_id`). */

export interface Options {
  /** Origin of the gateway, such as `https://comments.example.org`; the page's own by default. */
  url?: string;
  /** A token of your application, or null for a guest. Asked when one is needed, and when it was refused. */
  getToken?: (why: { reason: "missing" | "expired" | "invalid" }) => Promise<string | null> | string | null;
  /** One stream for all tabs of this origin; by default where the browser can. */
  shareTabs?: boolean;
  /** Another `fetch`. */
  fetch?: typeof fetch;
}

export interface VideoOptions {
  /** How many older entries the stream begins with if there is no cursor: 0 to 200, default 50; else a RangeError. */
  replay?: number;
  /** Where an earlier visit ended (`video.cursor`); nothing that came after it is missed. */
  cursor?: string;
  /** So many comments are read from history before the stream's first event, instead of `replay`: 0 to 1,000. */
  history?: number;
  /** No stream while the page is hidden, default false; it comes back with the cursor. */
  pauseWhenHidden?: boolean;
}

export interface Comment {
  id: string;
  video_id: string;
  seq: number;
  author: string;
  text: string;
  created_at: string;
  author_id?: string;
  badges?: string[];
  guest?: boolean;
}

export interface Settings {
  slow_mode_s: number;
  closed: boolean;
  members_only: boolean;
  links: boolean;
  guests: boolean;
  repeats: boolean;
}

export interface Viewers {
  now: number;
  peak: number;
}

/** What happened to earlier comments or to the video; each has a place in the log like a comment. */
export interface EntryBase {
  id: string;
  video_id: string;
  seq: number;
  created_at: string;
}
export interface Removed extends EntryBase {
  type: "removed";
  targets: number[];
  by: "author" | "moderator" | "erasure" | (string & {});
  reason?: string;
}
export interface Restored extends EntryBase {
  type: "restored";
  comment: Comment;
}
export interface SettingsChanged extends EntryBase, Settings {
  type: "settings";
}
export interface Sanctioned extends EntryBase {
  type: "sanctioned";
  author_id: string;
  until: string | null;
  purge: boolean;
}
export interface PinnedEntry extends EntryBase {
  type: "pinned";
  comment: Comment | null;
}
export interface Tombstone extends EntryBase {
  type: "tombstone";
}
export type Entry =
  | (Comment & { type?: undefined })
  | Removed
  | Restored
  | SettingsChanged
  | Sanctioned
  | PinnedEntry
  | Tombstone;

export type State = "closed" | "connecting" | "live" | "recovering";

export interface Context {
  source: "stream" | "history";
  seq: number;
  id: string;
}

export interface Gap {
  from: number;
  to: number;
  reason: "limit" | "memory" | "retention" | "missing" | (string & {});
  /** Whether all that it spans was read from the log, and told before this event. */
  filled: boolean;
}

/** Events of a video: name -> arguments of its listeners. */
export type VideoEvents = {
  state: [{ state: State; previous: State; reason: string }];
  comment: [Comment, Context];
  removed: [Removed];
  restored: [Restored];
  settings: [Settings];
  sanctioned: [Sanctioned];
  pinned: [{ comment: Comment | null }];
  viewers: [Viewers];
  gap: [Gap];
  reset: [{ reason: string }];
  problem: [Problem];
  cursor: [{ cursor: string }];
};

declare class Emitter<Events extends Record<string, any[]>> {
  on<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  once<Name extends keyof Events>(name: Name, listener: (...args: Events[Name]) => void): this;
  off<Name extends keyof Events>(name: Name, listener?: (...args: Events[Name]) => void): this;
}

export interface NewComment {
  text: string;
  /** Left out where the token names the author. */
  author?: string;
  /**
   * Idempotency key: 1 to 128 printable ASCII characters, drawn by default. To post again what may
   * be stored already, give the `key` of the Problem.
   */
  key?: string;
}
export type Posted =
  | { status: "posted"; comment: Comment; held?: undefined; expiresAt?: undefined }
  | { status: "held"; held: string; expiresAt: string; comment?: undefined };

export interface PageQuery {
  before?: string;
  after?: string;
  limit?: number;
  signal?: AbortSignal;
}
export interface CommentPage {
  comments: Comment[];
  head: string;
  first: string;
  last: string;
  more: boolean;
}
export interface EntryPage {
  entries: Entry[];
  head: string;
  first: string;
  last: string;
  more: boolean;
}
export interface Me {
  may_post: boolean;
  code?: string;
  retry_after_s?: number;
  author_id?: string;
  name?: string;
  badges?: string[];
}

export class LiveComments {
  constructor(options?: Options);
  /** A video, still closed. Each call makes another one. */
  video(id: string, options?: VideoOptions): Video;
}

export class Video extends Emitter<VideoEvents> {
  private constructor();
  readonly id: string;
  readonly state: State;
  /** Why the state is what it is: a `bye`'s reason, a problem's code, "" while all is well. */
  readonly reason: string;
  /** The place up to which everything was told; save it and give it to the next visit. */
  readonly cursor: string | undefined;
  /** null until they are known; a video without rules never tells any. */
  readonly settings: Settings | null;
  readonly pinned: Comment | null;
  readonly viewers: Viewers | null;
  readonly moderation: Moderation;
  open(): void;
  close(): void;
  /** Whether this author may post now. */
  me(options?: { signal?: AbortSignal }): Promise<Me>;
  /**
   * Rejects with a Problem, whose `key` is that of the post. Sent again with the same key until there is an answer,
   * for 120 s in which the page is awake.
   */
  post(comment: NewComment, options?: { signal?: AbortSignal }): Promise<Posted>;
  history(query?: PageQuery): Promise<CommentPage>;
  entries(query?: PageQuery): Promise<EntryPage>;
}

export interface Sanction {
  author_id: string;
  until: string | null;
  purge: boolean;
  by: string;
  at: string;
  reason?: string;
}
export interface HeldComment {
  id: string;
  author: string;
  text: string;
  held_at: string;
  expires_at: string;
  author_id?: string;
  guest?: boolean;
}
export interface Term {
  term: string;
  kind?: "word" | "literal" | "pattern";
  action: "block" | "hold";
}
export interface Filters {
  terms: Term[];
}
export interface AuditedCall {
  at: string;
  by: string;
  action: string;
  request_id: string;
  what: Record<string, unknown>;
  refused?: string;
}

/** What a moderator may do; each call rejects with a Problem. */
export interface Moderation {
  remove(seqs: number | number[], options?: { reason?: string }): Promise<{ notices: Removed[] }>;
  restore(seq: number): Promise<Comment>;
  sanction(authorId: string, options?: { until?: string; purge?: boolean; reason?: string }): Promise<Sanction>;
  lift(authorId: string): Promise<Sanction | Record<string, never>>;
  sanctions(query?: { limit?: number; after?: string }): Promise<{ sanctions: Sanction[]; more: boolean }>;
  pin(seq: number): Promise<PinnedEntry>;
  unpin(): Promise<PinnedEntry | Record<string, never>>;
  /** With the `etag` for `ifMatch`. */
  settings(): Promise<{ settings: Settings; etag: string | null }>;
  updateSettings(
    patch: Partial<Settings>,
    options?: { ifMatch?: string },
  ): Promise<{ settings: Settings; etag: string | null }>;
  held(query?: { limit?: number }): Promise<{ held: HeldComment[] }>;
  decide(id: string, decision: "approve" | "deny"): Promise<{ id: string; state: string; comment?: Comment }>;
  filters(): Promise<{ filters: Filters; etag: string | null }>;
  setFilters(filters: Filters, options?: { ifMatch?: string }): Promise<{ filters: Filters; etag: string | null }>;
  testFilters(text: string): Promise<{ action: "block" | "hold" | null; terms: number[] }>;
  audit(query?: { limit?: number; before?: string }): Promise<{ calls: AuditedCall[]; before: string | null; more: boolean }>;
}

export interface ListOptions {
  /** How many comments are kept, default 200. */
  limit?: number;
  /** Own comments are shown before the server has answered, default true. */
  echo?: boolean;
  /** Called with a function that tells of the changes; `requestAnimationFrame` by default. */
  schedule?: (tell: () => void) => void;
}
export interface Item {
  /** The same as long as it is shown, also when an echo becomes a comment: a key for your framework. */
  readonly key: string;
  /** The comment; of an echo `id` is "" and `seq` 0. */
  readonly comment: Comment;
  /** An echo that the server has not confirmed yet. */
  readonly pending: boolean;
}
export interface ListChange {
  added: Item[];
  removed: Item[];
  updated: Item[];
  /** Forget everything that was shown; `items` is all there is. */
  reset: boolean;
  items: readonly Item[];
}
export type ListEvents = { change: [ListChange] };

/** What a page shows: at most `limit` comments in order, changed in batches. */
export class CommentList extends Emitter<ListEvents> {
  constructor(video: Video, options?: ListOptions);
  readonly items: readonly Item[];
  /** Comments that came while the list was paused. */
  readonly unseen: number;
  readonly paused: boolean;
  post(comment: NewComment, options?: { signal?: AbortSignal }): Promise<Posted>;
  /** Reads older comments into the list; how many came, and whether there are more. */
  older(count?: number): Promise<{ added: number; more: boolean }>;
  /** New comments wait, so that what somebody reads does not move. */
  pause(): void;
  resume(): void;
  /** Listens to the video no more. */
  close(): void;
}

export interface ProblemDetails {
  title?: string;
  detail?: string;
  field?: string;
  retryAfter?: number;
  cause?: unknown;
}
export class Problem extends Error {
  constructor(code: string, status: number, more?: ProblemDetails);
  /** The server's `code`; `no_answer` or `aborted` where there was no reply. */
  readonly code: string;
  /** Of HTTP; 0 where there was no reply. */
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly field?: string;
  /** Seconds. */
  readonly retryAfter?: number;
  /**
   * Of a post: the key that it was sent with. After `no_answer`, `aborted` and a status of 500 and more it may be
   * stored all the same: post the same words again with this key, and they are stored once.
   */
  readonly key?: string;
  /** Whether the same request may succeed in a moment. */
  readonly passing: boolean;
}

export {}; // nothing but what is marked so
