"""Talking to other systems in their own forms; nothing in the house depends on one of them being there."""
