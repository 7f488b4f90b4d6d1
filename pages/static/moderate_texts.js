/** What the moderators' page says. @type {Record<string, string>} */
export const moderateTexts = {
  "page.name": "Moderation",
};
