"""村医 Cunyi: a digital village doctor. `assess` a case with the knowledge that `load_knowledge` gives."""

from cunyi.app import load_knowledge
from cunyi.reasoning.assess import assess

__all__ = ["assess", "load_knowledge"]
