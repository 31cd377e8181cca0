"""The interview: what is asked when, what the answers mean to the engine, how it ends, and what a villager is told."""

import re

import msgspec
import pytest
from tests.real_knowledge import real_knowledge

from cunyi.domain.case import Sex
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Onset, Severity, Status
from cunyi.domain.interview import Finish, Informant, Interview, QuestionKind, Topic, give_answer
from cunyi.reasoning.assess import assess
from cunyi.reasoning.interviewing import answered, case_of_interview, next_step, text_fields
from cunyi.reasoning.interviewing_standing import settled_findings

MAN = Interview(sex=Sex.MALE, age_years=60)
WOMAN = Interview(sex=Sex.FEMALE, age_years=30)


def reply(question, value=None):
    """An answer in the plainest form for a question: words, an option, a number; None is not sure."""
    if value is None:
        return give_answer(question, unknown=True)
    match question.kind:
        case QuestionKind.TEXT:
            return give_answer(question, text=value)
        case QuestionKind.NUMBER:
            return give_answer(question, number=value)
        case QuestionKind.DURATION:
            return give_answer(question, days=value)
        case QuestionKind.CHOICE | QuestionKind.PLACE:
            return give_answer(question, chosen=(value,) if isinstance(value, str) else value)
        case _:
            return give_answer(question, statuses=value)


def hold(knowledge, interview, answers):
    """Goes on until the end or until a question that `answers` does not hold; gives the interview and the last step."""
    for _ in range(60):
        step = next_step(interview, knowledge)
        if step.question is None or step.question.id not in answers:
            return interview, step
        interview = answered(interview, reply(step.question, answers[step.question.id]), knowledge)
    raise AssertionError("the interview does not end")


def all_unsure(knowledge, interview, answers):
    """The whole interview: what `answers` holds, not sure of the rest."""
    for _ in range(60):
        step = next_step(interview, knowledge)
        if step.question is None:
            return interview, step
        interview = answered(interview, reply(step.question, answers.get(step.question.id)), knowledge)
    raise AssertionError("the interview does not end")


def asked(interview):
    return [answer.question.id for answer in interview.answers]


def test_own_words_come_first_then_danger_signs_follow_ups_what_is_worth_most_and_the_background(mini):
    interview, _ = all_unsure(mini, MAN, {"complaint": "胸痛"})
    topics = list(dict.fromkeys(answer.question.topic for answer in interview.answers))
    assert topics[:4] == [Topic.COMPLAINT, Topic.DANGER, Topic.COURSE, Topic.SYMPTOM]
    assert topics[-1] == Topic.MORE
    assert {"past", "drugs", "allergies", "smoking"} <= set(asked(interview))
    assert asked(interview)[2:6] == ["since", "onset", "chest_like", "severity"]


def test_a_danger_sign_that_is_there_ends_the_interview_at_once_with_first_aid(mini):
    answers = {"complaint": "胸痛", "danger.1": {"cold_sweat": Status.PRESENT}}
    interview, step = hold(mini, MAN, answers)
    assert step.finish == Finish.EMERGENCY
    assert step.question is None
    assert asked(interview) == ["complaint", "danger.1"]
    assert step.care.level == "emergency"
    assert "120" in step.care.title
    assert [aid.text for aid in step.care.first_aid] == ["坐着不要动。", "打 120 时讲清楚在哪里。"]
    assert all(aid.sources for aid in step.care.first_aid)


