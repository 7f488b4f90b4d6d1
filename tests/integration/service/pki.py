"""Certificates for tests of TLS: folders as processes have them, good and bad."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

from cluster.ca import DevelopmentCa
from service.tls import TlsFiles
from wire.roles import Role

DAY = dt.timedelta(days=1)


class Pki:
    """One CA that all trust, and a folder for each process."""

    def __init__(self, folder: Path) -> None:
        self.ca = DevelopmentCa.new()
        self.root = folder
        self._count = 0

    def folder(self, role: Role, name: str, *, ca: DevelopmentCa | None = None) -> Path:
        """A process's files; with `ca`, it was signed by that one, and still trusts ours."""
        folder = self.root / f"{role}-{name}"
        (ca or self.ca).issue(role, name).write(folder)
        (folder / "ca.pem").write_bytes(self.ca.pem)
        return folder

    def files(self, role: Role, name: str, *, ca: DevelopmentCa | None = None) -> TlsFiles:
        return TlsFiles(self.folder(role, name, ca=ca))

    def dated(self, role: Role, name: str, start: dt.timedelta, end: dt.timedelta) -> TlsFiles:
        """A certificate that is valid from now + start until now + end."""
        now = dt.datetime.now(dt.UTC)
        folder = self.root / f"{role}-{name}-dated"
        self.ca.issue(role, name, not_before=now + start, not_after=now + end).write(folder)
        return TlsFiles(folder)

    def nobody(self) -> ssl.SSLContext:
        """A client that trusts our CA and shows no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.ca.pem.decode())
        return context
