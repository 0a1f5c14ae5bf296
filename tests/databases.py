"""A real PostgreSQL for tests, where Debian's package is installed: started once, stopped at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"


def binaries() -> Path | None:
    """The directory of initdb and pg_ctl, of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[4]))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


@contextmanager
def postgresql() -> Generator[str | None]:
    """The URL of a server's database `postgres`, over a socket of its own; None without a server."""
    bin = binaries()
    root = os.geteuid() == 0
    if bin is None or (root and shutil.which("runuser") is None):
        yield None
        return
    # A socket's path has at most 107 bytes, and pytest's directories are long.
    base = Path(tempfile.mkdtemp(prefix="pw-pg-"))
    # It does not run as root.
    begin = ["runuser", "-u", USER, "--"] if root else []
    if root:
        shutil.chown(base, USER, USER)
    data = base / "data"

    def run(*command: str) -> None:
        subprocess.run([*begin, *command], check=True, stdout=subprocess.DEVNULL, cwd=base, timeout=60)

    try:
        run(str(bin / "initdb"), "-D", str(data), "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8")
        options = f"-k {base} -c listen_addresses= -c fsync=off"
        run(str(bin / "pg_ctl"), "-D", str(data), "-l", str(base / "log"), "-w", "-o", options, "start")
        try:
            yield f"postgresql://{USER}@/postgres?host={base}"
        finally:
            run(str(bin / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(base, ignore_errors=True)


def fresh(url: str) -> str:
    """The URL of a new, empty database on that server."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # pyright: ignore[reportArgumentType]
    return url.replace("/postgres?", f"/{name}?")
