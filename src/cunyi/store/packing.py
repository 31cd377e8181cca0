"""Documents packed for the disk: the same bytes come out as went in."""

from __future__ import annotations

import zlib

from cunyi.domain.errors import UserError

_LEVEL = 9
# What nearly every document holds: the stock phrases of Chinese records, the names of its fields in their order, words of the
# program. Never a patient's word.
# Packed documents can only be read with the dictionary they were packed with: a new one gets a new number.
_PHRASES = (
    "反复发作年余个月后出现无明显诱因受凉后劳累后进食后加重伴有不伴有发热畏寒寒战头痛头晕胸闷心悸气促恶心呕吐腹痛腹泻腹胀便秘尿频尿急尿痛"
    "咽痛流涕咳嗽咳痰白色黏痰黄痰咯血胸痛呼吸困难乏力纳差消瘦盗汗关节疼痛腰痛麻木皮疹瘙痒水肿，自服药物后稍缓解，未予重视，今来就诊。"
    "自起病以来，精神、食欲、睡眠可，大小便正常，体重无明显变化。既往体健，否认高血压、糖尿病、冠心病史，否认肝炎、结核等传染病史，"
    "否认手术、外伤、输血史，否认药物、食物过敏史。无吸烟、饮酒史。月经规律。否认家族遗传病史。高血压病史年，规律服药，血压控制可。糖尿病病史年，"
    "一般情况可，发育正常，营养中等，神志清楚，精神可，对答切题，查体合作。皮肤黏膜无黄染，未见皮疹及出血点，全身浅表淋巴结未触及肿大。"
    "双侧瞳孔等大等圆，对光反射灵敏。咽部充血，扁桃体无肿大。颈软，无抵抗，甲状腺无肿大。双肺呼吸音清，未闻及干湿性啰音。心率次/分，律齐，"
    "各瓣膜听诊区未闻及病理性杂音。腹平软，无压痛、反跳痛，肝脾肋下未触及，肠鸣音正常。肾区无叩击痛。四肢肌力正常，双下肢无水肿。病理征未引出。"
    "多饮水，注意休息，清淡饮食，低盐低脂饮食，戒烟限酒，适当运动，按时服药，监测血压、血糖，定期复查，不适随诊。如有加重请及时就诊或拨打120。"
    "片粒袋支ml每日一次每日两次每日三次每晚一次必要时口服饭后饭前外用雾化吸入静脉滴注肌内注射皮下注射缓释片胶囊颗粒口服液软膏盒瓶"
).encode()
_DICTIONARY = _PHRASES + (
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
