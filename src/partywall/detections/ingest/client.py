"""AWS for readers of logs: one call after the other, or some at a time, by the transport of scans."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from partywall.errors import UserError

if TYPE_CHECKING:
    from types import TracebackType

    from partywall.aws.caller import Result
    from partywall.aws.credentials import Identity


class CallRefused(UserError):
    """A call that AWS did not answer; `code` is its error code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Client:
    """Calls as one identity. Use it as a context manager, so that its connections are closed."""

    def __init__(self, identity: Identity, region: str = "") -> None:
        from partywall.aws.caller import Caller
        from partywall.aws.limits import RateGovernor
        from partywall.aws.partitions import home_region
        from partywall.aws.transport import LeanTransport

        self.identity = identity
        self.region = region or identity.region or home_region(identity.partition)
        self._loop = asyncio.new_event_loop()
        self._transport = LeanTransport(identity.session)
        self._caller = Caller(self._transport, RateGovernor(), lambda _: None, concurrency=16)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop.is_closed():
            return
        self._loop.run_until_complete(self._transport.close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def call(
        self, service: str, operation: str, params: Mapping[str, Any], region: str = ""
    ) -> dict[str, Any]:
        """The parsed answer. Raises CallRefused where AWS refuses, UserError for expired credentials."""
        return self._answer(service, operation, self._wait(self._call(service, operation, params, region)))

    def calls(
        self, service: str, operation: str, params: Sequence[Mapping[str, Any]], region: str = ""
    ) -> list[dict[str, Any] | CallRefused]:
        """Several calls at a time; what was refused is in the place of its answer."""

        async def together() -> list[Result]:
            return await asyncio.gather(*(self._call(service, operation, p, region) for p in params))

        found: list[dict[str, Any] | CallRefused] = []
        for result in self._wait(together()):
            try:
                found.append(self._answer(service, operation, result))
            except CallRefused as refused:
                found.append(refused)
        return found

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], region: str = ""
    ) -> Iterator[dict[str, Any]]:
        """The answer's pages. Raises as `call`."""
        pages = self._caller.pages(self._scope(region), service, operation, params)

        async def following() -> Result | None:
            return await anext(pages, None)

        while (page := self._wait(following())) is not None:
            yield self._answer(service, operation, page)

    async def _call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Result:
        return await self._caller.call(self._scope(region), service, operation, params)

    def _wait(self, work: Any) -> Any:
        from partywall.aws.answers import CredentialsExpired

        try:
            return self._loop.run_until_complete(work)
        except CredentialsExpired as error:
            raise UserError(f"AWS no longer accepts the credentials ({error.code}): renew them") from error

    def _scope(self, region: str) -> Any:
        from partywall.aws.caller import Scope

        who = self.identity
        return Scope(who.account_id, region or self.region, who.partition, who.provider)

    @staticmethod
    def _answer(service: str, operation: str, result: Result) -> dict[str, Any]:
        if result.data is None:
            raise CallRefused(
                f"{service}:{operation} in {result.region} was not answered"
                f" ({result.error_code}: {result.error_message}): allow it, or leave that source out",
                result.error_code,
            )
        return result.data
