"""docs/moderation.md, as a person follows it: each command prints what stands below it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cluster.issuer import DevelopmentIssuer, identity_variables, ticket_variables
from tests.documents import examples_of, run_examples
from tests.integration.single.single_process import SingleProcess
from tests.support import started
from writer.openapi.document import openapi_document

DOCUMENT = "docs/moderation.md"


@pytest.mark.timeout(240)
async def test_every_command_prints_what_the_document_says(tmp_path: Path) -> None:
    """In one shell, so that later commands have the variables of earlier ones."""
    examples = examples_of(DOCUMENT)
    assert len(examples) >= 40
    issuer = tmp_path / "dev" / "issuer"
    DevelopmentIssuer.load_or_create(issuer)
    variables = identity_variables(issuer, {}) | ticket_variables(issuer)
    async with started(SingleProcess(tmp_path, **variables)) as single:
        await run_examples(examples, tmp_path, single.public)


def test_every_call_of_moderation_has_a_line() -> None:
    text = "".join(example.commands for example in examples_of(DOCUMENT)).replace("\\\n", " ")
    called = [call for line in text.splitlines() if (call := _call(line))]
    paths = json.loads(openapi_document())["paths"]
    for path, item in paths.items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for method in item.keys() - {"parameters"}:
            same = [one for one, url in called if pattern.fullmatch(url) and one == method]
            assert same, f"no line for {method} {path}"


def _call(line: str) -> tuple[str, str] | None:
    """Method and path of a line with curl."""
    url = re.search(r"(http://127\.0\.0\.1:8080|\$V)([^\s\"'?]*)", line)
    if "curl" not in line or url is None:
        return None
    method = re.search(r"-X (\w+)", line)
    by_body = "post" if " -d " in line else "get"
    video = "/v1/videos/launch-1" if url[1] == "$V" else ""
    return (method[1].lower() if method else by_body), video + url[2]
