"""Exact inference in a noisy-OR network with pyAgrum, as a process of its own that can be stopped after a minute."""

from __future__ import annotations

import json
import sys
import time

import pyagrum as gum

from benchmarks.generated import generate, patient_with
from cunyi.domain.finding import Status


def main() -> None:
    """Prints the seconds and every disease's marginal for one generated size and patient."""
    diseases_count, findings_count, seed = (int(a) for a in sys.argv[1:4])
    findings, diseases = generate(diseases_count, findings_count)
    patient = patient_with(diseases, findings, 12, 8, seed)
    network = gum.BayesNet()
    for disease in diseases.values():
        node = network.add(gum.LabelizedVariable(disease.id, disease.id, 2))
        prior = disease.base_rate / 100_000
        network.cpt(node).fillWith([1 - prior, prior])
    # Findings that nobody mentioned are barren: leaving them out changes no marginal and spares exact inference work.
    for finding in patient.facts:
        network.addNoisyORCompound(gum.LabelizedVariable(finding, finding, 2), findings[finding].background)
    for disease in diseases.values():
        for finding, probability in disease.findings.items():
            if finding in patient.facts:
                # Henrion's noisy-OR: the weight is P(f | this disease alone), the leak included, as in the knowledge.
                network.addWeightedArc(disease.id, finding, probability)
    engine = gum.LazyPropagation(network)
    for finding, fact in patient.facts.items():
        engine.addEvidence(finding, int(fact.status == Status.PRESENT))
    started = time.perf_counter()
    engine.makeInference()
    marginals = {disease: float(engine.posterior(disease)[1]) for disease in diseases}
    print(json.dumps({"seconds": time.perf_counter() - started, "marginals": marginals}))


if __name__ == "__main__":
    main()
