"""Documents packed for the disk: the same bytes come out as went in."""

from __future__ import annotations

import zlib

from cunyi.domain.errors import UserError

_LEVEL = 9
# What nearly every document holds: the names of its fields in their order, words of the program. Never a patient's word.
# Packed documents can only be read with the dictionary they were packed with: a new one gets a new number.
_DICTIONARY = (
    b'"allergies""problems""medications""laboratory":true"unit":"mmHg"},"unit":"\xe6\xac\xa1/\xe5\x88\x86"},"unit":"mmol/L"},'
    b'"unit":"kg"},"unit":"%"},"item":"spo2_pct","laboratory":false,"item":"glucose_mmol_l","item":"weight_kg",'
    b'"item":"temperature_c","item":"respiratory_rate_bpm","item":"pulse_bpm","item":"diastolic_mmhg","item":"systolic_mmhg",'
    b'"past_history":"","personal_history":"","family_history":"","physical_examination":"","auxiliary_examination":"",'
    b'"role":"township_doctor"},"agreement":"changed","agreement":"not_used","triage":"emergency","triage":"urgent",'
    b'"triage":"self_care","kind":"home_visit","kind":"phone","certainty":"confirmed","chronic":true,"sex":"female",'
    b'{"clock_doubtful":false,"encounter":{"advice":"","answers":{},"assessment":{"critical_values":[],"differential":'
    b'[["","","",0.0],["","","",0.0]],"engine_version":"0.1.0","knowledge_version":"","must_exclude":[],"provisional":true,'
    b'"reasons":[],"referral":null,"something_else":0.,"triage":"routine"},"decision":{"agreement":"accepted","reason":"",'
    b'"triage":"routine"},"diagnoses":[{"certainty":"provisional","chronic":false,"disease":"","icd10":"","name":""}],'
    b'"kind":"outpatient","measured":[{"at":"2026-01-01T00:00:00.000000Z","by":"","device":"","item":"systolic_mmhg",'
    b'"laboratory":false,"unit":"mmHg","value":120.0},{"at":"","by":"","device":"","item":"diastolic_mmhg","laboratory":false,'
    b'"unit":"mmHg","value":80.0}],"next_visit_on":null,"next_visit_reason":"","occurred_at":"2026-01-01T00:00:00+08:00",'
    b'"overrides":[],"plan":"","pregnant":null,"prescription":[{"days":7.0,"dose":"","drug":"","frequency":"","note":"",'
    b'"quantity":"","route":"","strength":""}],"texts":{"chief_complaint":"","history_of_present_illness":""}},"encounter_id":"",'
    b'"facility":"","format":1,"id":"","node":"","organisation":"","person":{"archive_code":"","birth_on":"19","id":"",'
    b'"name":"","sex":"male"},"reason":"","signed_at":"2026-01-01T00:00:00.000000Z","signer":{"account":"","name":"",'
    b'"role":"village_doctor"},"supersedes":null,"version":1}'
)
_NUMBER = b"\x01"


def pack(body: bytes) -> bytes:
    """Fewer bytes of the same content."""
    packer = zlib.compressobj(_LEVEL, zdict=_DICTIONARY)
    return _NUMBER + packer.compress(body) + packer.flush()


def unpack(packed: bytes) -> bytes:
    """The content again; UserError where the bytes on the disk were damaged."""
    try:
        if packed[:1] != _NUMBER:
            raise zlib.error
        unpacker = zlib.decompressobj(zdict=_DICTIONARY)
        body = unpacker.decompress(packed[1:]) + unpacker.flush()
        if not unpacker.eof:
            raise zlib.error
    except zlib.error:
        raise UserError("有一份记录的存储已损坏；请运行 cunyi verify 核对，并用备份恢复", field="database") from None
    return body
