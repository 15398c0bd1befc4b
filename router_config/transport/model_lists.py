"""Asking providers for their lists of models, over our wire and without LiteLLM, which takes seconds to import."""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from router_config.catalogue.list_request import MOST_PAGES, ListRequest
from router_config.catalogue.listing import Account, ListedModel, Listing, Page
from router_config.signals import Reply, read, redact
from router_config.transport.errors.error_chain import causes
from router_config.transport.exchange import CURRENT, Exchange
from router_config.transport.wire.bodies import TooLarge
from router_config.transport.wire.connection import wired

LARGEST: Final = 16_000_000
"""Bytes of one answer that are read, after decompression; the longest known list takes two million."""

NO_LIST: Final = frozenset({404, 405, 410, 501})
REFUSED: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """What asking for a list came to.

    listing: None where none could be read. problem: why not, or why not to its end; for people, without a secret.
    requests: how many were sent.
    """

    listing: Listing | None
    problem: str | None
    requests: int


class _NotRead(Exception):
    """The list could not be read; the message says why. refused: because of the key."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class ListClient:
    """Asks for lists, several at a time.

    timeout: seconds for one list. now: epoch seconds, for what answers say of times. verify: LiteLLM's `ssl_verify`,
    True, False or a path of certificates.
    """

    def __init__(self, timeout: float, now: float, verify: Any = True) -> None:
        self._timeout, self._now = timeout, now
        trusted = ssl.create_default_context(cafile=verify) if isinstance(verify, str) else bool(verify)
        self._http = wired(httpx.AsyncClient(verify=trusted, timeout=timeout, follow_redirects=False))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ask(self, requests: Sequence[ListRequest]) -> ListAnswer:
        """A provider's list, asked for with the first of its keys; with the next where that one is refused."""
        sent = _Sent()
        answer = ListAnswer(None, "it has no key", 0)
        for request in requests:
            base = request.base or await asyncio.to_thread(_known_to_litellm, request.litellm_provider)
            if base is None:
                return ListAnswer(None, "where its list stands is not known; write its api_base", 0)
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._read(request, base, sent)
            except TimeoutError:
                return ListAnswer(None, f"no answer within {self._timeout:g} s", sent.number)
            except _NotRead as error:
                answer = ListAnswer(None, str(error), sent.number)
                if not error.refused:
                    break
            except Exception as error:  # Whatever a provider sends must not cost the lists of the others.
                return ListAnswer(None, f"its list could not be read ({type(error).__name__})", sent.number)
        return answer

    async def _read(self, request: ListRequest, base: str, sent: "_Sent") -> ListAnswer:
        models: dict[str, ListedModel] = {}
        problem, following = None, dict[str, str]()
        for number in range(MOST_PAGES):
            try:
                response = await self._get(request, request.url(base), following, sent)
                page = await asyncio.to_thread(self._page, request, response)
            except _NotRead as error:
                if not number:
                    raise
                problem = str(error)
                break
            before = len(models)
            models.update({model.name: model for model in page.models if model.name not in models})
            if page.following is None:
                break
            following = dict(page.following)
            if len(models) == before:
                problem = "its next page has nothing new"
                break
        else:
            problem = f"it has more than {MOST_PAGES} pages"
        if not models and request.facts.form != "ollama":
            raise _NotRead("its list is empty")
        listing = Listing(models=tuple(models.values()), complete=problem is None)
        listing = replace(listing, account=await self._account(request, base, sent))
        return ListAnswer(listing, problem and f"its list was not read to its end: {problem}", sent.number)

    async def _account(self, request: ListRequest, base: str, sent: "_Sent") -> Account | None:
        """What the provider tells of the account. That it does not is no reason to lose the list."""
        url = request.account_url(base)
        if url is None:
            return None
        try:
            return request.account(self._document(request, await self._get(request, url, {}, sent, parameters={})))
        except _NotRead:
            return None

    async def _get(
        self,
        request: ListRequest,
        url: str,
        following: Mapping[str, str],
        sent: "_Sent",
        parameters: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One answer, whatever it says. Raises _NotRead where there is none."""
        query = {**(request.facts.parameters if parameters is None else parameters), **following}
        token = CURRENT.set(Exchange(request.litellm_provider, largest=LARGEST, timeout=self._timeout))
        sent.number += 1
        try:
            return await self._http.get(url, params=query, headers=request.headers())
        except TooLarge:
            raise _NotRead(f"its list is larger than {LARGEST // 10**6} MB") from None
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            raise _NotRead(f"cannot reach {_host(url)}: {_reason(error)}") from None
        finally:
            CURRENT.reset(token)

    def _page(self, request: ListRequest, response: httpx.Response) -> Page:
        """The models of an answer; in a thread, for a long list takes a while to read."""
        page = request.page(self._document(request, response))
        if not page.models:
            self._require_no_error(request, response)
        return page

    def _document(self, request: ListRequest, response: httpx.Response) -> Any:
        """The JSON of an answer. Raises _NotRead for an error."""
        status = response.status_code
        if 300 <= status < 400:
            raise _NotRead(f"it redirects elsewhere (HTTP {status}), and a key is not sent on")
        if status in NO_LIST:
            raise _NotRead(f"it has no list at {response.request.url.path} (HTTP {status})")
        if not 200 <= status < 300:
            self._require_no_error(request, response)
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            raise _NotRead("its answer is not JSON; does api_base lead to the provider?") from None

    def _require_no_error(self, request: ListRequest, response: httpx.Response) -> None:
        """Raises _NotRead with what an answer says is wrong, some with a status of 200."""
        status, headers = response.status_code, dict(response.headers)
        verdict = read(request.litellm_provider, Reply(status, headers, response.content), self._now).verdict
        if verdict is None:
            return
        secrets = [] if request.secret is None else [request.secret.get_secret_value()]
        refused = status in REFUSED or verdict.kind == "bad_key"
        raise _NotRead(redact(f"{verdict.message} (HTTP {status})", secrets), refused=refused)


@dataclass(slots=True)
class _Sent:
    """How many requests one list took."""

    number: int = 0


def verify_setting(settings: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
    """LiteLLM's `ssl_verify` for one deployment: that of its parameters, of the environment, of LiteLLM's settings."""
    for value in (params.get("ssl_verify"), os.environ.get("SSL_VERIFY"), settings.get("ssl_verify")):
        if isinstance(value, str) and not os.path.exists(value):
            value = {"true": True, "false": False}.get(value.casefold())
        if value is not None:
            return value
    return True


def _known_to_litellm(prefix: str) -> str | None:
    """Where LiteLLM asks a provider of which nobody wrote an address. Imports LiteLLM."""
    import litellm

    try:
        base = litellm.get_llm_provider(f"{prefix}/model")[3]
    except Exception:
        return None
    return base if isinstance(base, str) and base.startswith(("http://", "https://")) else None


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2][:200]


def _reason(error: BaseException) -> str:
    """The first cause in words, as the system or TLS has it."""
    said = str(error) or type(error).__name__
    for each in causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({each.verify_message})"
        if isinstance(each, socket.gaierror):
            return f"its name is not found ({each.strerror})"
        if isinstance(each, OSError) and each.errno:
            said = os.strerror(each.errno)
    return redact(said)
