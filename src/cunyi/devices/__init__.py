"""Instruments and card readers: drivers that know what bytes mean, transports that carry them."""
