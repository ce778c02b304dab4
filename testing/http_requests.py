"""Requests to the HTTP server of the bot."""

import aiohttp


async def get(url: str) -> tuple[int, object]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()
