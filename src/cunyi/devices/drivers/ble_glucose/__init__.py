"""Blood glucose meters with the standard Bluetooth service 0x1808 and its record memory."""
