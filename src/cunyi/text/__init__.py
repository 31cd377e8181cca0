"""Chinese clinical text into findings with status, person, time, value and the exact words."""
