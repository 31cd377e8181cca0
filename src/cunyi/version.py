"""The version of the program, which every assessment carries."""

ENGINE_VERSION = "0.1.0"