def test_what_only_sounds_like_an_emergency_is_asked_its_danger_signs_before_it_ends(heard):
    complaint = {"complaint": "胸痛，嘴皮乌青，叫不应"}
    interview, step = hold(heard, MAN, complaint)
    assert step.question.topic == Topic.DANGER
    # Understood or not, and also when the person stops: it ends as what it sounded like, without anything else being asked.
    interview, step = all_unsure(heard, MAN, complaint)
    assert step.finish == Finish.EMERGENCY and step.care.level == "emergency" and step.care.provisional
    assert {answer.question.topic for answer in interview.answers} == {Topic.COMPLAINT, Topic.DANGER}
    answers = {**complaint, "danger.1": {"cold_sweat": Status.PRESENT}}
    interview, step = hold(heard, MAN, answers)
    assert step.finish == Finish.EMERGENCY
    assert asked(interview) == ["complaint", "danger.1"]
    stopped = msgspec.structs.replace(hold(heard, MAN, complaint)[0], stopped=True)
    assert next_step(stopped, heard).finish == Finish.EMERGENCY


def test_the_first_words_alone_can_be_an_emergency(mini):
    _, step = hold(mini, MAN, {"complaint": "胸痛出冷汗"})
    assert step.finish == Finish.EMERGENCY
    assert step.asked == 1


def test_a_villager_is_told_the_level_of_care_and_no_diagnosis(mini):
    _, step = all_unsure(mini, MAN, {"complaint": "咳嗽流鼻涕"})
    told = msgspec.json.encode(step).decode()
    assert step.care is not None
    assert not any(name in told for d in mini.content.diseases.values() for name in (d.id, d.name, *d.aliases))


def test_a_mild_level_that_is_not_sure_is_not_told(mini):
    interview, step = hold(mini, MAN, {})
    assert step.question.id == "complaint"
    stopped = next_step(msgspec.structs.replace(interview, stopped=True), mini)
    assert stopped.finish == Finish.STOPPED
    assert (stopped.care.level, stopped.care.provisional) == ("self_care", True)
    assert stopped.care.title == "请让医生看看再定"


def test_what_was_said_in_own_words_is_not_asked_again(mini):
    interview, _ = all_unsure(mini, MAN, {"complaint": "胸痛3天，像石头压着，不发烧，抽烟"})
    ids = asked(interview)
    assert "since" not in ids
    assert "chest_like" not in ids
    assert "smoking" not in ids
    options = {finding for a in interview.answers for o in a.question.options for finding in o.findings}
    assert not options & {"chest_pain", "crushing_chest_pain", "fever", "smoking"}


def test_answers_become_facts_denials_stay_and_not_sure_is_unknown(mini):
    answers = {
        "complaint": "胸痛",
        "danger.1": {"cold_sweat": Status.ABSENT},
        "since": 3,
        "onset": "sudden",
        "chest_like": "pressed",
        "severity": "severe",
    }
    interview, step = hold(mini, MAN, answers)
    several = step.question
    assert several.kind in (QuestionKind.SEVERAL, QuestionKind.YES_NO)
    first = several.options[0].id
    interview = answered(interview, give_answer(several, statuses={first: Status.UNKNOWN}), mini)
    facts = {fact.finding: fact for fact in case_of_interview(interview, mini).findings}
    assert facts["cold_sweat"].status == Status.ABSENT
    assert facts["crushing_chest_pain"].status == Status.PRESENT
    assert facts[first].status == Status.UNKNOWN
    chest = facts["chest_pain"]
    assert (chest.onset, chest.duration_days, chest.severity) == (Onset.SUDDEN, 3, Severity.SEVERE)
    shown = {f.finding: f.status for f in assess(case_of_interview(interview, mini), mini).findings}
    assert shown["cold_sweat"] == "absent"
    assert first not in shown


def test_an_answer_adds_to_what_the_words_said_and_takes_nothing_away(mini):
    interview, _ = all_unsure(mini, MAN, {"complaint": "突发胸痛", "since": 2})
    fact = next(f for f in case_of_interview(interview, mini).findings if f.finding == "chest_pain")
    assert (fact.onset, fact.duration_days) == (Onset.SUDDEN, 2)
    assert fact.span == ("chief_complaint", 2, 4)


