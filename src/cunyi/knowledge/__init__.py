"""What the engine reads at run time: records, conditions, likelihoods, the compiled artefact."""
