"""Thermometers with the standard Bluetooth service 0x1809."""
