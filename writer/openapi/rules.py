"""The rules of a video in the description of the API."""

from __future__ import annotations

from wire.rulings import FOREVER
from writer.openapi.examples import (
    SANCTION,
    SETTINGS,
    comment_example,
    entry_example,
)
from writer.openapi.fields import AUTHOR_ID, AUTHOR_ID_PATTERN
from writer.openapi.parts import (
    READER,
    RULES_TAG,
    TOKEN,
    Json,
    if_match_parameter,
    json_body,
    json_reply,
    limit_parameter,
    parameter,
    token_operation,
)
from writer.openapi.parts import parameter_reference as shared
from writer.openapi.problem_sets import (
    CHANGE_RULES,
    GET_SANCTION,
    LIST_SANCTIONS,
    PIN,
    READ_RULES,
    STANDING,
    UNPIN,
    Problems,
)
from writer.openapi.problem_sets import (
    SANCTION as SANCTION_PROBLEMS,
)
from writer.openapi.problems import problem_responses

RULES_TAG_TEXT = """Who may comment on a video, how often, and with what words. What viewers must
know of it is an entry of the log too, and counts from that entry's number on."""
_VIDEO = "/v1/videos/{video_id}"
_CHANGE_TEXT = """For moderators: some of the settings, the others stay. What is as wanted already
changes nothing, whatever `If-Match` says: so the same call may be sent again."""
_PIN_TEXT = """For moderators: a comment that may be shown, instead of the one pinned before. The
reply is the entry."""
_SANCTION_TEXT = """For moderators: the author may not post, until a moment or for ever. It binds
only authors of a lower rank than who says it, and nobody sanctions an equal or a better. `purge`
removes the author's earlier comments, by one entry for each 500."""
_STANDING_TEXT = """For everybody. What depends on the words of a comment is not decided, and for
somebody without a token neither is slow mode."""


def rules_paths() -> Json:
    """Items of `paths`."""
    video = [shared("VideoId")]
    return {
        f"{_VIDEO}/settings": {
            "parameters": video,
            "get": _get_settings(),
            "patch": _change_settings(),
        },
        f"{_VIDEO}/pin": {"parameters": video, "put": _pin(), "delete": _unpin()},
        f"{_VIDEO}/sanctions": {
            "parameters": video,
            "get": list_sanctions("listSanctions", RULES_TAG, "For moderators."),
        },
        f"{_VIDEO}/sanctions/{{author_id}}": {
            "parameters": [*video, shared("AuthorId")],
            **sanction_operations("", RULES_TAG, _SANCTION_TEXT, "For moderators."),
        },
        f"{_VIDEO}/me": {"parameters": video, "get": _standing()},
    }


def list_sanctions(name: str, tag: str, text: str) -> Json:
    """The operation that reads a page of sanctions."""
    author_id = {"type": "string", "pattern": AUTHOR_ID_PATTERN}
    after = parameter(
        "after", "query", "The last author id of the page before", author_id, AUTHOR_ID
    )
    page = {"sanctions": [SANCTION], "more": False}
    return token_operation(name, tag, "Read the sanctions that count", text) | {
        "parameters": [limit_parameter(), after],
        "responses": {"200": json_reply("SanctionPage", "A page, by author id", page)}
        | problem_responses(LIST_SANCTIONS),
    }


def sanction_operations(where: str, tag: str, text: str, who: str) -> Json:
    """Those on one author. where: a part of their names."""

    def operation(name: str, summary: str, text: str, example: Json, problems: Problems) -> Json:
        reply = json_reply("Sanction", "The sanction", example)
        return token_operation(name, tag, summary, text) | {
            "responses": {"200": reply} | problem_responses(problems)
        }

    body = json_body("SanctionInput", {"until": FOREVER, "reason": "spam"}, required=False)
    lifted = SANCTION | {"until": None}
    del lifted["reason"]
    return {
        "get": operation(
            f"get{where}Sanction", "Read a sanction", who, SANCTION, GET_SANCTION
        ),
        "put": operation(
            f"set{where}Sanction", "Ban an author or time one out", text, SANCTION,
            SANCTION_PROBLEMS,
        )
        | {"requestBody": body},
        "delete": operation(
            f"lift{where}Sanction", "Lift a sanction", f"{who} Also if there is none.", lifted,
            GET_SANCTION,
        ),
    }  # fmt: skip


def _get_settings() -> Json:
    return {
        "operationId": "getSettings",
        "tags": [RULES_TAG],
        "summary": "Read the settings of a video",
        "description": "For everybody who may read the video.",
        "security": READER,
        "responses": {"200": _settings()} | problem_responses(READ_RULES),
    }


def _change_settings() -> Json:
    return token_operation(
        "changeSettings", RULES_TAG, "Change settings of a video", _CHANGE_TEXT
    ) | {
        "parameters": [if_match_parameter()],
        "requestBody": json_body("SettingsInput", {"slow_mode_s": 10}),
        "responses": {"200": _settings()} | problem_responses(CHANGE_RULES),
    }


def _settings() -> Json:
    return json_reply("VideoSettings", "All settings", SETTINGS, "ETag")


def _pin() -> Json:
    pinned = entry_example("pinned", comment=comment_example())
    return token_operation("pinComment", RULES_TAG, "Pin a comment", _PIN_TEXT) | {
        "requestBody": json_body("PinInput", {"seq": 3}),
        "responses": {"200": json_reply("Pinning", "The entry", pinned)} | problem_responses(PIN),
    }


def _unpin() -> Json:
    reply = json_reply("Pinning", "The entry", entry_example("pinned", comment=None))
    text = "For moderators. Also if nothing is pinned."
    return token_operation("unpinComment", RULES_TAG, "Pin nothing", text) | {
        "responses": {"200": reply} | problem_responses(UNPIN)
    }


def _standing() -> Json:
    example = {
        "may_post": False,
        "code": "slow_mode",
        "retry_after_s": 7,
        "author_id": AUTHOR_ID,
        "name": "Ann",
        "badges": [],
    }
    return {
        "operationId": "getStanding",
        "tags": [RULES_TAG],
        "summary": "Ask whether a comment would be taken",
        "description": _STANDING_TEXT,
        "security": [{}, {TOKEN: []}],
        "responses": {"200": json_reply("Standing", "The answer", example)}
        | problem_responses(STANDING),
    }
