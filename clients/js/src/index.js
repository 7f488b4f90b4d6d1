/** What the package offers; see README.md. */
export { LiveComments } from "./client.js";
export { CommentList } from "./list.js";
export { Problem } from "./problem.js";
