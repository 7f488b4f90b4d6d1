/**
 * The sentences that people read, by key. Each page adds its own (`embed_texts.js`); here is how
 * they are looked up, and what all pages say.
 *
 * `{name}` in a sentence is a value. A sentence that depends on a number is a pair of keys,
 * `key.one` and `key.other`, and the value is called `n`.
 */

export const LOCALE = "en";

/** @type {Record<string, string>} */
const texts = {
  "state.connecting": "Connecting…",
  "state.live": "Live",
  "state.recovering": "Reconnecting…",
  "state.closed": "Disconnected",
  "viewers.one": "{n} watching",
  "viewers.other": "{n} watching",
  "aloud": "Read aloud",
  "log.name": "Comments",
  "log.empty": "No comments yet.",
  "fresh.one": "{n} new comment",
  "fresh.other": "{n} new comments",
  "fresh.none": "Newest comments",
  "gap": "Some comments are missing here",
  "pin.name": "Pinned comment",
  "pin.more": "Show all",
  "pin.less": "Show less",
  "pin.hide": "Hide the pinned comment",
  "you": "You",
  "badge.moderator": "Moderator",
  "badge.owner": "Owner",
  "badge.service": "Official",
  "badge.admin": "Admin",
  "badge.guest": "Guest",
};

const plural = new Intl.PluralRules(LOCALE);
const number = new Intl.NumberFormat(LOCALE);

/**
 * Add the sentences of a page.
 * @param {Record<string, string>} more
 */
export function addTexts(more) {
  Object.assign(texts, more);
}

/**
 * Whether there is a sentence of this key.
 * @param {string} key
 * @returns {boolean}
 */
export function knows(key) {
  return key in texts;
}

/**
 * The sentence of a key; the key itself where there is none, so that a missing one is seen.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function say(key, values = {}) {
  const one = typeof values.n === "number" && `${key}.other` in texts;
  const text = texts[one ? `${key}.${plural.select(Number(values.n))}` : key] ?? texts[`${key}.other`] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === "number" ? number.format(value) : value ?? whole;
  });
}

/**
 * Put sentences into a document: `data-text` becomes the text of an element, `data-label` what it
 * is called by those who hear the page, `data-hint` what an empty field shows.
 * @param {ParentNode} [root]
 */
export function fillTexts(root = document) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-text]"))) {
    element.textContent = say(element.dataset.text ?? "");
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-label]"))) {
    element.setAttribute("aria-label", say(element.dataset.label ?? ""));
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-hint]"))) {
    element.setAttribute("placeholder", say(element.dataset.hint ?? ""));
  }
}
