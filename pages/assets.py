"""The files under `/assets/`, read once at the start, and which modules a script needs.

Invariants: only what was read is served, by its exact name, so no path leads out of the folder.
`version` names the contents of all of them: documents ask for `/assets/<version>/<name>`, which a
browser keeps for good, because another version has another address.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pages.resource import Resource, digest

STATIC = Path(__file__).with_name("static")
# Below `static/`, and what stands before their names.
_FOLDERS = {"": STATIC, "client/": STATIC / "client"}
_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# `import ... from "./x.js"`, `export ... from "./x.js"`, `import "./x.js"` at the start of a line.
_IMPORT = re.compile(
    rb"""^(?:import|export)\b(?:[^"';]*?\bfrom)?\s*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE
)
_VERSIONED = re.compile(r"(?P<version>[0-9a-f]{12})/(?P<name>.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Assets:
    """name -> file, such as `base.css` or `client/index.js`."""

    files: Mapping[str, Resource]
    version: str

    @property
    def folder(self) -> str:
        """The path of all files in this version."""
        return f"/assets/{self.version}"

    def find(self, path: str) -> tuple[Resource | None, bool]:
        """What stands under `/assets/<path>`, and whether it can be kept for good. Files of another
        version are what they are now: while processes are being replaced, a page of one may ask
        another.
        """
        match = _VERSIONED.fullmatch(path)
        if match is None:
            return self.files.get(path), False
        return self.files.get(match["name"]), match["version"] == self.version

    def modules(self, name: str) -> list[str]:
        """A script and all modules that it needs, itself first; KeyError if one is missing."""
        found = [name]
        for each in found:  # grows
            found += [
                other for other in _imports(each, self.files[each].body) if other not in found
            ]
        return found


def load_assets() -> Assets:
    """Read all files."""
    files = {
        f"{prefix}{path.name}": Resource.of(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for prefix, folder in _FOLDERS.items()
        for path in sorted(folder.iterdir())
        if path.suffix in _MEDIA_TYPES
    }
    tags = "".join(f"{name} {file.etag}\n" for name, file in files.items())
    return Assets(files, digest(tags.encode()))


def _imports(name: str, source: bytes) -> Iterator[str]:
    folder = posixpath.dirname(name)
    for path in dict.fromkeys(_IMPORT.findall(source)):
        yield posixpath.normpath(posixpath.join(folder, path.decode()))
