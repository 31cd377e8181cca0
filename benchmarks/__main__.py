"""Measures the engine: `python -m benchmarks`, or a node: `python -m benchmarks node`. Prints Markdown tables; ratios are measured in this one run."""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np

from benchmarks.generated import generate, likelihoods_of, patient_with
from cunyi.app import load_knowledge
from cunyi.domain.presentation import Presentation
from cunyi.knowledge.likelihoods import Likelihoods
from cunyi.knowledge.model import Finding
from cunyi.reasoning.assess import assess
from cunyi.reasoning.differential import Differential, rank
from cunyi.reasoning.evidence import gather
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.settings import PriorWeight, Settings

POPULATION = 38_000
EXACT_LIMIT_SECONDS = 60
EXACT_SIZES = ((15, 50), (20, 60), (24, 70), (28, 80), (32, 90), (36, 100), (40, 110), (60, 150), (100, 250))
GROWTH = ((50, 400), (200, 1000), (500, 2000), (1000, 3000), (1500, 4000))
EVIDENCE = (1, 5, 20, 50, 100, 200)

TEXT = {
    "id": "benchmark",
    "age_years": 67,
    "sex": "male",
    "chief_complaint": "咳嗽、咳痰5天，发热2天",
    "history_of_present_illness": "5天前淋雨后开始咳嗽，咳黄痰，量不多，不带血。前天起怕冷、发烧，最高39度1，吃了退烧药会退，过几个钟头又烧。"
    "走路快了有点气紧，右边胸口一咳就痛。没有恶心呕吐，不拉肚子，胃口差，人没力气。夜里能平躺，脚不肿。小便黄，大便正常。",
    "past_history": "高血压8年，吃氨氯地平，血压控制可。否认糖尿病、冠心病、肝炎、结核病史，无药物过敏。",
    "personal_history": "吸烟40年，每天一包；务农，近期无外出，家中养鸡。",
    "family_history": "父亲有高血压，母亲健在。",
    "physical_examination": "神志清，精神软，口唇无发绀。咽部稍红，扁桃体不大。右下肺可闻及湿啰音，左肺呼吸音清。心律齐，未闻及杂音。腹软，无压痛及反跳痛，双下肢无水肿。",
    "auxiliary_examination": "血常规：白细胞13.2×10^9/L，中性粒细胞百分比86%，血红蛋白128g/L，C反应蛋白68mg/L。",
    "vitals": {
        "temperature_c": 38.7,
        "pulse_bpm": 104,
        "respiratory_rate_bpm": 23,
        "systolic_mmhg": 138,
        "diastolic_mmhg": 82,
        "spo2_pct": 94,
    },
}


def main() -> None:
    """Runs every measurement and prints it."""
    knowledge = load_knowledge()
    print(
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"{len(knowledge.content.diseases)} diseases, {len(knowledge.content.findings)} findings\n"
    )
    text_to_assessment(knowledge)
    population(knowledge)
    against_exact(knowledge.settings)
    growth(knowledge.settings)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of this process: {peak:.0f} MB")


def timed(work: Callable[[], object], repeats: int) -> list[float]:
    """Milliseconds of each repeat, after a warm-up."""
    for _ in range(3):
        work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return times


def text_to_assessment(knowledge: Knowledge) -> None:
    """Text in, assessment out, in process."""
    times = sorted(timed(lambda: assess(TEXT, knowledge), 500))
    started = time.perf_counter()
    load_knowledge()
    loading = time.perf_counter() - started
    print("## Text in, assessment out\n\n| what | ms |\n|---|---:|")
    print(f"| median | {statistics.median(times):.2f} |\n| p99 | {times[int(len(times) * 0.99)]:.2f} |")
    print(f"| loading the knowledge | {loading * 1000:.0f} |")


def population(knowledge: Knowledge) -> None:
    """A batch of every villager: readings and record, short text."""
    draw = np.random.default_rng(7)
    cases = [
        {
            "id": str(i),
            "age_years": float(draw.integers(1, 95)),
            "sex": ("male", "female")[int(draw.integers(2))],
            "problems": [["高血压"], ["2型糖尿病"], [], []][int(draw.integers(4))],
            "chief_complaint": ("", "", "头昏几天", "咳嗽3天")[int(draw.integers(4))],
            "vitals": {
                "systolic_mmhg": float(np.clip(draw.normal(135, 20), 80, 230)),
                "diastolic_mmhg": float(np.clip(draw.normal(82, 11), 40, 130)),
                "spo2_pct": float(np.clip(draw.normal(97, 1.5), 80, 100)),
                "glucose_mmol_l": float(np.clip(draw.normal(6.2, 1.8), 2, 25)),
            },
        }
        for i in range(POPULATION)
    ]
    started = time.perf_counter()
    size = sum(len(msgspec.json.encode(assess(case, knowledge))) for case in cases)
    seconds = time.perf_counter() - started
    print(f"\n## A batch of {POPULATION:,}\n\n| what | value |\n|---|---:|\n| one process | {seconds:.1f} s |")
    print(f"| each | {seconds / POPULATION * 1000:.2f} ms |\n| answers | {size / 1e6:.0f} MB |")


