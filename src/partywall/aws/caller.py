"""The caller: transport plus rate limits, retries, pagination, classification and the log of every call."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from partywall.aws.answers import CallFailed, CallRecord, CredentialsExpired, Outcome, means_absent
from partywall.aws.limits import RateGovernor
from partywall.aws.partitions import home_region, is_service_in, partition_of

if TYPE_CHECKING:
    from partywall.aws.credentials import CredentialProvider, Credentials
    from partywall.aws.transport import Transport

_MESSAGE = 300
_ARGUMENTS = 2000
_BASE_DELAY = 0.5
_LONGEST_DELAY = 20.0
_CUTS = frozenset({"ConnectionCut", "ConnectionFailed", "EndpointUnresolved", "Timeout"})
# A lost connection or a broken answer that five attempts do not mend is not mended by eight.
_ATTEMPTS_LOST = 5
_ATTEMPTS_MALFORMED = 3


# Called as (account id, region, service, operation, params, parsed answer or failure, started at).
OnAnswer = Callable[[str, str, str, str, Mapping[str, Any], "dict[str, Any] | CallFailed", datetime], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a call goes and as whom."""

    account_id: str
    region: str
    partition: str
    provider: CredentialProvider


@dataclass(slots=True)
class Result:
    """What a call came to. `data` is the parsed answer; {} for EMPTY; None where the question stays open."""

    data: dict[str, Any] | None
    outcome: Outcome
    error_code: str = ""
    error_message: str = ""
    denied_by: str = ""
    operation: str = ""
    region: str = ""
    account_id: str = ""

    @property
    def ok(self) -> bool:
        """Whether AWS answered: OK, or EMPTY for a known absence."""
        return self.outcome in (Outcome.OK, Outcome.EMPTY)


@dataclass(slots=True)
class _Attempts:
    count: int = 0
    throttles: int = 0
    refreshed: bool = False


