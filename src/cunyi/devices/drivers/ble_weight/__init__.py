"""Scales with the standard Bluetooth service 0x181D."""
