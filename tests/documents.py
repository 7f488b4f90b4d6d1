"""Commands of the documents, and what they print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SHELL = "sh"


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
    blocks = _BLOCK.findall((ROOT / document).read_text())
    after = [*blocks[1:], ("", "")]
    return [
        Example(text, output if not kind else "")
        for (language, text), (kind, output) in zip(blocks, after, strict=True)
        if language == _SHELL
    ]
