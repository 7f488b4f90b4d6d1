"""docs/moderation.md, as a person follows it: each command prints what stands below it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from cluster.folder import HOME_VARIABLE
from cluster.issuer import DevelopmentIssuer, identity_variables, ticket_variables
from tests.documents import ROOT, examples_of
from tests.integration.single.single_process import SingleProcess
from tests.support import TIMEOUT_FACTOR, started

DOCUMENT = "docs/moderation.md"
MARK = "-----"


async def test_every_command_prints_what_the_document_says(tmp_path: Path) -> None:
    """In one shell, so that later commands have the variables of earlier ones."""
    examples = examples_of(DOCUMENT)
    assert len(examples) >= 3
    issuer = tmp_path / "dev" / "issuer"
    DevelopmentIssuer.load_or_create(issuer)
    variables = identity_variables(issuer, {}) | ticket_variables(issuer)
    async with started(SingleProcess(tmp_path, **variables)) as single:
        script = f"\necho; echo {MARK}\n".join(example.commands for example in examples)
        script = script.replace("127.0.0.1:8080", f"127.0.0.1:{single.public}")
        outputs = await _run(script, tmp_path, single.public)
    for example, output in zip(examples, outputs, strict=True):
        assert example.prints(output), f"{example.commands} printed {output}"


async def _run(script: str, home: Path, port: int) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", script),
        cwd=ROOT,
        env=os.environ | {HOME_VARIABLE: str(home), "HTTP_PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60 * TIMEOUT_FACTOR)
    assert (process.returncode, err) == (0, b"")
    return out.decode().split(f"{MARK}\n")
