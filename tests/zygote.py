"""A process that has loaded all that a scan needs and forks one scanning child per order, to be killed.

Orders come as JSON lines on standard input; each answer is a JSON line: the child's exit status and what it
wrote. Forked children start at once, so that many moments of a scan can be tried in little time.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from partywall.collect.recorder import Recording, ReplayTransport
from partywall.config import Config
from partywall.errors import UserError
from partywall.lake.engine import Lake
from partywall.lake.snapshot import DataDirectory
from partywall.scan import Scan, Selection, load_checks
from tests.support import REGIONS, identity, unlimited

SELECTION = Selection(regions=REGIONS, services=("kms",))


class Moment:
    """Counts calls, SQL statements and file operations, and at the one named lets an accident happen.

    That is a signal to this process, a little later, or a disk on which no file grows beyond `file_size`.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        self.counts = {"call": 0, "sql": 0, "file": 0}
        self._at = (order.get("kind", ""), order.get("number", 0))
        self._delay: float = order.get("delay", 0.0)
        self._sign: int = order.get("sign", signal.SIGKILL)
        self._size: int | None = order.get("file_size")
        self._data = ""

    def note(self, kind: str) -> None:
        """One more of a kind."""
        self.counts[kind] += 1
        if (kind, self.counts[kind]) == self._at:
            if self._size is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._size))
            elif self._delay:
                timer = threading.Timer(self._delay, os.kill, (os.getpid(), self._sign))
                timer.daemon = True
                timer.start()
            else:
                os.kill(os.getpid(), self._sign)

    def watch(self, data: str) -> None:
        """Counts the file operations below a directory, and all SQL."""
        self._data = data
        sys.addaudithook(self._audit)
        plain = Lake.execute

        def execute(lake: Lake, sql: str, parameters: list[Any] | None = None) -> Any:
            self.note("sql")
            return plain(lake, sql, parameters)

        Lake.execute = execute  # type: ignore[method-assign]

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.rename", "os.mkdir", "os.remove") and self._data in str(arguments[0]):
            self.note("file")


class Watched(ReplayTransport):
    """A replay that gives way at each call, as the network does, and notes it."""

    def __init__(self, recording: Recording, moment: Moment) -> None:
        super().__init__(recording)
        self._moment = moment

    async def call(
        self, service: str, region: str, credentials: Any, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        self._moment.note("call")
        return await super().call(service, region, credentials, operation, params)


def scan(order: dict[str, Any], recording: Recording, checks: Any) -> dict[str, Any]:
    """Does one scan as ordered; returns what it came to."""
    moment = Moment(order)
    moment.watch(order["data"])
    transport = Watched(recording, moment)
    who = [identity(account) for account in order["accounts"]]
    try:
        one = Scan(
            DataDirectory(Path(order["data"])),
            who,
            SELECTION,
            checks,
            Config(),
            transport,
            resume=order.get("resume", ""),
            caller=unlimited(transport),
        )
        return {"scan": one.run().name, "calls": len(transport.calls), **moment.counts}
    except UserError as error:
        return {"sentence": str(error)}
    except KeyboardInterrupt:
        return {"interrupted": True}
    except BaseException:
        return {"traceback": traceback.format_exc()}


def main() -> None:
    """Serves orders until standard input ends."""
    recording = Recording.load(Path(sys.argv[1]))
    checks = load_checks(SELECTION, Config())
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            result = json.dumps(scan(order, recording, checks))
            # A pipe, which the limit on files' size does not touch.
            os.write(write, result.encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        status = os.waitpid(child, 0)[1]
        answer = json.loads(text) if text else {}
        print(
            json.dumps({**answer, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}), flush=True
        )


if __name__ == "__main__":
    main()
