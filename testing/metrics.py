"""What the running bot tells at /metrics, as Prometheus reads it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Scraped:
    """One scrape: each sample by its name and labels."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def get(self, name: str, **labels: str) -> float | None:
        """None where it is left out."""
        return self.samples.get((name, frozenset(labels.items())))


async def scrape(url: str) -> Scraped:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        text = await response.text()
    families = text_string_to_metric_families(text)
    return Scraped(
        {(each.name, frozenset(each.labels.items())): each.value for one in families for each in one.samples}
    )


async def scrape_until(url: str, is_so: Callable[[Scraped], bool]) -> Scraped:
    """Again and again until it is so."""
    async with asyncio.timeout(WITHIN):
        while True:
            if is_so(scraped := await scrape(url)):
                return scraped
            await asyncio.sleep(0.02)
