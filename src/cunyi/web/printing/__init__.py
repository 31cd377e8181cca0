"""What is printed at a clinic: the encounter record, the prescription and the villager's readings, as PDF in Chinese."""
