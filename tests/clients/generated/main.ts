// A user of the client that openapi-generator makes for TypeScript (typescript-fetch).
import assert from "node:assert/strict";
import {
  CommentsApi,
  Configuration,
  ProblemCode,
  ProblemFromJSON,
  ResponseError,
} from "./client/index.js";

const [url, video] = process.argv.slice(2) as [string, string];
const api = new CommentsApi(new Configuration({ basePath: url }));
const request = {
  videoId: video,
  commentInput: { author: "ann", text: "hi from typescript" },
  idempotencyKey: "key 1",
};

async function main(): Promise<void> {
  const posted = await api.postCommentRaw(request);
  const again = await api.postCommentRaw(request);
  assert.deepEqual([posted.raw.status, again.raw.status], [201, 200]);
  const comment = await posted.value();
  const page = await api.listComments({ videoId: video, limit: 10 });
  const one = await api.getComment({ videoId: video, seq: comment.seq });
  assert.deepEqual(await again.value(), comment);
  assert.deepEqual([one, page.comments[0]], [comment, comment]);
  const error: unknown = await api
    .listComments({ videoId: video, after: "aaaaaaaaaaaa-1" })
    .catch((reason: unknown) => reason);
  assert(error instanceof ResponseError);
  const problem = ProblemFromJSON(await error.response.json());
  assert.equal(problem.code, ProblemCode.InvalidField);
  console.log(
    JSON.stringify({
      id: one.id,
      created_ms: one.createdAt.getTime(),
      head: page.head,
      code: problem.code,
    }),
  );
}

main().catch((reason: unknown) => {
  console.error(reason);
  process.exitCode = 1;
});
