"""One folder for each driver: `driver.toml`, `parser.py`, and `captures/` that say whether they are real or synthetic."""
