"""Referrals, consultations and critical values as people work through them: whoever has the page open takes the step that is theirs."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator

from cunyi.simulation.browser import Page, RefusedError
from cunyi.simulation.clinician import Clinician
from cunyi.simulation.illness import Visit
from cunyi.simulation.ledger import Ledger, Signed
from cunyi.simulation.population import Resident

_REFERRAL = re.compile(r"^/referrals/[0-9a-f-]{36}$")
_CONSULTATION = re.compile(r"^/consultations/[0-9a-f-]{36}$")
_STATE = re.compile(r'id="state" data-state="(\w+)"')
_URGENCY = re.compile(r'name="urgency" value="([^"]+)"')
_PLACE = re.compile(r'name="place" value="([^"]+)"')
_DECLINES, _ADMITS, _MOST_A_TURN = 0.08, 0.3, 40
# What whoever's turn it is mostly does, by the state of a referral: the hospital first, then who sent the patient.
_NEXT = {
    "requested": "receive",
    "received": "accept",
    "accepted": "arrive",
    "arrived": "treat",
    "admitted": "return",
    "treated": "return",
    "declined": "redirect",
    "not_arrived": "close",
    "returned": "follow_up",
    "followed_up": "close",
}
_SECTIONS = {
    "/referrals": ("pile-mine",),
    "/consultations": ("to_answer", "to_read"),
    "/critical-values": ("notified", "acknowledged", "acted"),
}


class ThreadWork:
    """What one person does about threads (往来处理): opens what waits for their facility and takes the next step.

    `share` (which, of how many): colleagues divide what waits, so that they do not answer the same at the same moment.
    """

    def __init__(
        self, clinician: Clinician, ledger: Ledger, draw: random.Random, *, share: tuple[int, int] = (0, 1)
    ) -> None:
        self._me, self._ledger, self._draw = clinician, ledger, draw
        self._share = share

    def refer(self, resident: Resident, signed: Signed) -> bool:
        """Refers somebody from a signed encounter to the place that is proposed; False where none is."""
        page = self._me.open(f"/people/{resident.person}/refer?encounter={signed.encounter}", step="referral form")
        form = page.form(f"/people/{resident.person}/refer")
        if not form.fields.get("place", [""])[0]:
            places = [value for value in _PLACE.findall(page.html) if value != "by_hand"]
            if not places:
                return False
            form = form.fill({"place": places[0]})
        form = form.fill({
            "reason": form.fields.get("reason", [""])[0] or "村里条件有限，请进一步检查",
            "purpose": form.fields.get("purpose", [""])[0] or "进一步检查治疗",
        })  # fmt: skip
        page = self._me.browser.send(form, step="refer", expect=(200, 201, 400))
        if not _REFERRAL.match(page.path):
            raise RefusedError(page.path, page.status, page.trouble() or page.words()[:300])
        self._ledger.count("referrals")
        return True

    def ask_experts(self, resident: Resident, signed: Signed, visit: Visit) -> None:
        """Asks whoever is proposed about a signed encounter."""
        page = self._me.open(f"/people/{resident.person}/consult?encounter={signed.encounter}", step="question form")
        form = page.form(f"/people/{resident.person}/consult").fill({
            "question": f"{visit.complaint}，像不像{visit.disease_name}？要不要转上来？",
            "urgency": self._draw.choice(_URGENCY.findall(page.html) or [""]),
        })  # fmt: skip
        page = self._me.browser.send(form, step="ask", expect=(200, 201, 400))
        if not _CONSULTATION.match(page.path):
            raise RefusedError(page.path, page.status, page.trouble() or page.words()[:300])
        self._ledger.count("consultations")

    def take_turns(self) -> None:
        """Every thread that waits for this facility, the first of the list first."""
        for listed, sections in _SECTIONS.items():
            page = self._me.open(listed, step=f"list {listed.strip('/')}")
            which, of = self._share
            mine = [path for path in self._waiting(page, listed, sections) if zlib.crc32(path.encode()) % of == which]
            for path in mine[:_MOST_A_TURN]:
                self._step(self._me.open(path, step="open thread"), path)

    def decide_conflicts(self) -> None:
        """What two people wrote differently: one of the two is chosen."""
        page = self._me.open("/conflicts")
        for path in dict.fromkeys(re.findall(r'href="(/conflicts/[0-9a-f-]{36})"', page.html)):
            shown = self._me.open(path)
            for form in shown.forms(path):
                names = dict.fromkeys(re.findall(r'name="(choice_\w+)"', shown.html))
                chosen = {name: self._draw.choice(("ours", "theirs")) for name in names}
                self._me.browser.send(form.fill(chosen), step="decide", expect=(200, 201, 303, 400))
                self._ledger.count("conflicts decided")

    def _waiting(self, page: Page, listed: str, sections: tuple[str, ...]) -> Iterator[str]:
        for section in sections:
            start = page.html.find(f'id="{section}"')
            if start >= 0:
                part = page.html[start : page.html.find("</section>", start)]
                yield from dict.fromkeys(re.findall(rf'href="({listed}/[0-9a-f-]{{36}})"', part))

    def _step(self, page: Page, path: str) -> None:
        wanted = self._wanted(page, path)
        forms = page.forms(f"{path}/{wanted}") if wanted else []
        if not forms:
            return
        form = forms[0].fill(self._words(wanted, page))
        sent = self._me.browser.send(form, step="answer thread", expect=(200, 201, 400))
        if sent.status == 400:
            self._ledger.trouble(f"{wanted}: {sent.trouble()}")
            return
        self._ledger.count(f"step: {path.split('/')[1]} {wanted}")

    def _wanted(self, page: Page, path: str) -> str:
        """The step that somebody here would take now, empty for none."""
        if path.startswith("/referrals"):
            state = _STATE.search(page.html)
            if state is None:
                return ""
            step = _NEXT.get(state[1], "")
            if step == "accept" and self._draw.random() < _DECLINES:
                return "decline"
            return "admit" if step == "treat" and self._draw.random() < _ADMITS else step
        # Nobody opens and answers in the same breath: a case is seen first, and answered the next time. What was acted on is
        # closed, though one could act again.
        offered = (
            ("acknowledge", "close", "act") if path.startswith("/critical") else ("see", "answer", "take_up", "close")
        )
        return next((step for step in offered if page.forms(f"{path}/{step}")), "")

    def _words(self, step: str, page: Page) -> dict[str, str]:
        words = {
            "accept": {"come_at": "明天上午八点，门诊一楼"},
            "decline": {"words": "今天床位已满"},
            "treat": {"words": "已做检查，门诊治疗"},
            "admit": {"words": "收住院"},
            "return": {
                "diagnosis": "同转诊诊断", "findings": "检查结果见附单", "treatment": "对症治疗，病情好转",
                "instructions": "按时服药，一周后复查", "plan": "村医一周内随访",
            },
            "follow_up": {"words": "已上门随访，恢复良好"},
            "close": {"words": "病情稳定，结束"},
            "answer": {"diagnosis": "考虑村医的诊断", "plan": "按当前方案处理，三天后复诊，加重即转诊"},
            "take_up": {"taken": "yes", "words": "按建议处理"},
            "act": {"act": self._act(page), "words": "已联系本人，安排复查"},
        }.get(step, {})  # fmt: skip
        if step == "return":
            slip = re.search(r'id="slip".*', page.html, re.DOTALL)
            named = re.findall(r"<dd lang=\"zh\">([^<]{2,20})</dd>", slip[0]) if slip else []
            words["diagnosis"] = named[-1] if named else words["diagnosis"]
        if step == "redirect":
            places = [value for value in _PLACE.findall(page.html) if value != "by_hand"]
            words = {"place": self._draw.choice(places)} if places else {"place": "by_hand", "place_name": "县人民医院"}
        return words

    def _act(self, page: Page) -> str:
        offered = re.findall(r'name="act" value="([^"]+)"', page.html)
        return self._draw.choice(offered) if offered else ""
