"""The audit log (审计日志): who did what to whose record, in a chain that cannot be changed unnoticed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Action(StrEnum):
    """What was done (操作), one word for each thing the log knows."""

    CREATE_NODE = "create_node"
    CONFIRM_CLOCK = "confirm_clock"
    CREATE_ACCOUNT = "create_account"
    CHANGE_ACCOUNT = "change_account"
    CHANGE_PASSWORD = "change_password"
    LOG_IN = "log_in"
    LOG_IN_REFUSED = "log_in_refused"
    LOG_OUT = "log_out"
    LOCK = "lock"
    UNLOCK = "unlock"
    SEARCH_PEOPLE = "search_people"
    REGISTER_PERSON = "register_person"
    CHANGE_PERSON = "change_person"
    MERGE_PEOPLE = "merge_people"
    UNDO_MERGE = "undo_merge"
    CHANGE_HOUSEHOLD = "change_household"
    CHANGE_LIST = "change_list"
    CHECK_IN = "check_in"
    RETRIAGE = "retriage"
    MAP_DEPARTMENTS = "map_departments"
    VIEW_RECORD = "view_record"
    VIEW_OUTSIDE_AREA = "view_outside_area"
    OPEN_DRAFT = "open_draft"
    KEEP_DRAFT = "keep_draft"
    DISCARD_DRAFT = "discard_draft"
    SIGN_RECORD = "sign_record"
    AMEND_RECORD = "amend_record"
    CHANGE_DEVICE = "change_device"
    CONFIRM_READING = "confirm_reading"
    GIVE_READING = "give_reading"
    DISCARD_READING = "discard_reading"
    PRINT = "print"
    VIEW_AUDIT = "view_audit"
    GRANT_SERIALS = "grant_serials"
    BACK_UP = "back_up"
    RESTORE = "restore"
    REBUILD = "rebuild"
    INVITE_INTERVIEW = "invite_interview"
    CONSENT_INTERVIEW = "consent_interview"
    IDENTIFY_INTERVIEW = "identify_interview"
    ANSWER_INTERVIEW = "answer_interview"
    FINISH_INTERVIEW = "finish_interview"
    ALARM_INTERVIEW = "alarm_interview"
    ACKNOWLEDGE_INTERVIEW = "acknowledge_interview"
    VIEW_INTERVIEW = "view_interview"
    CONFIRM_INTERVIEW = "confirm_interview"
    TAKE_OVER_INTERVIEW = "take_over_interview"
    DISCARD_INTERVIEW = "discard_interview"
    EXPIRE_INTERVIEW = "expire_interview"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log (审计记录). `person` and `subject` are ids; `detail` holds words of the program, never of a patient.

    `at` is the computer's clock; `latest` the latest time the node has known. `hash` is the SM3 of this line and the hash of
    the line before.
    """

    sequence: int
    at: datetime
    latest: datetime
    account: str
    action: str
    person: str | None
    subject: str | None
    detail: str
    hash: str