def test_own_words_go_where_a_record_has_them_and_can_be_found_again(mini):
    answers = {
        "complaint": "咳嗽3天",
        "taken": "喝了姜汤",
        "past": None,
        "drugs": "阿司匹林、二甲双胍",
        "allergies": "青霉素",
        "more": "夜里睡不好",
    }
    interview, _ = all_unsure(mini, MAN, answers)
    case = case_of_interview(interview, mini)
    assert case.chief_complaint == "咳嗽3天"
    assert case.history_of_present_illness == "喝了姜汤。夜里睡不好"
    assert case.medications == ("阿司匹林", "二甲双胍")
    assert case.allergies == ("青霉素",)
    texts, pieces = text_fields(interview)
    found = {p.question: texts[p.field][p.start : p.end] for p in pieces}
    assert found == {"complaint": "咳嗽3天", "taken": "喝了姜汤", "more": "夜里睡不好"}


def test_words_that_name_no_complaint_lead_to_a_list_to_choose_from(mini):
    _, step = hold(mini, MAN, {"complaint": "那个那个"})
    assert step.question.id == "menu"
    _, step = hold(mini, MAN, {"complaint": "那个那个", "menu": "belly"})
    assert step.question.id == "since"
    assert step.question.about == "abdominal_pain"
    assert "腹痛" in step.question.wording


def test_sex_and_age_are_asked_only_where_nobody_knows_them(mini):
    interview, step = hold(mini, Interview(informant=Informant.CHILD), {"sex": "male", "age_years": 0, "age_months": 6})
    assert asked(interview) == ["sex", "age_years", "age_months"]
    assert step.question.id == "complaint"
    case = case_of_interview(interview, mini)
    assert (case.sex, case.age_years) == (Sex.MALE, 0.5)
    _, step = hold(mini, MAN, {})
    assert step.question.id == "complaint"


@pytest.mark.parametrize(
    ("informant", "age", "words"),
    [
        (Informant.SELF, 40, "您哪里不舒服？"),
        (Informant.CHILD, 4, "孩子哪里不舒服？"),
        (Informant.RELATIVE, 75, "老人家哪里不舒服？"),
        (Informant.RELATIVE, 45, "病人哪里不舒服？"),
    ],
)
def test_wording_follows_who_answers_for_whom(mini, informant, age, words):
    _, step = hold(mini, Interview(informant=informant, sex=Sex.FEMALE, age_years=age), {})
    assert step.question.wording == words


def test_a_single_finding_is_asked_in_its_own_sentence_said_of_the_person(mini):
    _, step = hold(mini, Interview(informant=Informant.RELATIVE, sex=Sex.MALE, age_years=75), {"complaint": "胸痛"})
    assert step.question.kind == QuestionKind.YES_NO
    assert step.question.wording == "老人家出冷汗吗？"


def test_findings_of_one_group_are_asked_at_once_and_no_more_than_the_rules_allow(mini):
    interview, _ = all_unsure(mini, MAN, {"complaint": "咳嗽"})
    several = next(a.question for a in interview.answers if a.question.id.startswith("group."))
    assert several.wording == "您还有下面这些吗？"
    assert 1 < len(several.options) <= mini.interviewing.words.rules.most_together
    assert [o.label for o in several.options if o.id == "fever"] in ([], ["发烧"])


def test_follow_ups_repeat_the_persons_own_words_where_there_are_no_plain_ones(mini):
    _, step = hold(mini, MAN, {"complaint": "胸口痛", "danger.1": {"cold_sweat": Status.ABSENT}})
    assert step.question.wording == "胸口痛有多久了？"
    _, step = hold(mini, MAN, {"complaint": "咳得厉害"})
    assert step.question.wording == "咳嗽有多久了？"


def test_a_small_child_is_not_asked_what_nobody_can_tell(mini):
    for age, told in ((2.0, False), (8.0, True)):
        child = Interview(informant=Informant.CHILD, sex=Sex.FEMALE, age_years=age)
        interview, _ = all_unsure(mini, child, {"complaint": "流鼻涕"})
        options = {o.id for a in interview.answers for o in a.question.options}
        assert ("weakness" in options) is told