def inference(
    patient: Presentation, findings: dict[str, Finding], likelihoods: Likelihoods, settings: Settings
) -> Differential:
    """The differential of one presentation: evidence gathered and ranked, nothing else."""
    evidence = gather(patient, frozenset(patient.facts), likelihoods, findings, 0.5)
    return rank(patient, evidence, likelihoods, settings, None)


def plain(settings: Settings) -> Settings:
    """Settings without tempering, so that the arithmetic is compared and not the calibration."""
    even = PriorWeight(few=1.0, least=1.0, told_from=0.0, step=0.0, denied=0.0)
    nothing = msgspec.structs.replace(settings.unsupported, penalty=0.0)
    return msgspec.structs.replace(
        settings, prior_weight=even, evidence_weight=1.0, repeat_weight=1.0, unsupported=nothing
    )


def against_exact(settings: Settings) -> None:
    """Inference alone beside exact inference in pyAgrum, sizes growing until exact inference needs more than a minute."""
    print("\n## Inference alone against exact inference (pyAgrum LazyPropagation)\n")
    print(
        "| diseases × findings | exact s | ours ms | ratio | same first five | largest error |\n|---|---:|---:|---:|---:|---:|"
    )
    for diseases, findings in EXACT_SIZES:
        exact = _exact(diseases, findings)
        knowledge = generate(diseases, findings)
        likelihoods = likelihoods_of(*knowledge)
        patient = patient_with(knowledge[1], knowledge[0], 12, 8, seed=3)
        work = partial(inference, patient, knowledge[0], likelihoods, plain(settings))
        ours = statistics.median(timed(work, 200))
        if exact is None:
            print(f"| {diseases} × {findings} | not finished | {ours:.3f} | | | |")
            break
        answer = work()
        marginal = np.array([exact["marginals"][d] for d in likelihoods.disease_ids])
        same = len(set(np.argsort(-marginal)[:5]) & set(np.argsort(-answer.probability)[:5]))
        error = float(np.abs(marginal - answer.probability).max())
        print(
            f"| {diseases} × {findings} | {exact['seconds']:.3f} | {ours:.3f} | {exact['seconds'] * 1000 / ours:,.0f} | {same} of 5 | {error:.3f} |"
        )


def _exact(diseases: int, findings: int) -> dict | None:
    command = [sys.executable, "-m", "benchmarks.exact", str(diseases), str(findings), "3"]
    try:
        finished = subprocess.run(command, capture_output=True, timeout=EXACT_LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    if finished.returncode < 0:
        # Killed by the system: exact inference asked for more memory than there is.
        return None
    if finished.returncode != 0:
        raise RuntimeError(finished.stderr.decode())
    return json.loads(finished.stdout)


def growth(settings: Settings) -> None:
    """How inference grows with the knowledge and with the evidence."""
    print(
        "\n## Growth with the knowledge (12 present, 8 absent)\n\n| diseases × findings | ms | arrays MB |\n|---|---:|---:|"
    )
    for diseases, findings in GROWTH:
        knowledge = generate(diseases, findings)
        likelihoods = likelihoods_of(*knowledge)
        patient = patient_with(knowledge[1], knowledge[0], 12, 8, seed=3)
        ms = statistics.median(timed(partial(inference, patient, knowledge[0], likelihoods, settings), 100))
        size = sum(
            a.nbytes
            for a in (
                likelihoods.probability,
                likelihoods.present,
                likelihoods.absent,
                likelihoods.absent_variant,
                likelihoods.listed,
            )
        )
        print(f"| {diseases} × {findings} | {ms:.3f} | {size / 1e6:.0f} |")
    knowledge = generate(1000, 3000)
    likelihoods = likelihoods_of(*knowledge)
    print("\n## Growth with the evidence (1,000 diseases × 3,000 findings)\n\n| present findings | ms |\n|---|---:|")
    for present in EVIDENCE:
        patient = patient_with(knowledge[1], knowledge[0], present, 0, seed=3)
        ms = statistics.median(timed(partial(inference, patient, knowledge[0], likelihoods, settings), 50))
        print(f"| {present} | {ms:.3f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["round"]:
        from benchmarks.visit_round import main as measure_round

        raise SystemExit(measure_round(sys.argv[2:]))
    if sys.argv[1:2] == ["node"]:
        from benchmarks.node import main as measure_node

        raise SystemExit(measure_node(sys.argv[2:]))
    if sys.argv[1:2] == ["first-sync"]:
        from benchmarks.first_sync import main as measure_first_sync

        raise SystemExit(measure_first_sync(sys.argv[2:]))
    if sys.argv[1:2] in (["hundred-kits"], ["hub-load"]):
        from benchmarks.hundred_kits import main as measure_hundred_kits

        users = ["--users", "70"] if sys.argv[1] == "hub-load" else []
        raise SystemExit(measure_hundred_kits([*users, *sys.argv[2:]]))
    main()
