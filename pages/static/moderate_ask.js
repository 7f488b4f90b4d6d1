/** A question with a few answers, each with a key; Escape is no answer. */

import { make, makeButton } from "./dom.js";
import { say } from "./messages.js";

/**
 * The focus goes to the first answer, and back to where it was.
 * @template T
 * @param {string} title @param {string} text
 * @param {{key: string, label: string, value: T, danger?: boolean}[]} choices
 * @returns {Promise<T | undefined>}
 */
export function ask(title, text, choices) {
  return new Promise((resolve) => {
    const dialog = makeDialog(title, make("p", "soft", text));
    const answer = (/** @type {T | undefined} */ value) => {
      resolve(value);
      dialog.close();
    };
    const buttons = choices.map(({ key, label, value, danger }) => {
      const button = makeButton(danger ? "danger" : "", label, () => answer(value));
      button.append(make("kbd", "", key));
      button.setAttribute("aria-keyshortcuts", key);
      return button;
    });
    buttons.push(makeButton("plain", say("cancel"), () => answer(undefined)));
    dialog.append(make("p", "buttons", ...buttons));
    dialog.addEventListener("keydown", ({ key }) => {
      const chosen = choices.find((choice) => choice.key === key);
      if (chosen) answer(chosen.value);
    });
    dialog.addEventListener("close", () => resolve(undefined));
    show(dialog, buttons[0]);
  });
}

/** @param {string} title @param {...Node} content */
export function makeDialog(title, ...content) {
  const heading = make("h2", "said", title);
  const dialog = make("dialog", "card stack", heading, ...content);
  heading.id = "question";
  dialog.setAttribute("aria-labelledby", heading.id);
  return dialog;
}

/** Until it is closed. @param {HTMLDialogElement} dialog @param {HTMLElement} first has the focus */
export function show(dialog, first) {
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  first.focus();
}
