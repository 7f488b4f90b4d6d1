"""The calls that are about no video or about all in the description of the API."""

from __future__ import annotations

from writer.openapi.fields import AUTHOR_ID
from writer.openapi.held import audit_operation
from writer.openapi.parts import SITE_TAG, Json, json_body, json_reply, token_operation
from writer.openapi.parts import parameter_reference as shared
from writer.openapi.problem_sets import ERASE, GET_ERASURE, REVOKE
from writer.openapi.problems import problem_responses
from writer.openapi.rules import list_sanctions, sanction_operations

SITE_TAG_TEXT = """What is about no video or about all: sanctions everywhere, erasures, revoked
tokens. The role must be for the pattern `*`."""
_SANCTION_TEXT = """For admins, as `setSanction`, on all videos. It is no entry of a log, and counts
on every writer within 5 seconds."""
_AUDIT_TEXT = """For admins, as `readAudit`, of the calls that are here."""
_ERASE_TEXT = """For a service, an admin, and the author. All that the author has written is removed
and destroyed, which takes a while: ask `getErasure`. There is no way back."""
_GET_TEXT = """For a service, an admin, and the author."""
_REVOKE_TEXT = """For a service and an admin. On every process within 5 seconds; open streams end.
Tokens issued later count."""


def site_paths() -> Json:
    """Items of `paths`."""
    author = [shared("AuthorId")]
    return {
        "/v1/sanctions": {"get": list_sanctions("listSiteSanctions", SITE_TAG, "For admins.")},
        "/v1/sanctions/{author_id}": {
            "parameters": author,
            **sanction_operations("Site", SITE_TAG, _SANCTION_TEXT, "For admins."),
        },
        "/v1/audit": {"get": audit_operation("readSiteAudit", SITE_TAG, _AUDIT_TEXT)},
        "/v1/erasures": {"post": _erase()},
        "/v1/erasures/{author_id}": {"parameters": author, "get": _get_erasure()},
        "/v1/revocations": {"post": _revoke()},
    }


def _erase() -> Json:
    asked = json_reply("Erasure", "It will be done", {"author_id": AUTHOR_ID, "done": False})
    return token_operation("eraseAuthor", SITE_TAG, "Destroy what an author wrote", _ERASE_TEXT) | {
        "requestBody": json_body("AuthorInput", {"author_id": AUTHOR_ID}),
        "responses": {"202": asked} | problem_responses(ERASE),
    }


def _get_erasure() -> Json:
    found = json_reply("Erasure", "The erasure", {"author_id": AUTHOR_ID, "done": True})
    return token_operation("getErasure", SITE_TAG, "Ask whether it is done", _GET_TEXT) | {
        "responses": {"200": found} | problem_responses(GET_ERASURE)
    }


def _revoke() -> Json:
    done = json_reply(
        "Revocation", "It is kept", {"author_id": AUTHOR_ID, "not_before": 1_790_000_000}
    )
    return token_operation("revokeTokens", SITE_TAG, "Revoke an author's tokens", _REVOKE_TEXT) | {
        "requestBody": json_body("RevocationInput", {"author_id": AUTHOR_ID}),
        "responses": {"201": done} | problem_responses(REVOKE),
    }
