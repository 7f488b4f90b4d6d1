"""A page's script in one piece: its modules, each in a function of its own, in the order in which
they need each other. On a slow line dozens of files take longer than what is in them.

Pure text. Only the forms of `import` and `export` below are understood, at the start of a line;
anything else is an error, and so is a circle of modules. What a module exports (functions, classes,
constants) may not change later. Comments that have lines to themselves are left out: they are a
third of it, and stand in the modules.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

_NAMES = r"\{(?P<names>[^}]*)\}"
_FROM = r'\s*from\s*"(?P<path>\.{1,2}/[^"]+)";?$'
_IMPORT = re.compile(rf"^import\s*{_NAMES}{_FROM}", re.MULTILINE)
_HANDED_ON = re.compile(rf"^export\s*{_NAMES}{_FROM}", re.MULTILINE)
_DECLARED = re.compile(
    r"^export (?=(?:(?:async )?function\*?|class|const) (?P<name>[\w$]+))", re.MULTILINE
)
_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def needed(sources: Mapping[str, str], name: str) -> list[str]:
    """The modules of a script in an order in which each comes after those that it needs, the script
    last. Raises KeyError for one that is missing, ValueError for a circle.
    """
    found: list[str] = []

    def visit(each: str, path: tuple[str, ...]) -> None:
        if each in path:
            raise ValueError(f"modules need each other: {' '.join((*path, each))}")
        for other in _paths(each, sources[each]):
            if other not in found:
                visit(other, (*path, each))
        found.append(each)

    visit(name, ())
    return found


def joined(sources: Mapping[str, str], name: str) -> str:
    """All modules of a script as one. Raises ValueError for a form that is not understood."""
    order = needed(sources, name)
    numbers = {each: number for number, each in enumerate(order)}
    return "".join(_wrapped(each, sources[each], numbers) for each in order)


def _paths(name: str, source: str) -> Iterator[str]:
    for form in (_IMPORT, _HANDED_ON):
        yield from (_resolved(name, match["path"]) for match in form.finditer(source))


def _resolved(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _wrapped(name: str, source: str, numbers: Mapping[str, int]) -> str:
    """A module as a constant that holds what it exports."""
    exported: list[str] = []

    def module(match: re.Match[str]) -> str:
        return f"$${numbers[_resolved(name, match['path'])]}"

    def taken(match: re.Match[str]) -> str:
        return f"const {{ {_renamed(match['names'])} }} = {module(match)};"

    def handed_on(match: re.Match[str]) -> str:
        for each in filter(None, map(str.strip, match["names"].split(","))):
            own, _, other = each.partition(" as ")
            exported.append(f"{other or own}: {module(match)}.{own}")
        return ""

    def declared(match: re.Match[str]) -> str:
        exported.append(match["name"])
        return ""

    text = _COMMENT.sub("", source)
    text = _DECLARED.sub(declared, _HANDED_ON.sub(handed_on, _IMPORT.sub(taken, text)))
    if left := _LEFT.search(text):
        raise ValueError(f"{name}: not understood: {left[0]}")
    head, tail = f"const $${numbers[name]} = (() => {{ // {name}", "})();"
    return f"{head}\n{text.rstrip()}\nreturn {{ {', '.join(exported)} }};\n{tail}\n"


def _renamed(names: str) -> str:
    """Names of an import as those of a pattern: `a as b` is `a: b`."""
    return ", ".join(" ".join(each.split()).replace(" as ", ": ") for each in names.split(","))
