"""The doctors of the load: `python -m benchmarks.node_client PORT USERS SECONDS SHORTEST LONGEST`, think times in seconds.

Each has a session and a connection of their own and does what doctors do: finds somebody, opens the record, begins an
encounter, which is kept three times while it is typed, and signs it. Prints the times of each step in ms as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from urllib.parse import urlencode

from benchmarks.node_places import PASSWORD, login_of
from cunyi.simulation.names import SURNAMES

_PERSON = re.compile(r'href="/people/([0-9a-f-]{36})"')
_WARMING = 0.15
# The server closes an idle connection after five seconds; a browser opens a new one then.
_KEPT_OPEN = 4.0
_HISTORY = "5天前淋雨后开始咳嗽，咳黄痰，量不多，不带血。前天起怕冷、发烧，最高39度1，吃了退烧药会退。走路快了有点气紧，没有恶心呕吐。"
_FORM = {
    "chief_complaint": "咳嗽、咳痰5天，发热2天",
    "temperature_c": "38.7",
    "pulse_bpm": "98",
    "systolic_mmhg": "138",
    "diastolic_mmhg": "82",
    "spo2_pct": "96",
    "diagnosis_name": "急性支气管炎",
    "diagnosis_certainty": "provisional",
    "diagnosis_chronic": "no",
    "agreement": "accepted",
    "decided_level": "",
    "decision_reason": "按当地条件处理，次日复诊",
    "advice": "多喝水，注意休息；加重马上来看。",
    "occurred_time": "00:00",
    "window": "benchmark",
}


class User:
    """One doctor at a screen."""

    def __init__(self, number: int, port: int, think: tuple[float, float]) -> None:
        self.number, self.port, self.think = number, port, think
        self.draw = random.Random(number)
        self.cookie = ""
        self.used = 0.0
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.times: dict[str, list[float]] = defaultdict(list)
        self.refused: dict[str, int] = defaultdict(int)

    async def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where to go next, and the page."""
        if self.streams is None or time.perf_counter() - self.used > _KEPT_OPEN:
            if self.streams is not None:
                self.streams[1].close()
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        body = urlencode(form or {}).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        if body:
            lines.append("Content-Type: application/x-www-form-urlencoded")
        if "/search" in path or path.endswith("/keep"):
            lines.append("X-Requested-With: cunyi")
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        page = await reader.readexactly(int(headers.get("content-length", 0)))
        for line in head[1:]:
            if line.lower().startswith("set-cookie: cunyi_session"):
                self.cookie = line.split(": ", 1)[1].split(";", 1)[0]
        self.used = time.perf_counter()
        return int(head[0].split()[1]), headers.get("location", ""), page.decode()

    async def step(self, name: str, method: str, path: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """One timed step after a moment of thought."""
        if self.think[1]:
            await asyncio.sleep(self.draw.uniform(*self.think))
        started = time.perf_counter()
        status, location, page = await self.ask(method, path, form)
        self.times[name].append((time.perf_counter() - started) * 1000)
        if status >= 400:
            self.refused[f"{name} {status}"] += 1
        return location, page

    async def work(self, until: float) -> None:
        """Patient after patient until the time is over."""
        if self.think[1]:
            await asyncio.sleep(self.draw.uniform(0, self.think[1]))
        while time.perf_counter() < until:
            _, page = await self.step("search", "POST", "/people/search", {"words": self.words()})
            found = _PERSON.findall(page)
            if not found:
                continue
            person = self.draw.choice(found)
            await self.step("open", "GET", f"/people/{person}")
            draft, _ = await self.step("begin", "POST", f"/people/{person}/encounter", {"kind": "outpatient"})
            if not draft.startswith("/encounters/"):
                continue
            await self.step("page", "GET", draft)
            form = _FORM | {"occurred_on": datetime.now(UTC).date().isoformat()}
            for stroke, length in enumerate((20, 45, len(_HISTORY)), start=1):
                form |= {"history_of_present_illness": _HISTORY[:length], "stroke": str(stroke)}
                await self.step("keep", "POST", f"{draft}/keep", form)
            await self.step("sign", "POST", f"{draft}/sign", form | {"stroke": "4"})

    def words(self) -> str:
        """What a doctor types: a surname, a name, initials, or a few digits."""
        surname = self.draw.choices(list(SURNAMES), list(SURNAMES.values()))[0]
        digits = str(self.draw.randint(100, 9_999))
        return self.draw.choice((surname, surname, surname + self.draw.choice("建秀春桂小丽"), "wangx", "lzm", digits))


async def run(port: int, count: int, seconds: float, think: tuple[float, float]) -> dict[str, object]:
    """Lets so many users work; the times of each step without those of warming up."""
    users = [User(number, port, think) for number in range(count)]
    for user in users:
        await user.ask("POST", "/login", {"login": login_of(user.number), "password": PASSWORD})
    started = time.perf_counter()
    working = [asyncio.create_task(user.work(started + seconds)) for user in users]
    await asyncio.sleep(seconds * _WARMING)
    for user in users:
        user.times.clear()
        user.refused.clear()
    measured_from = time.perf_counter()
    await asyncio.sleep(seconds * (1 - _WARMING))
    took = time.perf_counter() - measured_from
    for task in working:
        task.cancel()
    ended = await asyncio.gather(*working, return_exceptions=True)
    broken = [repr(end) for end in ended if isinstance(end, Exception)]
    times: dict[str, list[float]] = defaultdict(list)
    refused: dict[str, int] = defaultdict(int)
    for user in users:
        for name, values in user.times.items():
            times[name] += values
        for name, number in user.refused.items():
            refused[name] += number
    return {"seconds": took, "times": times, "refused": refused, "broken": broken}


if __name__ == "__main__":
    port, count, *rest = sys.argv[1:]
    seconds, shortest, longest = (float(word) for word in rest)
    print(json.dumps(asyncio.run(run(int(port), int(count), seconds, (shortest, longest)))))
