/** The moderators' page of one video. */

import { addTexts, fillTexts } from "./messages.js";
import { moderateTexts } from "./moderate_texts.js";

addTexts(moderateTexts);
fillTexts();
