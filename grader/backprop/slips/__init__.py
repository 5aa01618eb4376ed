"""The slips, one file each: its code, its sentence, and the edits that undo it in a text and in a cell."""