class Caller:
    """Calls AWS politely and tells exactly how it went.

    `log` gets one CallRecord for each call with all its attempts. `concurrency` bounds calls in flight over
    everything; the governor's table bounds them and their rate per account, region and service. `sleep`,
    `clock` (monotonic seconds) and `jitter` are injected by tests.
    """

    def __init__(
        self,
        transport: Transport,
        governor: RateGovernor,
        log: Callable[[CallRecord], None],
        max_attempts: int = 8,
        concurrency: int = 64,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport
        self._governor = governor
        self._log = log
        self._max_attempts = max(1, max_attempts)
        self._slots = asyncio.Semaphore(concurrency)
        self._service_slots: dict[tuple[str, str, str], asyncio.Semaphore] = {}
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter
        self._valid: dict[str, Credentials] = {}
        self._checking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._disabled: set[tuple[str, str]] = set()
        self.in_flight = 0
        self.on_answer: OnAnswer | None = None
        """Told of what each call came to, all attempts over; must not change the answer."""

    async def call(
        self,
        scope: Scope,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        table: str = "",
        absent: Collection[str] = (),
    ) -> Result:
        """One API call. An error in `absent` ("Code" or "Code:words of its message") is EMPTY with data {}.

        Never raises for what AWS answers; raises CredentialsExpired when the credentials are over.
        """
        started, began = datetime.now(UTC), self._clock()
        tally = _Attempts()
        try:
            data = await self._attempt(scope, service, operation, params, tally, absent)
            result = Result(data, Outcome.OK)
            if self.on_answer is not None:
                self.on_answer(scope.account_id, scope.region, service, operation, params, data, started)
        except CallFailed as failed:
            result = self._failure(scope, service, failed, absent)
            if self.on_answer is not None:
                self.on_answer(scope.account_id, scope.region, service, operation, params, failed, started)
        except CredentialsExpired as expired:
            result = Result(None, Outcome.ERROR, expired.code or "CredentialsExpired", str(expired))
            self._record(scope, service, operation, params, table, result, tally, started, began)
            raise
        result.operation, result.region, result.account_id = (
            f"{service}:{operation}",
            scope.region,
            scope.account_id,
        )
        self._record(scope, service, operation, params, table, result, tally, started, began)
        return result

    async def pages(
        self,
        scope: Scope,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        table: str = "",
        absent: Collection[str] = (),
    ) -> AsyncIterator[Result]:
        """Every page of a list operation, each a Result; after a failed page there are no more.

        A token that repeats ends the listing with an ERROR result of code RepeatedToken, for the rest of the
        list is unknown. An operation without pages gives one result.
        """
        from partywall.aws.paging import first_params, paging_of

        paging = paging_of(service, operation)
        if paging is None:
            yield await self.call(scope, service, operation, params, table=table, absent=absent)
            return
        base = first_params(paging, params)
        seen: set[str] = set()
        tokens: dict[str, Any] = {}
        while True:
            page = await self.call(scope, service, operation, {**base, **tokens}, table=table, absent=absent)
            # Read before the page is handed on: its reader may let go of the data bit by bit.
            tokens = paging.next_params(page.data) if page.outcome is Outcome.OK and page.data else {}
            yield page
            if not tokens:
                return
            mark = repr(sorted(tokens.items()))
            if mark in seen:
                text = f"{service}:{operation} gave the same token twice, so its list may be incomplete"
                yield replace(
                    page, data=None, outcome=Outcome.ERROR, error_code="RepeatedToken", error_message=text
                )
                return
            seen.add(mark)

    async def _attempt(
        self,
        scope: Scope,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        tally: _Attempts,
        absent: Collection[str],
    ) -> dict[str, Any]:
        account, region = scope.account_id, scope.region
        slot = self._slot(account, region, service, operation)
        while True:
            async with slot:
                await self._governor.acquire(account, region, service, operation)
                async with self._slots:
                    credentials = await scope.provider.get()
                    tally.count += 1
                    self.in_flight += 1
                    try:
                        data = await self._transport.call(service, region, credentials, operation, params)
                    except CallFailed as error:
                        failed = error
                    else:
                        self._governor.succeeded(account, region, service, operation)
                        return data
                    finally:
                        self.in_flight -= 1
            if failed.credentials_refused:
                await self._refused(scope, credentials, failed, tally)
                continue
            if failed.outcome is Outcome.THROTTLED:
                tally.throttles += 1
                self._governor.throttled(account, region, service, operation)
            if not self._again(scope, service, failed, tally, absent):
                raise failed
            await self._sleep(self._delay(tally.count))

    def _again(
        self, scope: Scope, service: str, failed: CallFailed, tally: _Attempts, absent: Collection[str]
    ) -> bool:
        if not failed.retryable or means_absent(failed.code, failed.message, absent):
            return False
        most = self._max_attempts
        if failed.code == "EndpointUnresolved" and is_service_in(service, scope.region) is not True:
            # Most likely there is no such endpoint; one more try allows for a resolver's hiccup.
            most = min(most, 2)
        elif failed.code in _CUTS:
            most = min(most, _ATTEMPTS_LOST)
        elif failed.code == "MalformedAnswer":
            most = min(most, _ATTEMPTS_MALFORMED)
        return tally.count < most

    def _delay(self, attempt: int) -> float:
        """Full jitter, page "Exponential backoff and jitter" (AWS Architecture Blog)."""
        return self._jitter() * min(_LONGEST_DELAY, _BASE_DELAY * 2 ** (attempt - 1))

    async def _refused(self, scope: Scope, used: Credentials, failed: CallFailed, tally: _Attempts) -> None:
        """Credentials were refused: return to try again with new ones, or raise what it means.

        Raises CallFailed with REGION_DISABLED where the same credentials work elsewhere, and
        CredentialsExpired where they work nowhere.
        """
        if not tally.refreshed:
            tally.refreshed = True
            if await scope.provider.get() != used:
                return
            refresh: Callable[[], Awaitable[bool]] | None = getattr(scope.provider, "refresh", None)
            from partywall.aws.answers import EXPIRED_CODES

            if failed.code in EXPIRED_CODES and refresh is not None and await refresh():
                return
        if await self._work_elsewhere(scope, used):
            self._disabled.add((scope.account_id, scope.region))
            raise CallFailed(
                failed.code,
                f"{failed.message} (the same credentials work in {home_region(scope.partition)})",
                failed.status,
                outcome=_refused_here(scope.region),
                retryable=False,
            ) from None
        raise CredentialsExpired(
            f"AWS no longer accepts the credentials of account {scope.account_id} "
            f"({failed.code}: {failed.message}): renew them and continue with --resume",
            account_id=scope.account_id,
            code=failed.code,
        ) from None

    async def _work_elsewhere(self, scope: Scope, used: Credentials) -> bool:
        """Whether STS in the partition's home region accepts the credentials that a region refused."""
        async with self._checking[scope.account_id]:
            if self._valid.get(scope.account_id) == used:
                return True
            home = home_region(scope.partition)
            for attempt in range(1, 4):
                try:
                    await self._governor.acquire(scope.account_id, home, "sts")
                    await self._transport.call("sts", home, used, "GetCallerIdentity", {})
                except CallFailed as failed:
                    if failed.credentials_refused or not failed.retryable:
                        return False
                    await self._sleep(self._delay(attempt))
                else:
                    self._valid[scope.account_id] = used
                    return True
            return False

    def _slot(self, account: str, region: str, service: str, operation: str) -> asyncio.Semaphore:
        key = self._governor.allowance(account, region, service, operation)
        slot = self._service_slots.get(key)
        if slot is None:
            allowed = self._governor.limit(service, operation).concurrency
            slot = self._service_slots[key] = asyncio.Semaphore(max(1, allowed))
        return slot

    def _failure(self, scope: Scope, service: str, failed: CallFailed, absent: Collection[str]) -> Result:
        if means_absent(failed.code, failed.message, absent):
            return Result({}, Outcome.EMPTY, failed.code, failed.message[:_MESSAGE])
        outcome = failed.outcome
        if failed.code == "EndpointUnresolved" and is_service_in(service, scope.region) is not True:
            outcome = Outcome.NOT_SUPPORTED
        return Result(None, outcome, failed.code, failed.message[:_MESSAGE], failed.denied_by)

    def _record(
        self,
        scope: Scope,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        table: str,
        result: Result,
        tally: _Attempts,
        started: datetime,
        began: float,
    ) -> None:
        from partywall.aws.transport import canonical

        self._log(
            CallRecord(
                account_id=scope.account_id,
                region=scope.region,
                service=service,
                operation=operation,
                arguments=canonical(params)[:_ARGUMENTS],
                table=table,
                outcome=result.outcome,
                error_code=result.error_code,
                error_message=result.error_message,
                denied_by=result.denied_by,
                attempts=tally.count,
                throttles=tally.throttles,
                latency_ms=(self._clock() - began) * 1000,
                started_at=started,
            )
        )


def _refused_here(region: str) -> Outcome:
    """Credentials that work elsewhere are refused by an opt-in region that the account has not enabled."""
    from partywall.aws.partitions import ALWAYS_ENABLED

    if partition_of(region) == "aws" and region in ALWAYS_ENABLED:
        return Outcome.ERROR
    return Outcome.REGION_DISABLED
