"""A local AWS: moto's server and the project's own fake on one loopback port.

`Emulator` serves from a thread of this process, which tests use; `EmulatorProcess` runs the same server in a
child process, so that a scan beside it has a processor core of its own. Which account a request is for
follows from its credentials: those of `sts:AssumeRole` on a role of account 222222222222 are bound to that
account, and unknown ones are of the management account.
"""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import traceback
import warnings
from typing import Any, NamedTuple, cast
from urllib.parse import unquote_to_bytes

from partywall.demo.aging import age
from partywall.demo.fake import Fake
from partywall.demo.faults import Fault, Faults
from partywall.demo.http import HttpServer, Reply, Request
from partywall.demo.identify import Target, identify
from partywall.demo.moto_app import as_seen_in_organizations, moto_application
from partywall.demo.protocol import AwsError, protocol_of, unsupported, write_error

ADMIN = "/_partywall/"
MANAGEMENT_ACCOUNT = "123456789012"


class Call(NamedTuple):
    """One request that the emulator served."""

    service: str
    operation: str
    account: str
    region: str


def _environ(request: Request) -> dict[str, Any]:
    """The request as WSGI's environ, as moto's own server would build it."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "REQUEST_URI": request.target,
        "RAW_URI": request.target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    names: dict[str, str] = {}
    for name, value in request.raw_headers:
        key = name.upper().replace("-", "_")
        if key == "TRANSFER_ENCODING":
            continue
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
            if "_" in name:
                names[key] = name
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ["CONTENT_LENGTH"] = str(len(request.body))
    environ["moto.preserved_header_names"] = names
    return environ


class Emulator:
    """moto and the fake behind one port of the loopback interface.

    `requests` logs what was asked, in order; `failures` holds the tracebacks of requests on which moto broke.
    """

    def __init__(self, port: int = 0) -> None:
        self.fake = Fake()
        self.requests: list[Call] = []
        self.failures: list[tuple[Call, str]] = []
        self.url = ""
        self._faults = Faults()
        self._server = HttpServer(self._handle, port=port)
        self._accounts: dict[str, str] = {}
        self._moto: Any = None

    def start(self) -> Emulator:
        """Serve on a free port (or the one given) and return self. Raises OSError if the port is taken."""
        self._moto = moto_application()
        self.url = f"http://127.0.0.1:{self._server.start()}"
        return self

    def stop(self) -> None:
        """Stop serving and forget all state of moto, which is global to the process."""
        self._server.stop()
        from moto.moto_api._internal.models import moto_api_backend

        cast(Any, moto_api_backend).reset()

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def inject(self, *faults: Fault) -> None:
        """Put faults in force for the requests to come."""
        self._faults.add(*faults)

    def clear_faults(self) -> None:
        """Lift all faults."""
        self._faults.clear()

    def account_of(self, access_key: str) -> str:
        """The account that an access key is bound to."""
        known = self._accounts.get(access_key)
        if known is not None:
            return known
        from moto.iam.models import get_account_id_from

        account = get_account_id_from(access_key)
        # A key unknown today falls to the default account, and may be created in another one tomorrow.
        if account != MANAGEMENT_ACCOUNT:
            self._accounts[access_key] = account
        return account

    def _handle(self, request: Request) -> Reply:
        if request.target.startswith(ADMIN):
            try:
                return self._admin(request)
            except (KeyError, TypeError, ValueError) as error:
                return Reply(400, body=f"{type(error).__name__}: {error}".encode())
        target = identify(request)
        if target is None:
            return self._call_moto(request)
        account = self.account_of(target.access_key)
        call = Call(target.service, target.operation, account, target.region)
        self.requests.append(call)
        if not self._faults:
            return self._answer(request, target, call)
        protocol = protocol_of(target.service, request)
        reply = self._faults.before(target, account, protocol, f"arn:aws:iam::{account}:user/scanner")
        if reply is None:
            reply = self._answer(request, target, call)
        return self._faults.after(target, account, protocol, reply)

    def _answer(self, request: Request, target: Target, call: Call) -> Reply:
        try:
            if target.service == "organizations":
                request = as_seen_in_organizations(request, call.account, target.operation)
            reply = self.fake.answer(request, target, call.account, self._call_moto)
            if reply is not None:
                return reply
            reply = self._call_moto(request)
        except AwsError as refused:
            return write_error(target.service, protocol_of(target.service, request), refused)
        except NotImplementedError:
            return self._unsupported(request, target)
        except Exception:
            self.failures.append((call, traceback.format_exc()))
            error = AwsError("InternalFailure", "The emulator failed on this request.", 500)
            return write_error(target.service, protocol_of(target.service, request), error)
        unknown_to_moto = reply.status == 404 and (not reply.body or reply.body[:9].lower() == b"<!doctype")
        if unknown_to_moto and target.service != "s3" and request.method != "HEAD":
            return self._unsupported(request, target)
        return reply

    @staticmethod
    def _unsupported(request: Request, target: Target) -> Reply:
        protocol = protocol_of(target.service, request)
        return write_error(target.service, protocol, unsupported(target.service, target.operation, protocol))

    def _call_moto(self, request: Request) -> Reply:
        reply = Reply(500)

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            reply.status = int(status.split(" ", 1)[0])
            reply.headers = headers

        environ = _environ(request)
        chunks: Any = self._moto(environ, start_response)
        try:
            reply.body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return reply

    def _admin(self, request: Request) -> Reply:
        """What a client in another process does through methods here: fill, age, inject, read."""
        what = request.path.removeprefix(ADMIN)
        result: Any = {}
        if what == "fake":
            for entry in json.loads(request.body):
                self.fake.put(**entry)
        elif what == "faults":
            self._faults.clear()
            self._faults.add(*(Fault(**fault) for fault in json.loads(request.body)))
        elif what == "state":
            for entry in json.loads(request.body):
                kept = self.fake.state(entry["account"], entry["region"], entry["service"])
                kept[entry["key"]] = entry["value"]
        elif what == "age":
            for entry in json.loads(request.body):
                age(**entry)
        elif what == "requests":
            result = self.requests
        elif what == "failures":
            result = self.failures
        else:
            return Reply(404)
        return Reply(200, [("Content-Type", "application/json")], json.dumps(result).encode())


class EmulatorProcess:
    """The emulator in a child process, with `start`, `stop` and `url` as `Emulator` has them."""

    def __init__(self, port: int = 0) -> None:
        self.url = ""
        self._port = port
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> EmulatorProcess:
        """Start the child and return self once it serves. Raises RuntimeError if it ends before."""
        command = [sys.executable, "-m", "partywall.demo.emulator", str(self._port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("http"):
            raise RuntimeError(f"the emulator did not start (exit {self._process.wait()})")
        self.url = line.strip()
        return self

    def stop(self) -> None:
        """End the child; it also ends by itself when this process does."""
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait(timeout=10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> EmulatorProcess:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _main() -> None:
    """Serve until the parent closes our standard input."""
    # What moto lacks is answered to the client; said on the terminal it would only puzzle the demo's user.
    warnings.simplefilter("ignore")
    logging.getLogger("moto").setLevel(logging.CRITICAL)
    emulator = Emulator(int(sys.argv[1]) if len(sys.argv) > 1 else 0).start()
    sys.stdout.write(emulator.url + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _main()
