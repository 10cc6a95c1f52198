"""Messages that others recorded, taken over into the store: those of the PBX's own voicemail."""
