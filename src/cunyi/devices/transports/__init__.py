"""What carries the bytes: Bluetooth, serial lines, and captures that are played again."""
