"""Where each request goes and for which region and name it is signed: botocore's own resolution, cached.

Honours AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>, the profile's endpoint_url, FIPS and dual-stack settings
and S3's addressing, because botocore's code decides on them here as it does in a client.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from partywall.aws.codec import Codec, Operation, emitter
from partywall.aws.models import loader

if TYPE_CHECKING:
    from botocore.session import Session

_ACCOUNT_ID = "AWS::Auth::AccountId"
_NUMERIC = re.compile(r"\d+\.\d+\.\d+\.\d+")
_CACHE_SIZE = 20_000
# Signing names whose paths are signed as they are, and whose payload hash is a header.
S3_SIGNING_NAMES = frozenset({"s3", "s3-outposts", "s3-object-lambda", "s3express"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A resolved endpoint: URL, headers to add, signature kind ("v4", "s3v4", "none" ...), signing scope."""

    url: str
    headers: dict[str, str]
    signature: str
    region: str
    service: str
    loopback: bool = False


class _Regional:
    """One service in one region."""

    __slots__ = ("cache", "client_config", "resolver", "signature", "signing_name", "signing_region", "url")

    def __init__(self, resolver: Any, config: dict[str, Any], client_config: Any) -> None:
        self.resolver = resolver
        self.url = str(config["endpoint_url"])
        self.signature = str(config["signature_version"])
        self.signing_region = str(config["signing_region"])
        self.signing_name = str(config["signing_name"])
        self.client_config = client_config
        self.cache: dict[Any, Endpoint] = {}


class _Service:
    """What is common to a service's regions."""

    def __init__(self, session: Session, codec: Codec, user_agent: str) -> None:
        from botocore.args import ClientArgsCreator
        from botocore.client import ClientEndpointBridge
        from botocore.exceptions import UnknownServiceError

        raw: Any = session
        self._codec = codec
        self._store = copy.copy(raw.get_component("config_store"))
        raw._add_configured_endpoint_provider(client_name=codec.service, config_store=self._store)
        self._creator: Any = ClientArgsCreator(emitter(), user_agent, None, loader(), None, self._store)
        self._scoped = raw.get_scoped_config()
        metadata = cast("dict[str, Any]", codec.model.metadata)
        auth = metadata.get("auth")
        if auth:
            from botocore.auth import resolve_auth_type  # pyright: ignore[reportUnknownVariableType]

            signature = resolve_auth_type(auth)
        else:
            signature = metadata.get("signatureVersion")
        self._bridge: Any = ClientEndpointBridge(
            raw._get_internal_component("endpoint_resolver"),
            self._scoped,
            None,
            service_signing_name=metadata.get("signingName"),
            config_store=self._store,
            service_signature_version=signature,
        )
        try:
            self._rules: Any = loader().load_service_model(codec.service, "endpoint-rule-set-1")
        except UnknownServiceError:
            self._rules = None
        self._first: Any = None
        self._regions: dict[str, _Regional] = {}

    def region(self, name: str) -> _Regional:
        found = self._regions.get(name)
        if found is None:
            found = self._regions[name] = self._resolve(name)
        return found

    def _resolve(self, region: str) -> _Regional:
        from botocore.config import Config

        args = self._creator.compute_client_args(
            self._codec.model, None, self._bridge, region, None, True, self._scoped
        )
        config = cast("dict[str, Any]", args["endpoint_config"])
        settings = cast("dict[str, Any]", args["config_kwargs"])
        settings["s3"] = args["s3_config"]
        resolver: Any = None
        if self._rules is not None:
            resolver = self._resolver(region, args)
        return _Regional(resolver, config, Config(**settings))

    def _resolver(self, region: str, args: dict[str, Any]) -> Any:
        creator = self._creator
        config, settings = args["endpoint_config"], args["config_kwargs"]
        mode = settings["account_id_endpoint_mode"]
        # Only control operations are asked of directory buckets, and those take no session.
        express = True
        if self._first is None:
            self._first = creator._build_endpoint_resolver(
                self._rules,
                loader().load_data("partitions"),
                None,
                self._codec.model,
                config["region_name"],
                region,
                args["configured_endpoint_url"],
                SimpleNamespace(host=config["endpoint_url"]),
                True,
                self._bridge,
                emitter(),
                None,
                mode,
                express,
                settings["auth_scheme_preference"],
            )
            return self._first
        prefix = self._codec.model.endpoint_prefix
        own_region = config["region_name"] if prefix in ("s3", "sts") else region
        # Parsing the rules is the dear part, so every region shares them and has builtins of its own.
        other = copy.copy(self._first)
        other._builtins = creator.compute_endpoint_resolver_builtin_defaults(
            region_name=own_region,
            service_name=prefix,
            s3_config=creator.compute_s3_config(None) or {},
            endpoint_bridge=self._bridge,
            client_endpoint_url=args["configured_endpoint_url"],
            legacy_endpoint_url=config["endpoint_url"],
            credentials=None,
            account_id_endpoint_mode=mode,
            s3_disable_express_session_auth=express,
        )
        return other