def test_pregnancy_is_asked_of_women_of_that_age_only(mini):
    woman, _ = all_unsure(mini, WOMAN, {"complaint": "肚子痛"})
    assert "pregnancy" in asked(woman)
    for other in (MAN, Interview(sex=Sex.FEMALE, age_years=70), Interview(sex=Sex.FEMALE, age_years=5)):
        interview, _ = all_unsure(mini, other, {"complaint": "肚子痛"})
        assert "pregnancy" not in asked(interview)
    assert (
        case_of_interview(all_unsure(mini, WOMAN, {"complaint": "肚子痛", "pregnancy": "yes"})[0], mini).pregnant
        is True
    )


def test_a_known_pregnancy_is_not_asked_for(mini):
    interview, _ = all_unsure(mini, msgspec.structs.replace(WOMAN, pregnant=True), {"complaint": "肚子痛"})
    assert "pregnancy" not in asked(interview)
    assert case_of_interview(interview, mini).pregnant is True


def test_a_corrected_complaint_drops_its_follow_ups_and_keeps_the_rest(mini):
    answers = {"complaint": "咳嗽", "since": 3, "severity": "mild", "past": {"hypertension": Status.PRESENT}}
    interview, _ = all_unsure(mini, MAN, answers)
    complaint = interview.answer_to("complaint").question
    corrected = answered(interview, give_answer(complaint, text="肚子痛"), mini)
    assert corrected.answer_to("since") is None
    assert corrected.answer_to("severity") is None
    assert corrected.answer_to("past") == interview.answer_to("past")
    step = next_step(corrected, mini)
    assert step.question.about == "abdominal_pain"


def test_a_corrected_complaint_is_asked_its_own_danger_signs():
    whole = real_knowledge()
    interview, _ = all_unsure(whole, WOMAN, {"complaint": "头痛三天"})
    before = [a.question.id for a in interview.answers if a.question.topic == Topic.DANGER]
    assert len(before) == whole.interviewing.words.rules.most_danger
    first = interview.answer_to("complaint").question
    changed = answered(interview, give_answer(first, text="胸口痛一天"), whole)
    # What was answered of the old complaint's dangers is still true; the new one's are asked all the same.
    assert {a.question.id for a in changed.answers} >= set(before)
    asked_now = next_step(changed, whole).question
    assert asked_now.topic == Topic.DANGER and asked_now.id not in before
    assert "chest_pain" in asked_now.complaints
    ended, _ = all_unsure(whole, changed, {})
    assert len({a.question.id for a in ended.answers}) == len(ended.answers)


@pytest.mark.parametrize("menu", ["other", None])
def test_where_nothing_is_understood_everybody_is_asked_the_gravest_and_nothing_odd(menu):
    whole = real_knowledge()
    interview, step = all_unsure(whole, MAN, {"complaint": "asdf 哈哈哈", "menu": menu})
    danger = [
        f for a in interview.answers if a.question.topic == Topic.DANGER for o in a.question.options for f in o.findings
    ]
    assert {"chest_pain", "dyspnea", "syncope", "unilateral_limb_weakness", "severe_abdominal_pain", "seizure"} <= set(
        danger
    )
    assert not {"vaginal_bleeding", "poor_feeding"} & set(danger)
    assert not any(a.question.priority == "gain" for a in interview.answers)
    assert "医生会当面问" in step.care.text and step.care.title == "请让医生看看再定"


def test_what_everybody_is_asked_and_says_yes_to_becomes_the_complaint():
    whole = real_knowledge()
    answers = {"complaint": "asdf", "menu": "other", "danger.1": {"chest_pain": Status.PRESENT}}
    _, step = hold(whole, WOMAN, answers)
    assert (step.question.topic, step.question.complaints) == (Topic.DANGER, ("chest_pain",))


