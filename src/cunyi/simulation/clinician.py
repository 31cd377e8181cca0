"""A village doctor at work: everything through the pages, as they are served, and written down where a page acknowledged it."""

from __future__ import annotations

import random
import re
from datetime import datetime

from cunyi.simulation.browser import Browser, Form, Page, RefusedError
from cunyi.simulation.illness import Visit
from cunyi.simulation.ledger import Ledger, Signed
from cunyi.simulation.nodes import PASSWORD, Machine
from cunyi.simulation.population import Resident

_PERSON = re.compile(r"^/people/([0-9a-f-]{36})$")
_RECORD = re.compile(r"^/records/([0-9a-f-]{36})$")
_DRAFT = re.compile(r"^/encounters/([0-9a-f-]{36})$")
_HOUSEHOLD = re.compile(r'name="household_id" value="([0-9a-f-]{36})"')
_TWIN = re.compile(r'id="twins-title".*?href="/people/([0-9a-f-]{36})"', re.DOTALL)
_MOST_TRIES = 4


class Clinician:
    """Somebody with an account at a node (值班人员). Whatever they do, they log in and unlock first where the page asks."""

    def __init__(self, machine: Machine, login: str, ledger: Ledger, draw: random.Random) -> None:
        self.machine, self.login, self.ledger, self.draw = machine, login, ledger, draw
        self.browser = Browser(machine.port, ledger.timed)
        self.password = PASSWORD

    def log_in(self) -> Page:
        """Begins the day's session."""
        self.browser.forget()
        page = self.browser.get("/login")
        page = self.browser.send(
            page.form("/login").fill({"login": self.login, "password": self.password}), step="log in"
        )
        if page.path == "/me":
            page = self._own_password(page)
        return page

    def _own_password(self, page: Page) -> Page:
        """The first login asks for a password of one's own."""
        new = f"{PASSWORD}-{self.login}"
        form = page.form("/me/password").fill({"old_password": self.password, "password": new, "password_again": new})
        self.browser.send(form)
        self.password = new
        return self.browser.get("/")

    def open(self, path: str, *, step: str = "") -> Page:
        """A page, after logging in or unlocking where that is asked first."""
        page = self.browser.get(path, step=step)
        if page.path.startswith("/login"):
            self.log_in()
        elif page.path.startswith("/unlock"):
            self.browser.send(page.form("/unlock").fill({"secret": self.password}), step="unlock")
        else:
            return page
        return self.browser.get(path, step=step)

    def register(self, resident: Resident) -> str:
        """Registers somebody with the form; gives the person's id."""
        page = self.open("/people/new", step="form")
        form = page.form("/people/new").fill(_details(resident))
        if resident.head is not None:
            form = form.fill({"household_id": self._household_of(resident.head)})
        for _ in range(_MOST_TRIES):
            page = self.browser.send(form, step="register", expect=(200, 201, 400))
            if found := _PERSON.match(page.path):
                resident.person = found[1]
                self.ledger.registered(self.machine.name, found[1])
                return found[1]
            if (known := _TWIN.search(page.html)) and "not_the_same" not in page.html:
                # The answer to an earlier try was lost; the registration was not.
                resident.person = known[1]
                self.ledger.registered(self.machine.name, known[1])
                return known[1]
            boxes = page.boxes_outside("person-form")
            if not boxes:
                raise RefusedError(page.path, page.status, page.trouble() or page.words()[:300])
            # Perhaps registered already, or not as the card says: the doctor looks, and goes on.
            form = page.form("/people/new")
            for name, value in boxes:
                form = form.fill({name: value})
        raise RefusedError(page.path, page.status, page.trouble())

    def _household_of(self, head: Resident) -> str:
        """The household that the form offers for the head's number or name."""
        if not head.household:
            words = head.identifier or head.name
            page = self.browser.post("/people/find-household", {"household_words": [words]}, step="find household")
            found = _HOUSEHOLD.findall(page.html)
            head.household = found[0] if found else ""
        return head.household or "new"

    def see(self, resident: Resident, visit: Visit, *, home: bool = False) -> Signed:
        """Opens the record, writes the encounter as it is told, and signs it."""
        record = self.open(f"/people/{resident.person}", step="open record")
        begin = self._beginning(record, visit, home)
        page = self.browser.send(begin, step="begin")
        draft = _DRAFT.match(page.path)
        if draft is None:
            raise RefusedError(page.path, page.status, page.trouble() or page.words()[:300])
        form = page.form(f"/encounters/{draft[1]}/sign").fill({
            "chief_complaint": visit.complaint, "history_of_present_illness": visit.history,
            "physical_examination": visit.examination, **visit.readings, "window": f"s{self.draw.randrange(10**9)}",
        })  # fmt: skip
        kept = self.browser.post(f"/encounters/{draft[1]}/keep", form.fill({"stroke": "1"}).fields, step="keep")
        self.ledger.assessed()
        form = form.fill(self._decision(visit, kept)).fill({"stroke": "2"})
        return self._sign(form, draft[1], resident)

    def amend(self, signed: Signed) -> Signed:
        """Corrects a signed record: a further version with a reason."""
        page = self.open(f"/records/{signed.encounter}")
        page = self.browser.send(page.form(f"/records/{signed.encounter}/amend"), step="amend")
        draft = _DRAFT.match(page.path)
        if draft is None:
            raise RefusedError(page.path, page.status, page.trouble() or page.words()[:300])
        form = page.form(f"/encounters/{draft[1]}/sign")
        words = form.fields.get("history_of_present_illness", [""])[0]
        form = form.fill({
            "history_of_present_illness": words + "补充：昨晚睡眠差。", "amendment_reason": "补充病史", "stroke": "2",
        })  # fmt: skip
        return self._sign(form, draft[1], None, person=signed.person)

    def change_phone(self, person: str, phone: str) -> None:
        """Somebody has another telephone: changed in the details."""
        page = self.open(f"/people/{person}/edit", step="form")
        form = page.form(f"/people/{person}/edit").fill({"phone": phone})
        page = self.browser.send(form, step="change details", expect=(200, 201, 400))
        if page.status == 400:
            raise RefusedError(page.path, page.status, page.trouble())
        self.ledger.count("details changed")

    def _sign(self, form: Form, draft: str, resident: Resident | None, person: str = "") -> Signed:
        for _ in range(_MOST_TRIES):
            page = self.browser.send(form, step="sign", expect=(200, 201, 400))
            if found := _RECORD.match(page.path):
                whose = resident.person if resident else person
                return self.ledger.signed(self.machine.name, found[1], whose, self.machine.clock())
            missing = dict(re.findall(r'<li><a href="#([^"]+)"[^>]*>([^<]*)<', page.html))
            if not missing:
                raise RefusedError(page.path, page.status, page.trouble() or page.words()[:300])
            form = page.form(f"/encounters/{draft}/sign").fill(self._answers(missing, self.machine.clock()))
        raise RefusedError(page.path, page.status, f"not signed: {missing}")

    def _answers(self, missing: dict[str, str], now: datetime) -> dict[str, str | list[str]]:
        """What the doctor adds after a page said what is missing."""
        answers: dict[str, str | list[str]] = {}
        for field in missing:
            if field == "occurred_on":
                local = now.astimezone()
                answers |= {"occurred_on": local.date().isoformat(), "occurred_time": f"{local:%H:%M}"}
            elif field == "decision_reason":
                answers["decision_reason"] = "已当面告知，家属要求先在村里处理，随时可转诊"
            elif field in ("diagnosis", "diagnosis_name"):
                answers["diagnosis_name"] = "待查"
        return answers

    def _beginning(self, record: Page, visit: Visit, home: bool) -> Form:
        wanted = {"follow_up": visit.follow_up} if visit.follow_up else {"kind": "home_visit"} if home else {}
        forms = record.forms("/people/*/encounter")
        if not forms:
            raise RefusedError(record.path, record.status, record.trouble() or record.words()[:300])
        for form in forms:
            if all(form.fields.get(name) == [value] for name, value in wanted.items()) and len(form.fields) == len(
                wanted
            ):
                return form
        return forms[0]

    def _decision(self, visit: Visit, kept: Page) -> dict[str, str | list[str]]:
        """What the doctor concludes: mostly the disease it is, now and then the first that is proposed."""
        proposed = re.search(r'data-name="([^"]+)"', kept.html)
        name = visit.disease_name
        if proposed and self.draw.random() < 0.15:
            name = proposed[1]
        return {
            "diagnosis_name": name,
            "diagnosis_certainty": "confirmed" if visit.chronic else "provisional",
            "diagnosis_chronic": "yes" if visit.chronic else "no",
            "advice": "多喝水，注意休息；加重马上来看。",
            "decision_reason": "按当地条件处理，次日复诊",
        }


def _details(resident: Resident) -> dict[str, str | list[str]]:
    words: dict[str, str | list[str]] = {
        "name": resident.name, "sex": resident.sex.value, "birth_on": resident.birth_on.isoformat(),
        "identifier": resident.identifier, "village_code": resident.village, "villager_group": resident.group,
        "address": resident.address, "phone": resident.phone, "relation": resident.relation.value,
        "household_id": "new", "programmes": [programme.value for programme in resident.programmes],
        "insurance": ["resident"], "ethnic_group": "汉族",
    }  # fmt: skip
    if resident.guardian:
        words |= {
            "contact_name": resident.guardian[0], "contact_phone": resident.guardian[1], "contact_relation": "监护人",
            "contact_guardian": "0",
        }  # fmt: skip
    return words
