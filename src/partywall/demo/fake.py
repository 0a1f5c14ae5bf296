"""A small fake of the AWS operations that moto lacks, built from botocore's service models.

An answer is a Python dict under the names of the operation's output shape, checked against that shape and
written by moto's serialisers. Accounts that nobody filled get what AWS answers for a service that is not in
use: an empty list, a default, or the error that says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from partywall.demo.http import Reply, Request
from partywall.demo.identify import Target
from partywall.demo.protocol import (
    AwsError,
    parse_params,
    protocol_of,
    read_answer,
    write_answer,
    write_error,
)
from partywall.demo.shapes import check_answer, page

State = dict[str, Any]


@dataclass(slots=True)
class Asked:
    """A request to the fake: whose, where and what; `state` is kept per account, region and service.

    `ask_moto` gives moto's own answer, to be completed, or None where moto answers an error.
    """

    account: str
    region: str
    service: str
    operation: str
    params: dict[str, Any]
    state: State
    ask_moto: Callable[[], dict[str, Any] | None]

    def arn(self, resource: str, service: str = "", region: str | None = None) -> str:
        """An ARN of this account and region."""
        where = self.region if region is None else region
        return f"arn:aws:{service or self.service}:{where}:{self.account}:{resource}"


Answer = dict[str, Any] | AwsError | Callable[[Asked], dict[str, Any] | None]


@dataclass(slots=True)
class _Filled:
    when: dict[str, Any]
    answer: Any


def _handlers() -> dict[tuple[str, str], Answer]:
    from partywall.demo import (
        fake_compute,
        fake_defaults,
        fake_gaps,
        fake_iam,
        fake_network,
        fake_security,
        fake_variants,
        fake_watch,
        fake_wide,
    )

    tables: list[dict[str, Any]] = [
        fake_defaults.ANSWERS,
        fake_security.ANSWERS,
        fake_compute.ANSWERS,
        fake_iam.ANSWERS,
        fake_gaps.ANSWERS,
        fake_watch.ANSWERS,
        fake_wide.ANSWERS,
        fake_variants.ANSWERS,
        fake_network.ANSWERS,
    ]
    return {
        (service, operation): answer
        for table in tables
        for service, answers in table.items()
        for operation, answer in answers.items()
    }


# Services that answer alike whatever region a request is signed for.
_GLOBAL = frozenset(("account", "artifact", "iam", "organizations", "shield", "waf"))
_HANDLERS = _handlers()
OPERATIONS: frozenset[tuple[str, str]] = frozenset(_HANDLERS)
"""(service, operation) of everything that the fake serves without being filled."""


class Fake:
    """Answers per account and region; see `put`. Safe to fill while it serves."""

    def __init__(self) -> None:
        self._filled: dict[tuple[str, str, str, str], list[_Filled]] = {}
        self._filled_operations: set[tuple[str, str]] = set()
        self._states: dict[tuple[str, str, str], State] = {}
        self._lock = threading.RLock()

    def put(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        answer: Any,
        when: dict[str, Any] | None = None,
    ) -> None:
        """Let an operation answer `answer` in an account and region ("*" for every one).

        `answer` is a dict of the output shape, an AwsError, `{"Error": {"Code": …, "Message": …}}`, or a
        function of Asked, whose None leaves the answer to moto. With `when`, it holds for requests whose
        parameters have those values; what is put later goes before. Also overrules moto. Raises
        ValueError where the dict does not fit the shape.
        """
        if isinstance(answer, dict):
            given = cast(dict[str, Any], answer)
            if set(given) == {"Error"}:
                error = given["Error"]
                answer = AwsError(error["Code"], error.get("Message", ""), int(error.get("Status", 400)))
            else:
                check_answer(service, operation, given)
        with self._lock:
            self._filled.setdefault((account, region, service, operation), []).insert(
                0, _Filled(when or {}, answer)
            )
            self._filled_operations.add((service, operation))

    def state(self, account: str, region: str, service: str) -> State:
        """What the write operations of a service keep for an account and region."""
        if service in _GLOBAL:
            region = "global"
        with self._lock:
            return self._states.setdefault((account, region, service), {})

    def _find(self, asked: Asked) -> Any:
        for account in (asked.account, "*"):
            for region in (asked.region, "*"):
                for entry in self._filled.get((account, region, asked.service, asked.operation), ()):
                    if all(asked.params.get(name) == value for name, value in entry.when.items()):
                        return entry.answer
        return _HANDLERS.get((asked.service, asked.operation))

    def answer(
        self, request: Request, target: Target, account: str, call_moto: Callable[[Request], Reply]
    ) -> Reply | None:
        """The reply to a request, or None where it is moto's to answer."""
        key = (target.service, target.operation)
        if key not in _HANDLERS and key not in self._filled_operations:
            return None
        protocol = protocol_of(target.service, request)
        params = parse_params(target.service, target.operation, request)
        state = self.state(account, target.region, target.service)

        def ask_moto() -> dict[str, Any] | None:
            return read_answer(target.service, target.operation, protocol, call_moto(request))

        asked = Asked(account, target.region, target.service, target.operation, params, state, ask_moto)
        found = self._find(asked)
        if found is None:
            return None
        try:
            if isinstance(found, AwsError):
                raise found
            answer = cast(dict[str, Any] | None, found(asked) if callable(found) else found)
        except AwsError as error:
            return write_error(target.service, protocol, error)
        if answer is None:
            return None
        check_answer(target.service, target.operation, answer)
        return write_answer(
            target.service, target.operation, protocol, page(target.service, target.operation, params, answer)
        )
