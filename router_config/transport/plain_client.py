"""httpx without what no LLM's API uses: cookies, authentication flows, a log line for each request.

They are a twelfth of a request's time (httpx 0.28). LiteLLM blocks cookies anyway.
"""

from typing import Any

import httpx


class PlainClient(httpx.AsyncClient):
    """Sends a request as it is. Event hooks, proxies, timeouts and redirects are httpx's."""

    async def send(self, request: httpx.Request, *, stream: bool = False, **settings: Any) -> httpx.Response:
        if isinstance(settings.get("auth"), httpx.Auth | tuple) or self.is_closed:
            return await super().send(request, stream=stream, **settings)
        for hook in self.event_hooks["request"]:
            await hook(request)
        try:
            response = await self._transport_for_url(request.url).handle_async_request(request)
        except httpx.RequestError as error:
            error.request = request
            raise
        response.request = request
        try:
            if response.has_redirect_location:
                await response.aclose()
                return await super().send(request, stream=stream, **settings)
            for hook in self.event_hooks["response"]:
                await hook(response)
            if not stream:
                await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response