def test_the_rest_of_the_list_of_complaints_is_not_denied_by_picking_one():
    whole = real_knowledge()
    interview, _ = hold(whole, MAN, {"complaint": "asdf", "menu": "cough"})
    listened = next_step(interview, whole)
    assert listened.question.topic in (Topic.DANGER, Topic.COURSE)
    assert "chest_pain" not in settled_findings(interview) and "cough" in settled_findings(interview)


def put(interview):
    return {finding for a in interview.answers for o in a.question.options for finding in o.findings}


def test_a_question_needs_what_it_supposes_and_nobody_is_asked_the_contrary_of_what_was_told():
    whole = real_knowledge()
    baby = Interview(informant=Informant.CHILD, sex=Sex.MALE, age_years=5 / 12)
    asked_of_baby = put(all_unsure(whole, baby, {"complaint": "拉肚子水样三天"})[0])
    assert not {"constipation", "hard_stool", "obstipation", "halitosis"} & asked_of_baby
    girl = msgspec.structs.replace(WOMAN, age_years=15)
    asked_of_girl = put(all_unsure(whole, girl, {"complaint": "肚子痛一天"})[0])
    assert not {"dyspareunia", "foul_lochia", "abdominal_pain_in_pregnancy", "rupture_of_membranes"} & asked_of_girl
    interview, step = hold(whole, MAN, {"complaint": "肚子痛两天"})
    assert "groin_mass" in {f for o in step.question.options for f in o.findings}
    assert "irreducible_groin_mass" not in {f for o in step.question.options for f in o.findings}
    interview = answered(interview, reply(step.question, {"groin_mass": Status.PRESENT}), whole)
    again = next_step(interview, whole).question
    assert "irreducible_groin_mass" in {f for o in again.options for f in o.findings}


def test_nobody_is_asked_in_the_third_person_of_himself():
    findings = real_knowledge().content.findings.values()
    assert [each.id for each in findings if each.ask and re.search("(觉得|除了)[他她]", each.ask)] == []


def test_lists_are_not_headed_alike():
    interview, _ = all_unsure(real_knowledge(), MAN, {"complaint": "肚子痛两天"})
    headings = [a.question.wording for a in interview.answers if a.question.kind == QuestionKind.SEVERAL]
    assert len(set(headings)) == len(headings)


def test_first_aid_says_nothing_and_its_contrary():
    whole = real_knowledge()
    _, step = hold(whole, MAN, {"complaint": "从三楼摔下来，胸口痛，喘不上气，叫不醒"})
    texts = [aid.text for aid in step.care.first_aid] if step.care else []
    sitting = [text for text in texts if "坐着或半躺着" in text or "扶他坐起来" in text]
    assert not (sitting and any("不要拉他坐起来" in text for text in texts))


def test_who_answers_for_another_is_told_to_send_people_to_the_patient():
    whole = real_knowledge()
    told = {}
    for informant in (Informant.SELF, Informant.RELATIVE):
        interview = msgspec.structs.replace(MAN, informant=informant)
        told[informant] = hold(whole, interview, {"complaint": "胸痛，出冷汗，像石头压着半小时"})[1].care
    assert all(care.level == "emergency" for care in told.values())
    assert "身边的人" in told[Informant.RELATIVE].text and "您不在病人身边" in told[Informant.RELATIVE].text
    assert "您不在病人身边" not in told[Informant.SELF].text


def test_a_corrected_sex_drops_the_pregnancy(mini):
    person = Interview(age_years=30)
    interview, _ = all_unsure(mini, person, {"sex": "female", "complaint": "肚子痛", "pregnancy": "yes"})
    corrected = answered(interview, reply(interview.answer_to("sex").question, "male"), mini)
    assert corrected.answer_to("pregnancy") is None
    assert case_of_interview(corrected, mini).pregnant is False


def test_a_corrected_emergency_goes_on(mini):
    interview, step = hold(mini, MAN, {"complaint": "胸痛", "danger.1": {"cold_sweat": Status.PRESENT}})
    assert step.finish == Finish.EMERGENCY
    danger = interview.answer_to("danger.1").question
    corrected = answered(interview, give_answer(danger, statuses={"cold_sweat": Status.ABSENT}), mini)
    assert next_step(corrected, mini).question.id == "since"


