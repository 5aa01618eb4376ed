"""What a training does: its recipe as data, augmentation of batches, and epochs at work."""
