"""An ECG recorder's printed report as text: the conclusion and the heart rate. Waveforms are read past."""