def test_the_end_says_why(mini):
    _, step = all_unsure(mini, MAN, {"complaint": "咳嗽流鼻涕"})
    assert step.finish in (Finish.ENOUGH, Finish.LIMIT)
    limited = msgspec.structs.replace(mini.interviewing.words.rules, most_gain=0)
    words = msgspec.structs.replace(mini.interviewing.words, rules=limited)
    narrow = msgspec.structs.replace(mini, interviewing=msgspec.structs.replace(mini.interviewing, words=words))
    interview, step = all_unsure(narrow, MAN, {"complaint": "咳嗽流鼻涕"})
    assert step.finish == Finish.LIMIT
    assert not any(a.question.priority == "gain" for a in interview.answers)


def test_everybody_is_asked_once_what_everybody_is_asked(mini):
    limited = msgspec.structs.replace(mini.interviewing.words.rules, most_gain=0)
    words = msgspec.structs.replace(mini.interviewing.words, rules=limited)
    narrow = msgspec.structs.replace(mini, interviewing=msgspec.structs.replace(mini.interviewing, words=words))
    interview, _ = all_unsure(narrow, MAN, {"complaint": "咳嗽"})
    review = interview.answer_to("review").question
    assert [o.id for o in review.options] == ["fever", "weakness"]
    assert asked(interview).index("review") < asked(interview).index("past")
    interview, _ = all_unsure(narrow, MAN, {"complaint": "发烧，没力气"})
    assert "review" not in asked(interview)


def test_an_interview_survives_being_written_down(mini):
    interview, _ = all_unsure(mini, WOMAN, {"complaint": "肚子痛2天", "belly_place": ("navel",)})
    read = msgspec.json.decode(msgspec.json.encode(interview), type=Interview)
    assert read == interview
    assert next_step(read, mini) == next_step(interview, mini)


@pytest.mark.parametrize(
    ("question_id", "value", "field"),
    [
        ("complaint", {"text": "  "}, "text"),
        ("complaint", {"text": "痛" * 3000}, "text"),
        ("since", {"days": -1}, "days"),
        ("since", {}, "days"),
        ("onset", {"chosen": ("never",)}, "chosen"),
        ("onset", {"chosen": ("sudden", "gradual")}, "chosen"),
        ("onset", {"chosen": ("sudden",), "text": "吓到了"}, "text"),
        ("danger.1", {"statuses": {"fever": Status.PRESENT}}, "statuses"),
        ("danger.1", {"statuses": {"cold_sweat": Status.POSSIBLE}}, "statuses"),
        ("danger.1", {}, "statuses"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_with_the_way_out(mini, question_id, value, field):
    interview, _ = all_unsure(mini, MAN, {"complaint": "胸痛"})
    with pytest.raises(UserError) as refused:
        give_answer(interview.answer_to(question_id).question, **value)
    assert refused.value.field == field
    assert "请" in refused.value.message or "点" in refused.value.message


def test_a_number_outside_its_limits_is_refused(mini):
    _, step = hold(mini, Interview(sex=Sex.MALE), {})
    assert step.question.id == "age_years"
    with pytest.raises(UserError, match="0 到 120"):
        give_answer(step.question, number=300)


def test_words_that_say_something_is_there_count_more_than_an_earlier_no_or_not_sure(mini):
    answers = {
        "complaint": "咳嗽",
        "past": None,
        "group.cold.1": {"fever": Status.ABSENT},
        "more": "昨晚发烧了，有高血压",
    }
    interview, _ = all_unsure(mini, MAN, answers)
    assert "fever" in {o for a in interview.answers for o in a.statuses}
    shown = {f.finding: f.status for f in assess(case_of_interview(interview, mini), mini).findings}
    assert shown["fever"] == "present"
    assert shown["history_hypertension"] == "present"
