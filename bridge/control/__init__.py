"""Commands to the PBX, over its manager interface."""
