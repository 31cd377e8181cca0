"""The reader of identity cards: the language of the SAM module that every approved reader carries."""
