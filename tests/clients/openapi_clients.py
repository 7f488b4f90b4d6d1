"""Clients generated from `/openapi.json`, compiled and used against a running process.

    .venv/bin/python -m tests.clients.openapi_clients [--keep FOLDER] [name ...]

Names are those of `openapi_generators.py`; without any, all. Needs Java and Maven, Go, Node and
Python with venv, and packages from their registries, so it is a script and no test. See
docs/clients.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cluster.ports import free_ports
from tests.clients.openapi_generators import (
    GENERATORS,
    LINTER,
    VALIDATOR,
    StepFailed,
    fetch_generator,
    python_environment,
    run,
)

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 20.0


@contextmanager
def single_process(folder: Path) -> Iterator[str]:
    """Runs what `make dev` runs, on free ports; the URL of its public one."""
    public, ops = map(str, free_ports(2))
    environ = {"PUBLIC_PORT": public, "OPS_PORT": ops, "SQLITE_PATH": str(folder / "comments.db")}
    with (folder / "single.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "single"], cwd=ROOT, env=os.environ | environ, stderr=log
        )
    url = f"http://127.0.0.1:{public}"
    try:
        _until_ready(url, process)
        yield url
    finally:
        process.kill()  # nothing of it is kept
        process.wait()


def lint(folder: Path, document: Path) -> None:
    """Both validators, on the document and on it with the stream among the paths."""
    whole = json.loads(document.read_text())
    whole["paths"] |= whole.pop("x-event-streams")
    with_streams = folder / "with-streams.json"
    with_streams.write_text(json.dumps(whole))
    validator = python_environment(folder, VALIDATOR) / "openapi-spec-validator"
    for path in (document, with_streams):
        run(validator, path, cwd=folder)
        # The data of events is referred to where no rule looks, in `x-events`.
        rules = ("--skip-rule", "no-unused-components", "--max-problems", "20")
        run("npx", "-y", LINTER, "lint", path, *rules, cwd=folder)


def use(name: str, folder: Path, document: Path, url: str) -> str:
    """Generate, compile and run; what was done. Raises StepFailed."""
    folder.mkdir()
    command = GENERATORS[name](folder, document)
    if found := list(_stream_methods(folder / "client")):
        raise StepFailed(f"a generated client can hang: {found}")
    if not command:
        return "compiled"
    said = json.loads(run(*command, url, f"of-{name}", cwd=folder))
    page = fetch(f"{url}/v1/videos/of-{name}/comments")
    (stored,) = page["comments"]
    created_ms = round(datetime.fromisoformat(stored["created_at"]).timestamp() * 1000)
    expected = {"id": stored["id"], "created_ms": created_ms, "head": page["head"]}
    if said != expected | {"code": "invalid_field"}:
        raise StepFailed(f"it read {said}, and stored is {stored}")
    return f"posted {said['id']} and read it back"


def fetch(url: str) -> Any:
    """The JSON at a URL."""
    with urllib.request.urlopen(url, timeout=20) as reply:
        return json.load(reply)


def main() -> int:
    """The number of generators that failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(GENERATORS))
    parser.add_argument("--keep", type=Path, help="an empty folder for all that is made")
    given = parser.parse_args()
    if unknown := set(given.names) - set(GENERATORS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(GENERATORS)}")
    with tempfile.TemporaryDirectory(prefix="openapi-clients-") as temporary:
        folder = (given.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        with single_process(folder) as url:
            return _try_all(given.names or list(GENERATORS), folder, url)


def _try_all(names: list[str], folder: Path, url: str) -> int:
    document = folder / "openapi.json"
    document.write_text(json.dumps(fetch(f"{url}/openapi.json")))
    try:
        fetch_generator(folder)
        lint(folder, document)
        print("the document: valid", flush=True)
    except StepFailed as exc:
        print(f"the document: {exc}")
        return len(names)
    failed = 0
    for name in names:
        begun = time.monotonic()
        try:
            word = use(name, folder / name, document, url)
        except StepFailed as exc:
            failed, word = failed + 1, f"FAILED: {exc}"
        print(f"{name}: {word} ({time.monotonic() - begun:.0f} s)", flush=True)
    return failed


def _stream_methods(client: Path) -> Iterator[str]:
    for path in sorted(client.rglob("*")):
        if path.suffix in {".go", ".ts", ".py", ".java"}:
            text = path.read_text().lower().replace("_", "")
            if "streamcomments" in text or "{videoid}/stream" in text:
                yield str(path)


def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            fetch(f"{url}/readyz")
            return
        except OSError:  # urllib's errors are such too
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
