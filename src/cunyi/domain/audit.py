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
    LOAD_ORGANISATION = "load_organisation"
    CHANGE_FACILITY = "change_facility"
    MAKE_ENROLMENT_CODE = "make_enrolment_code"
    ENROL_NODE = "enrol_node"
    REFUSE_ENROLMENT = "refuse_enrolment"
    JOIN_HUB = "join_hub"
    REVOKE_NODE = "revoke_node"
    OPEN_ESCROW = "open_escrow"
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
    VIEW_ROUND = "view_round"
    CHANGE_ROUND = "change_round"
    SEND_CHANGES = "send_changes"
    RECEIVE_CHANGES = "receive_changes"
    TAKE_CHANGES = "take_changes"
    LOOK_UP_ON_HUB = "look_up_on_hub"
    FOLLOW_PERSON = "follow_person"
    LINK_PEOPLE = "link_people"
    BEGIN_EPOCH = "begin_epoch"
    DECIDE_CONFLICT = "decide_conflict"
    MEET_NODE = "meet_node"
    VIEW_REFERRAL = "view_referral"
    WRITE_REFERRAL = "write_referral"
    VIEW_CONSULTATION = "view_consultation"
    WRITE_CONSULTATION = "write_consultation"
    KEEP_PICTURE = "keep_picture"
    VIEW_CRITICAL_VALUE = "view_critical_value"
    NOTIFY_CRITICAL_VALUE = "notify_critical_value"
    ANSWER_CRITICAL_VALUE = "answer_critical_value"
    ESCALATE = "escalate"


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
