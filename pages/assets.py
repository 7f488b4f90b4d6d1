"""The files under `/assets/`, read once at the start.

Invariants: only what was read is served, by its exact name, so no path leads out of the folder.
`version` names the contents of all of them: documents ask for `/assets/<version>/<name>`, which a
browser keeps for good, because another version has another address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pages.joined import joined
from pages.resource import Resource, digest

STATIC = Path(__file__).with_name("static")
# Below `static/`, and what stands before their names.
_FOLDERS = {"": STATIC, "client/": STATIC / "client"}
_SCRIPT = "text/javascript; charset=utf-8"
_MEDIA_TYPES = {".js": _SCRIPT, ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
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


def script_of(page: str) -> str:
    """The name of all modules of a page as one file."""
    return f"{page}.joined.js"


def load_assets(pages: Iterable[str]) -> Assets:
    """Read all files, and join the scripts of these pages."""
    found = read_files()
    sources = {name: body.decode() for name, body in found.items() if name.endswith(".js")}
    for page in pages:
        found[script_of(page)] = joined(sources, f"{page}.js").encode()
    files = {
        name: Resource.of(body, _MEDIA_TYPES[Path(name).suffix]) for name, body in found.items()
    }
    tags = "".join(f"{name} {file.etag}\n" for name, file in files.items())
    return Assets(files, digest(tags.encode()))


def read_files() -> dict[str, bytes]:
    """The files as they are, by name."""
    return {
        f"{prefix}{path.name}": path.read_bytes()
        for prefix, folder in _FOLDERS.items()
        for path in sorted(folder.iterdir())
        if path.suffix in _MEDIA_TYPES
    }
