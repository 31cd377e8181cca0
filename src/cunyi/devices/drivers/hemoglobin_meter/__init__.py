"""A haemoglobin meter that sends lines of text with a checksum."""
