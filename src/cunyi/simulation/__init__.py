"""The simulated township: nodes as processes, people who fall ill, doctors at their pages, and a line that comes and goes."""
