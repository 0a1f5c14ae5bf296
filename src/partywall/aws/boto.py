"""Plain botocore clients in a thread pool: the lean transport's fallback, and its oracle in tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from partywall import __version__
from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.codec import malformed
from partywall.aws.credentials import Credentials
from partywall.aws.endpoints import without_label
from partywall.aws.models import plain_session
from partywall.aws.parsers import Malformed, load_json

if TYPE_CHECKING:
    from botocore.session import Session

    from partywall.aws.transport import Observer

_CLIENTS = 64


class BotoTransport:
    """One botocore client per service, region and credentials, retries off, in `threads` threads.

    Streaming bodies are read whole and given as bytes. Times are aware and in UTC.
    """

    def __init__(
        self,
        session: Session | None = None,
        *,
        observer: Observer | None = None,
        threads: int = 8,
        connect_timeout: float = 10,
        read_timeout: float = 60,
    ) -> None:
        from botocore.config import Config

        if session is None:
            session = plain_session()
        self._session = session
        self._observer = observer
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=threads,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            user_agent_extra=f"partywall/{__version__}",
        )
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._clients: dict[Any, Any] = {}
        self._making = threading.Lock()
        self._seen = threading.local()

    async def call(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """As `Transport.call`."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "botocore")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, self.call_now, service, region, credentials, operation, params
        )

    def call_now(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The same, blocking."""
        from botocore import exceptions as boto
        from botocore.parsers import ResponseParserError

        self._seen.answer = None
        try:
            client = self._client(service, region, credentials)
            parsed = cast("dict[str, Any]", client._make_api_call(operation, dict(params)))
            parsed.pop("ResponseMetadata", None)
            return cast("dict[str, Any]", _plain(parsed))
        except boto.ClientError as error:
            response = cast("dict[str, Any]", error.response)
            detail = cast("dict[str, Any]", response.get("Error", {}))
            status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code = str(detail.get("Code") or status)
            raise CallFailed(code, str(detail.get("Message") or ""), status) from None
        except (ResponseParserError, Malformed) as error:
            status = int((getattr(self._seen, "answer", None) or (200,))[0])
            if status >= 300:
                text = f"unreadable error answer ({type(error).__name__})"
                raise CallFailed(str(status), text, status) from None
            raise malformed(str(error), status) from None
        except boto.ConnectTimeoutError as error:
            raise _lost("Timeout", error) from None
        except boto.ReadTimeoutError as error:
            raise _lost("Timeout", error) from None
        except boto.SSLError as error:
            raise _lost("TlsFailed", error, retryable=False) from None
        except boto.EndpointConnectionError as error:
            raise _lost("ConnectionFailed", error) from None
        except (boto.HTTPClientError, boto.ResponseStreamingError, boto.IncompleteReadError) as error:
            raise _lost("ConnectionCut", error) from None
        except (boto.BotoCoreError, ValueError, KeyError, TypeError) as error:
            raise CallFailed(
                "InvalidRequest", str(error)[:300], outcome=Outcome.ERROR, retryable=False
            ) from None
        finally:
            self._report(service, region, credentials, operation, params)

    async def close(self) -> None:
        """Close all clients and stop the threads."""
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown)
            self._pool = None
        with self._making:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self, service: str, region: str, credentials: Credentials) -> Any:
        key = (service, region, credentials.access_key, credentials.token)
        with self._making:
            found = self._clients.get(key)
            if found is None:
                if len(self._clients) >= _CLIENTS:
                    self._clients.pop(next(iter(self._clients))).close()
                make: Any = self._session.create_client
                found = self._clients[key] = make(
                    service,
                    region_name=region,
                    aws_access_key_id=credentials.access_key,
                    aws_secret_access_key=credentials.secret_key,
                    aws_session_token=credentials.token or None,
                    aws_account_id=credentials.account_id or None,
                    config=self._config,
                )
                found.meta.events.register_first("before-parse", self._before_parse)
                found.meta.events.register_first("before-sign", _without_account_host)
        return found

    def _before_parse(self, operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
        body = response_dict["body"]
        status = int(response_dict["status_code"])
        if isinstance(body, bytes):
            self._seen.answer = (status, dict(response_dict["headers"]), body)
        protocol = operation_model.service_model.resolved_protocol
        if protocol in ("json", "rest-json") and status < 300 and isinstance(body, bytes) and body:
            shape = operation_model.output_shape
            payload = shape.serialization.get("payload") if shape is not None else None
            if shape is None or payload is None or shape.members[payload].type_name not in ("string", "blob"):
                # botocore takes a body that is not JSON for an empty answer.
                load_json(body)

    def _report(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> None:
        answer = getattr(self._seen, "answer", None)
        if self._observer is not None and answer is not None:
            from partywall.aws.transport import fingerprint

            key = fingerprint(credentials.account_id, service, region, operation, params)
            self._observer(key, service, region, operation, params, *answer)


def _without_account_host(request: Any, **_: Any) -> None:
    """An emulator on the loopback interface has no host of the account's own, as S3 Control's have."""
    request.url = without_label(request.url)


def _lost(code: str, error: Exception, *, retryable: bool = True) -> CallFailed:
    return CallFailed(code, str(error)[:300], outcome=Outcome.ERROR, retryable=retryable)


def _plain(value: Any) -> Any:
    """Streams read, times in UTC."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if hasattr(value, "read") and hasattr(value, "iter_chunks"):
        return value.read()
    return value