class EndpointBook:
    """Resolves endpoints for one session's configuration."""

    def __init__(self, session: Session, user_agent: str) -> None:
        self._session = session
        self._user_agent = user_agent
        self._services: dict[str, _Service] = {}

    def context(self, codec: Codec, region: str) -> _Regional:
        """What botocore's client of this service and region would hold."""
        service = self._services.get(codec.service)
        if service is None:
            service = self._services[codec.service] = _Service(self._session, codec, self._user_agent)
        return service.region(region)

    def resolve(
        self,
        codec: Codec,
        regional: _Regional,
        op: Operation,
        params: Mapping[str, Any],
        context: dict[str, Any],
        account_id: str,
    ) -> Endpoint:
        """The endpoint of one request. Raises botocore's errors for parameters that no endpoint fits."""
        if regional.resolver is None:
            return Endpoint(
                regional.url,
                {},
                op.signature or regional.signature,
                regional.signing_region,
                regional.signing_name,
                is_loopback(regional.url),
            )
        values: Any = tuple([(name, _key(params.get(member))) for name, member in op.context_members])
        if op.context_paths:
            values = (values, op.name, repr(params))
        key = (op.endpoint_traits, account_id, values)
        found = regional.cache.get(key)
        if found is None:
            found = self._ask(regional, op, params, context, account_id)
            if len(regional.cache) >= _CACHE_SIZE:
                regional.cache.clear()
            regional.cache[key] = found
        return found

    def _ask(
        self,
        regional: _Regional,
        op: Operation,
        params: Mapping[str, Any],
        context: dict[str, Any],
        account_id: str,
    ) -> Endpoint:
        resolver = regional.resolver
        resolver._builtins[_ACCOUNT_ID] = account_id or None
        info = resolver.construct_endpoint(
            operation_model=op.model, call_args=params, request_context=context
        )
        kind = op.signature
        region, name = regional.signing_region, regional.signing_name
        schemes = info.properties.get("authSchemes")
        if schemes is not None:
            chosen, signing = resolver.auth_schemes_to_signing_ctx(schemes)
            kind = chosen or ""
            region = signing.get("region", region)
            name = signing.get("signing_name", name)
        signature = kind or regional.signature
        if kind == "v4":
            signature = "s3v4" if name in S3_SIGNING_NAMES else "v4"
        url = without_label(info.url)
        return Endpoint(url, dict(info.headers), signature, str(region), str(name), is_loopback(url))


def _key(value: Any) -> Any:
    return value if isinstance(value, (str, bool, int, type(None))) else repr(value)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine, or any address in numbers, under which no further names exist."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or bool(_NUMERIC.fullmatch(host)) or ":" in host


def without_label(url: str) -> str:
    """Take an account id back off an address in numbers: emulators are reached without such names."""
    parts = urlsplit(url)
    label, _, rest = (parts.hostname or "").partition(".")
    if label and (rest == "localhost" or _NUMERIC.fullmatch(rest)):
        return url.replace(f"//{label}.", "//", 1)
    return url
