"""What others recorded, taken over into the store: messages of the PBX, notes that pages have sealed."""
