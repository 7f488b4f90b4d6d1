"""Commands of the documents, and what they print."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cluster.folder import HOME_VARIABLE
from tests.support import TIMEOUT_FACTOR

_MARK = "-----"
_WITHIN_S = 150.0
ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SHELL = "sh"
_CONSOLE = "console"  # commands for a terminal of their own, where they stay


@dataclass(frozen=True, slots=True)
class Example:
    """Lines of a shell, and what follows them in the document as their output ("": nothing).
    `...` in it stands for anything within a line.
    """

    commands: str
    output: str

    def prints(self, text: str) -> bool:
        """Whether that is what the document says."""
        pattern = ".*".join(map(re.escape, self.output.strip().split("...")))
        return re.fullmatch(pattern, text.strip()) is not None


def examples_of(document: str) -> list[Example]:
    """Those of its blocks that are commands of a shell, in their order."""
    blocks = BLOCK.findall((ROOT / document).read_text())
    after = [*blocks[1:], ("", "")]
    return [
        Example(text, output if not kind else "")
        for (language, text), (kind, output) in zip(blocks, after, strict=True)
        if language == _SHELL
    ]


def consoles_of(document: str) -> list[str]:
    """Its commands for terminals of their own."""
    blocks = BLOCK.findall((ROOT / document).read_text())
    return [text.strip() for language, text in blocks if language == _CONSOLE]


async def run_examples(examples: list[Example], home: Path, port: int) -> list[str]:
    """Run all of them in one shell, so that later ones have the variables of earlier ones, against
    what listens on `port` in place of `make dev`; what they have printed. AssertionError if one
    prints something else than the document says.
    """
    script = f"\necho; echo {_MARK}\n".join(example.commands for example in examples)
    script = script.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", script),
        cwd=ROOT,
        env=os.environ | {HOME_VARIABLE: str(home), "HTTP_PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), _WITHIN_S * TIMEOUT_FACTOR)
    assert (process.returncode, err) == (0, b"")
    outputs = out.decode().split(f"{_MARK}\n")
    for example, output in zip(examples, outputs, strict=True):
        assert example.prints(output), f"{example.commands} printed {output}"
    return outputs
