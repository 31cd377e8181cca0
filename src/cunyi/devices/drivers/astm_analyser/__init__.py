"""An analyser that speaks LIS01-A2 (framing) and LIS2-A2 (records), also known as ASTM E1381 and E1394."""
