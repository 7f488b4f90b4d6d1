"""Whether a file lies where only this host can have it open.

SQLite's log in shared memory works between processes of one kernel; over a network file system two
hosts would both believe that they hold the lock. (SQLite's documentation: "Write-Ahead Logging",
section 2.)
"""

from __future__ import annotations

from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
SHARED_BY_HOSTS = frozenset(
    {
        "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.sshfs", "gfs2",
        "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "ocfs2", "smb3", "smbfs",
    }
)  # fmt: skip


def shared_file_system(path: Path, mounts: str | None = None) -> str | None:
    """The kind of file system that `path` is on, if other hosts may have it mounted too; else None.
    `mounts`: as /proc/self/mountinfo, see proc(5); where that cannot be read nothing is found.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text()
        except OSError:
            return None
    target = path.absolute().resolve()
    kind, longest = None, -1
    for line in mounts.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if not dash or len(fields) < 5:
            continue
        point = _unescaped(fields[4])
        # A later mount on the same point hides an earlier one.
        if target.is_relative_to(point) and len(point.parts) >= longest:
            kind, longest = after.split()[0], len(point.parts)
    return kind if kind in SHARED_BY_HOSTS else None


def _unescaped(text: str) -> Path:
    return Path(text.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace"))
