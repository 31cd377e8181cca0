"""Pulse oximeters with the standard Bluetooth service 0x1822: single measurements and running ones."""
