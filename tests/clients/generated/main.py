"""A user of the client that openapi-generator makes for Python."""

from __future__ import annotations

import json
import sys

import livecomments_client as lc

url, video = sys.argv[1:]
api = lc.CommentsApi(lc.ApiClient(lc.Configuration(host=url)))
body = lc.CommentInput(author="ann", text="hi from python")
posted = api.post_comment_with_http_info(video, body, idempotency_key="key 1")
again = api.post_comment_with_http_info(video, body, idempotency_key="key 1")
page = api.list_comments(video, limit=10)
one = api.get_comment(video, posted.data.seq)
assert (posted.status_code, again.status_code) == (201, 200)
assert posted.data == again.data == one == page.comments[0]
try:
    api.list_comments(video, after="aaaaaaaaaaaa-1")
except lc.ApiException as exc:
    problem = exc.data
assert problem.code is lc.ProblemCode.INVALID_FIELD
print(
    json.dumps(
        {
            "id": one.id,
            "created_ms": round(one.created_at.timestamp() * 1000),
            "head": page.head,
            "code": problem.code,
        }
    )
)
