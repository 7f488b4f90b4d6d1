"""The OpenAPI 3.1 description of the public API, made from the types that the code uses.

Others generate clients from it, so it keeps to what their generators understand: see
`writer/openapi/types.py` for names, `writer/openapi/stream.py` for why the stream is no path.
`tests/clients/openapi_clients.py` generates clients in several languages and uses them.
"""

from __future__ import annotations

from functools import cache

import msgspec

from writer.openapi import events, held_types, rule_types, types
from writer.openapi.comments import comment_paths
from writer.openapi.held import held_paths
from writer.openapi.moderation import MODERATION_TAG_TEXT, moderation_paths
from writer.openapi.parts import (
    MODERATION_TAG,
    RULES_TAG,
    SCHEMAS,
    SITE_TAG,
    TICKET,
    TOKEN,
    Json,
    shared_headers,
    shared_parameters,
)
from writer.openapi.problems import codes
from writer.openapi.rules import RULES_TAG_TEXT, rules_paths
from writer.openapi.site import SITE_TAG_TEXT, site_paths
from writer.openapi.stream import STREAM_PATH, STREAM_TAG_TEXT, stream_path_item

_KINDS = (
    *(types.CommentInput, types.Comment, types.CommentPage, types.EntryPage, types.RemovalInput),
    *(types.NoticeList, types.Ticket, types.Viewers, types.VideoViewers, types.Problem),
    *(rule_types.SettingsInput, rule_types.VideoSettings, rule_types.PinInput, rule_types.Pinning),
    *(rule_types.SanctionInput, rule_types.Sanction, rule_types.SanctionPage, rule_types.Standing),
    *(rule_types.AuthorInput, rule_types.Erasure),
    *(rule_types.RevocationInput, rule_types.Revocation),
    *(held_types.FiltersInput, held_types.FilterList, held_types.TrialInput, held_types.Trial),
    *(held_types.HeldNotice, held_types.HeldList, held_types.DecisionInput, held_types.Decision),
    held_types.AuditPage,
    *(events.HelloEvent, events.StateEvent, events.GapEvent, events.ResetEvent, events.ByeEvent),
)
_ABOUT = """Comments on live video, in order and without loss.

Errors are problem documents (RFC 9457); programs read `code`. Later versions may add members to
replies, and codes to problems: ignore what you do not know. `HEAD` works where `GET` does."""
_TAGS = [
    {"name": "comments", "description": "Posting comments, and the history of a video."},
    {"name": MODERATION_TAG, "description": MODERATION_TAG_TEXT},
    {"name": RULES_TAG, "description": RULES_TAG_TEXT},
    {"name": SITE_TAG, "description": SITE_TAG_TEXT},
    {"name": "streams", "description": STREAM_TAG_TEXT},
]


@cache
def openapi_document() -> bytes:
    """The document as JSON bytes; made once."""
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "livecomments",
                "version": "1",
                "summary": "Comments on live video",
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            # Relative: whoever fetched this knows the origin, and we cannot: there are gateways,
            # ports and names in front of us.
            "servers": [{"url": "/", "description": "The origin that this document came from"}],
            "security": [],
            "tags": _TAGS,
            "paths": comment_paths()
            | moderation_paths()
            | rules_paths()
            | held_paths()
            | site_paths(),
            "components": {
                "schemas": _schemas(),
                "parameters": shared_parameters(),
                "headers": shared_headers(),
                "securitySchemes": {TOKEN: _bearer(), TICKET: _ticket_scheme()},
            },
            "x-event-streams": {STREAM_PATH: stream_path_item()},
        }
    )


def _bearer() -> Json:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A signed token of an issuer that the server knows (RFC 6750)",
    }


def _ticket_scheme() -> Json:
    return {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket for this video, from `createTicket`",
    }


def _schemas() -> Json:
    _, schemas = msgspec.json.schema_components(_KINDS, ref_template=SCHEMAS + "{name}")
    for name in schemas:
        if not name.endswith("Input"):
            # The default, but some generators take silence for a prohibition.
            schemas[name]["additionalProperties"] = True
    schemas["SettingsInput"]["minProperties"] = 1
    schemas["Problem"]["properties"]["code"] = {"$ref": SCHEMAS + "ProblemCode"}
    schemas["ProblemCode"] = {
        "title": "ProblemCode",
        "type": "string",
        "description": "What went wrong. Later versions may add codes: go by the status then.",
        "enum": codes(),
        "examples": ["invalid_field"],
    }
    return schemas
