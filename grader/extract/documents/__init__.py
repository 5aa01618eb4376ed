"""Files of a submission to documents: the one reader of texts and notebooks."""
