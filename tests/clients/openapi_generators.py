"""How a client is generated, compiled and run in each language.

Each function works in an empty folder of its own, into which it puts the client; what it returns is
the command that runs the program in `generated/` with that client, or nothing if there is none.
Options are the generators' defaults where we need no other.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

GENERATOR = "org.openapitools:openapi-generator-cli:7.25.0"
VALIDATOR = "openapi-spec-validator==0.9.0"
LINTER = "@redocly/cli@2.77.0"
OAPI_CODEGEN = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"
OGEN = "github.com/ogen-go/ogen/cmd/ogen@v1.25.0"
TYPES_GENERATOR = "openapi-typescript@7.13.0"
PYTHON_GENERATOR = "openapi-python-client==0.29.1"
TYPESCRIPT = ("typescript@5.9.3", "@types/node@22.18.0")
STEP_LIMIT_S = 540
_PROGRAMS = Path(__file__).with_name("generated")
_TSC = ("--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck")

Command = list[str]


class StepFailed(Exception):
    """A command ended with an error; the message has what it printed."""


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints. Raises StepFailed, also when it takes more than STEP_LIMIT_S."""
    words = [str(word) for word in command]
    if shutil.which(words[0]) is None:
        raise StepFailed(f"{words[0]} is not installed")
    try:
        done = subprocess.run(
            words, cwd=cwd, capture_output=True, text=True, timeout=STEP_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise StepFailed(f"{' '.join(words)}: no end after {STEP_LIMIT_S} s") from exc
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(words)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def fetch_generator(folder: Path) -> Path:
    """openapi-generator itself, from Maven Central."""
    copy = ("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={GENERATOR}", "-Dmdep.stripVersion")
    run(*copy, f"-DoutputDirectory={folder}", cwd=folder)
    return folder / "openapi-generator-cli.jar"


def python_environment(folder: Path, *packages: str) -> Path:
    """The `bin` of a virtual environment with these packages."""
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    run(folder / "venv/bin/pip", "install", "-q", *packages, cwd=folder)
    return folder / "venv/bin"


def go(folder: Path, document: Path) -> Command:
    """openapi-generator's `go`, its own tests included in what is compiled."""
    names = ("--git-host", "example.org", "--git-user-id", "livecomments", "--git-repo-id")
    _generate("go", folder, document, "packageName=livecomments", *names, "client")
    client = folder / "client"
    (client / "use").mkdir()
    shutil.copy(_PROGRAMS / "main.go", client / "use")
    run("go", "mod", "tidy", cwd=client)
    run("go", "build", "-o", folder / "program", "./use", cwd=client)
    run("go", "vet", "./...", cwd=client)
    return [str(folder / "program")]


def typescript(folder: Path, document: Path) -> Command:
    """openapi-generator's `typescript-fetch`, under `tsc --strict`."""
    _generate("typescript-fetch", folder, document, "importFileExtension=.js")
    shutil.copy(_PROGRAMS / "main.ts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    run("npm", "install", "--silent", "--no-audit", "--no-fund", *TYPESCRIPT, cwd=folder)
    run("npx", "tsc", *_TSC, "--outDir", "out", "main.ts", cwd=folder)
    return ["node", str(folder / "out/main.js")]


def python(folder: Path, document: Path) -> Command:
    """openapi-generator's `python`, installed into an environment of its own."""
    _generate("python", folder, document, "packageName=livecomments_client")
    binaries = python_environment(folder, "./client")
    return [str(binaries / "python"), str(_PROGRAMS / "main.py")]


def java(folder: Path, document: Path) -> Command:
    """openapi-generator's `java` with its defaults, okhttp and Gson."""
    _generate("java", folder, document, "enumUnknownDefaultCase=true")
    client = folder / "client"
    shutil.copy(_PROGRAMS / "Main.java", client / "src/main/java")
    classpath = folder / "classpath"
    goals = ("compile", "dependency:build-classpath", f"-Dmdep.outputFile={classpath}")
    run("mvn", "-q", "-B", *goals, cwd=client)
    return ["java", "-cp", f"{client}/target/classes:{classpath.read_text()}", "Main"]


def oapi_codegen(folder: Path, document: Path) -> Command:
    """A second opinion in Go; compiled only."""
    client = folder / "client"
    client.mkdir()
    run("go", "mod", "init", "example.org/livecomments/client", cwd=client)
    what = ("-generate", "types,client", "-package", "livecomments", "-o", "client.go")
    run("go", "run", OAPI_CODEGEN, *what, document, cwd=client)
    return _vet(client)


def ogen(folder: Path, document: Path) -> Command:
    """A third one in Go; compiled only."""
    client = folder / "client"
    client.mkdir()
    run("go", "mod", "init", "example.org/livecomments/client", cwd=client)
    run("go", "run", OGEN, "--target", "api", "--package", "api", document, cwd=client)
    return _vet(client)


def openapi_typescript(folder: Path, document: Path) -> Command:
    """The types of `openapi-fetch`; checked only."""
    (folder / "client").mkdir()
    packages = (TYPES_GENERATOR, *TYPESCRIPT)
    run("npm", "install", "--silent", "--no-audit", "--no-fund", *packages, cwd=folder)
    run("npx", "openapi-typescript", document, "-o", "client/client.ts", cwd=folder)
    run("npx", "tsc", *_TSC, "--noEmit", "client/client.ts", cwd=folder)
    return []


def openapi_python_client(folder: Path, document: Path) -> Command:
    """A second opinion in Python; imported only."""
    binaries = python_environment(folder, PYTHON_GENERATOR)
    config = folder / "config.json"
    # Hooks format, with a program that is not there; an export is lines, which it does not know.
    types = '{"application/x-ndjson": "text/plain"}'
    config.write_text(f'{{"post_hooks": [], "content_type_overrides": {types}}}')
    what = ("generate", "--path", document, "--config", config, "--fail-on-warning")
    run(
        binaries / "openapi-python-client",
        *what,
        "--meta",
        "none",
        "--output-path",
        "client",
        cwd=folder,
    )
    run(binaries / "python", "-c", "import client.api.comments.post_comment", cwd=folder)
    return []


GENERATORS: dict[str, Callable[[Path, Path], Command]] = {
    "go": go,
    "typescript": typescript,
    "python": python,
    "java": java,
    "oapi-codegen": oapi_codegen,
    "ogen": ogen,
    "openapi-typescript": openapi_typescript,
    "openapi-python-client": openapi_python_client,
}


def _generate(generator: str, folder: Path, document: Path, option: str, *more: str) -> None:
    jar = folder.parent / "openapi-generator-cli.jar"
    what = ("-g", generator, "-i", document, "-o", "client", "--additional-properties", option)
    run("java", "-jar", jar, "generate", *what, *more, cwd=folder)


def _vet(client: Path) -> Command:
    run("go", "mod", "tidy", cwd=client)
    run("go", "build", "./...", cwd=client)
    run("go", "vet", "./...", cwd=client)
    return []
