"""The pages of a class: its students' in blocks, in several processes, then the instructor's."""
