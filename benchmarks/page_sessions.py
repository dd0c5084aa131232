"""Many people on the page at once: each a WebSocket that speaks Streamlit's protocol, clicks, reads, clicks again.

python benchmarks/page_sessions.py ADDRESS SESSIONS SECONDS PAUSE FILM...  prints the seconds of every click as JSON.

A browser a person would measure the browsers: fifty do not fit on a small machine. A click ends when the script has
finished and all it draws has arrived; all sessions share one page process and one API.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

_WIDGET = re.compile(rb"\$\$ID-[0-9a-f]+-([a-z_]+)")
_SECTIONS = ("요소별", "말", "평점과 어긋남", "리뷰", "개요")
_LONGEST_WAIT = 120.0
_PAGES_ONLY_READ = ("compare", "operations", "models")


@dataclass
class Visitor:
    """One session; `widgets` are the ids on the page by key, `values` what was entered."""

    socket: websockets.ClientConnection
    pages: dict[str, str] = field(default_factory=dict)
    page: str = ""
    query: str = ""
    widgets: dict[str, str] = field(default_factory=dict)
    values: dict[str, WidgetState] = field(default_factory=dict)

    async def open(self, page: str, query: str = "") -> float:
        """Go to a page; returns the seconds until it stands."""
        self.page, self.query = self.pages.get(page, ""), query
        self.widgets, self.values = {}, {}
        return await self._run()

    async def pick(self, key: str, name: str) -> float:
        """A choice of a segmented control."""
        state = WidgetState(id=self.widgets[key])
        state.string_array_value.data.append(name)
        self.values[key] = state
        return await self._run()

    async def turn_to(self, key: str, number: int) -> float:
        """A page of a pagination."""
        self.values[key] = WidgetState(id=self.widgets[key], int_value=number)
        return await self._run()

    async def _run(self) -> float:
        begin = time.perf_counter()
        state = ClientState(query_string=self.query, page_script_hash=self.page)
        state.widget_states.widgets.extend(self.values.values())
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())
        async with asyncio.timeout(_LONGEST_WAIT):
            while True:
                frame = await self.socket.recv()
                assert isinstance(frame, bytes)
                for found in _WIDGET.finditer(frame):
                    self.widgets[found.group(1).decode()] = found.group(0).decode()
                message = ForwardMsg.FromString(frame)
                kind = message.WhichOneof("type")
                if kind == "navigation":
                    self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
                elif kind == "script_finished":
                    if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        return time.perf_counter() - begin
                    if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                        raise RuntimeError("the script failed")


async def _visit(address: str, films: Sequence[str], seed: int, pause: float, until: float, took: list[float]) -> None:
    """Click like a person: home, a film and its views, now and then another page. The first page is not counted."""
    chance = random.Random(seed)
    url = address.replace("http", "ws", 1) + "/_stcore/stream"
    options = {"subprotocols": ["streamlit"], "max_size": None, "ping_interval": None}
    async with websockets.connect(url, **options) as socket:  # type: ignore[arg-type]
        visitor = Visitor(socket)
        await asyncio.sleep(chance.uniform(0, 2 * pause))
        await visitor.open("")

        async def read() -> bool:
            await asyncio.sleep(chance.uniform(0.6 * pause, 1.4 * pause))
            return time.perf_counter() < until

        while await read():
            took.append(await visitor.open("film", f"movie={chance.choice(films)}"))
            for name in chance.sample(_SECTIONS, 2):
                if not await read():
                    return
                took.append(await visitor.pick("section", name))
                if "film_page" in visitor.widgets and name == "리뷰" and await read():
                    took.append(await visitor.turn_to("film_page", 2))
            if not await read():
                return
            other = chance.choice(_PAGES_ONLY_READ) if chance.random() < 0.3 else ""
            took.append(await visitor.open(other))


async def _all(address: str, sessions: int, seconds: float, pause: float, films: Sequence[str]) -> list[float]:
    took: list[float] = []
    until = time.perf_counter() + seconds
    everyone: Iterable[asyncio.Task[None]] = [
        asyncio.create_task(_visit(address, films, seed, pause, until, took)) for seed in range(sessions)
    ]
    await asyncio.gather(*everyone)
    return took


if __name__ == "__main__":
    where, people, length, thinking, *known = sys.argv[1:]
    print(json.dumps(asyncio.run(_all(where, int(people), float(length), float(thinking), known))))
