"""Blood pressure monitors with the standard Bluetooth service 0x1810."""
